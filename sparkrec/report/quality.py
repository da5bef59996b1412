"""Puts the figures of gold.evaluations into the order in which people compare them."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from sparkrec.report.content import ReportContent

SPLITS = ("test", "validation")
SHELVES = ("discover", "reorder")
WHOLE = "all"
FURTHER = ("novelty", "diversity", "coverage", "gini")
"""Metrics, without their cut-off, of what the lists hold beside hits."""

# Baselines that the published model's further metrics stand beside.
_COMPARED = 3


@dataclass(frozen=True)
class Score:
    """One figure with its 95 % interval, and the p-value of no difference from the published model's."""

    value: float
    low: float
    """NaN, as ``high``, for a figure of all lists together, which has no interval."""
    high: float
    users: int
    p_value: float | None = None

    @property
    def has_interval(self) -> bool:
        """Whether its interval is known."""
        return math.isfinite(self.low) and math.isfinite(self.high)


@dataclass(frozen=True)
class Standing:
    """One model version on one split of the events, with its scores by metric."""

    model: str
    version: str
    deep: bool
    published: bool
    scores: Mapping[str, Score]

    @property
    def kind(self) -> str:
        """deep model or baseline."""
        return "deep model" if self.deep else "baseline"


@dataclass(frozen=True)
class Segment:
    """A group of users and how good the published lists are for them."""

    name: str
    score: Score


@dataclass(frozen=True)
class Shelf:
    """All that is known of one shelf's quality."""

    name: str
    description: str | None
    """The published model as people should read it."""
    metric: str
    """What the standings are ordered by, best first."""
    metrics: tuple[str, ...]
    further: tuple[str, ...]
    """The metrics of `FURTHER`."""
    splits: Mapping[str, tuple[Standing, ...]]
    segments: tuple[Segment, ...]
    """Largest group first."""
    by_default: bool = False
    """Whether the published model was not chosen on anybody."""

    @property
    def over(self) -> str:
        """What the means are over."""
        return "queries" if self.name == "search" else "users"

    @property
    def evaluated_on(self) -> str:
        """The split that says most: the test, or the validation split if nothing was held out for a test."""
        return next((split for split in SPLITS if self.splits.get(split)), SPLITS[0])

    @property
    def standings(self) -> tuple[Standing, ...]:
        """The models that have the shelf's metric on the split that says most, best first."""
        return tuple(one for one in self.splits.get(self.evaluated_on, ()) if self.metric in one.scores)

    @property
    def published(self) -> Standing | None:
        """The model whose lists are published."""
        return next((one for one in self.standings if one.published), None)

    @property
    def compared(self) -> tuple[Standing, ...]:
        """The published model and the best baselines, best first."""
        baselines = [one for one in self.standings if not one.deep and not one.published][:_COMPARED]
        return tuple(one for one in self.standings if one.published or one in baselines)

    @property
    def has_p_values(self) -> bool:
        """Whether any model was tested against the published one."""
        return any(one.scores[self.metric].p_value is not None for one in self.standings)

    @property
    def rival(self) -> Standing | None:
        """Whom the published model is held against: the best of the other kind."""
        if self.published is None:
            return None
        deep = self.published.deep
        return next((one for one in self.standings if one.deep != deep), None)

    @property
    def lead(self) -> float | None:
        """By how much the published model's figure is above its rival's."""
        if self.published is None or self.rival is None:
            return None
        return self.published.scores[self.metric].value - self.rival.scores[self.metric].value


def shelves(content: ReportContent) -> tuple[Shelf, ...]:
    """Every shelf that was evaluated or published, discover first."""
    evaluated = set() if content.evaluations.empty else set(content.evaluations["shelf"])
    others = sorted((evaluated | set(content.chosen)) - set(SHELVES))
    known = [name for name in SHELVES if name in evaluated or name in content.chosen]
    return tuple(_shelf(content, name) for name in [*known, *others])


def protocols(evaluations: pd.DataFrame) -> tuple[str, ...]:
    """The protocols that the figures come from; figures of different protocols do not compare."""
    return () if evaluations.empty else tuple(sorted(set(evaluations["protocol"])))


def _shelf(content: ReportContent, name: str) -> Shelf:
    description, by_default = content.chosen.get(name), name in content.by_default
    measured_rows = content.measured
    if measured_rows.empty:
        return Shelf(name, description, content.metric, (), (), {}, (), by_default)
    rows = measured_rows[measured_rows["shelf"] == name]
    measured = sorted(set(rows["metric"]), key=lambda one: (one != content.metric, one))
    further = tuple(one for stem in FURTHER for one in measured if one.partition("@")[0] == stem)
    metrics = tuple(one for one in measured if one not in further)
    metric = metrics[0] if metrics else content.metric
    splits = {split: _standings(rows[rows["split"] == split], metric, content) for split in SPLITS}
    shelf = Shelf(name, description, metric, metrics, further, splits, (), by_default)
    of_published = rows["chosen"].astype(bool) & (rows["split"] == shelf.evaluated_on) & (rows["metric"] == metric)
    return replace(shelf, segments=_segments(rows[of_published]))


def _standings(rows: pd.DataFrame, metric: str, content: ReportContent) -> tuple[Standing, ...]:
    whole = rows[rows["segment"] == WHOLE]
    standings = [
        Standing(
            model=str(model),
            version=str(version),
            deep=str(model) in content.deep_models,
            published=bool(group["chosen"].any()),
            scores={str(row["metric"]): _score(row) for row in group.to_dict("records")},
        )
        for (model, version), group in whole.groupby(["model", "model_version"])
    ]

    def best_first(standing: Standing) -> tuple[float, str, str]:
        score = standing.scores.get(metric)
        return (-score.value if score else float("inf"), standing.model, standing.version)

    return tuple(sorted(standings, key=best_first))


def _segments(rows: pd.DataFrame) -> tuple[Segment, ...]:
    segments = [Segment(str(row["segment"]), _score(row)) for row in rows.to_dict("records") if row["segment"] != WHOLE]
    return tuple(sorted(segments, key=lambda one: (-one.score.users, one.name)))


def _score(row: Mapping[Any, Any]) -> Score:
    p_value = row.get("p_value")
    differs = None if pd.isna(p_value) else float(p_value)
    return Score(float(row["value"]), float(row["low"]), float(row["high"]), int(row["users"]), differs)
