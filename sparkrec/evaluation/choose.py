"""Choose what to publish on validation: a blend of models for each shelf."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pyspark.sql import DataFrame

from sparkrec.evaluation.metrics import list_metrics
from sparkrec.lake.by_files import collected
from sparkrec.recommend.item_lists import ItemLists
from sparkrec.recommend.loaded import BatchScores, Weights, load_models
from sparkrec.recommend.ranking import top_k
from sparkrec.recommend.targets import targets_of
from sparkrec.registry.model_store import CurrentModels

_MAX_STEPS = 25
# A blend that gains less than this over a smaller one is not worth its models.
_MIN_GAIN = 5e-4


@dataclass(frozen=True)
class Choice:
    """A blend and its metric on the validation users that it was chosen on."""

    weights: Weights
    value: float


@dataclass(frozen=True)
class Candidates:
    """Candidates of sampled users on one shelf, padded to one width.

    Attributes:
        scores: Standardised scores, (models, users, width); -inf pads.
        relevant: Whether each is a target, (users, width).
        targets: Targets of each user, found among the candidates or not, (users,).
    """

    scores: NDArray[np.float32]
    relevant: NDArray[np.bool_]
    targets: NDArray[np.int64]


def candidates(
    users: DataFrame, current: CurrentModels, fold: str, names: Sequence[str], shelves: Sequence[str], depth: int
) -> dict[str, Candidates]:
    """The union of each model's first ``depth`` items for each user on each shelf, with all models' scores.

    Args:
        users: Validation users with targets, already so few that the driver holds their candidates; `bounded`.
        current: The models.
        fold: Which fold's arrays to load.
        names: Models to choose from.
        shelves: Shelves to choose for.
        depth: Items of each model.
    """

    def collect(batches: Iterable[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        models = load_models(current, fold, current.at(fold))
        for rows, batch in models.batches(batches):
            scored = models.scores(batch)
            for shelf in shelves:
                targets = targets_of(rows, batch, models.known, shelf)
                yield _candidates(scored, shelf, targets, names, depth, models.items).assign(shelf=shelf)

    schema = "scores array<float>, relevant array<boolean>, targets long, shelf string"
    rows = collected(users.mapInPandas(collect, schema), current.scratch("candidates")).to_pandas()
    rows = rows[rows["targets"] > 0]
    return {shelf: _padded(rows[rows["shelf"] == shelf], len(names)) for shelf in shelves}


def _candidates(
    scored: BatchScores, shelf: str, targets: ItemLists, names: Sequence[str], depth: int, catalogue: int
) -> pd.DataFrame:
    """One row a user: all models' scores of the candidates, whether each is a target, and how many there are."""
    users, items = scored.united(names, shelf, depth)
    scores = np.stack([scored.of(name, shelf).standard(users, items) for name in names])
    relevant = targets.holds(users, items, catalogue)
    bounds = np.searchsorted(users, np.arange(len(targets.lengths) + 1))
    of_users = [slice(start, end) for start, end in pairwise(bounds)]
    found = [
        (scores[:, own].ravel(), relevant[own], count) for own, count in zip(of_users, targets.lengths, strict=True)
    ]
    return pd.DataFrame(found, columns=["scores", "relevant", "targets"])


def _padded(rows: pd.DataFrame, models: int) -> Candidates:
    width = int(rows["relevant"].str.len().max()) if len(rows) else 1
    scores = np.full((models, len(rows), width), -np.inf, np.float32)
    relevant = np.zeros((len(rows), width), dtype=bool)
    for row, (values, wanted) in enumerate(zip(rows["scores"], rows["relevant"], strict=True)):
        scores[:, row, : len(wanted)] = np.reshape(values, (models, len(wanted)))
        relevant[row, : len(wanted)] = wanted
    return Candidates(scores, relevant, rows["targets"].to_numpy(np.int64))


def choose_blend(found: Candidates, names: Sequence[str], k: int) -> Choice:
    """Greedy forward selection of models with replacement on NDCG@k.

    Starting from nothing, the model whose standardised scores help most is added again and again; a
    model added twice weighs twice (Caruana et al., "Ensemble selection from libraries of models",
    ICML 2004). The first blend within a hair of the best one is taken.

    Args:
        found: Validation candidates.
        names: Models, in the order of ``found.scores``; ties go to the earlier.
        k: Cut-off.
    """
    if not len(found.targets):
        raise ValueError("there is no validation user to choose on")
    total = np.zeros_like(found.scores[0])
    counts = np.zeros(len(names), int)
    best_counts, best = counts.copy(), -1.0
    for _ in range(_MAX_STEPS):
        values = [_ndcg(total + scores, found, k) for scores in found.scores]
        winner = int(np.argmax(values))
        counts[winner] += 1
        total = total + found.scores[winner]
        if values[winner] > best + _MIN_GAIN:
            best, best_counts = values[winner], counts.copy()
    share = best_counts / best_counts.sum()
    return Choice({name: float(part) for name, part in zip(names, share, strict=True) if part}, best)


def _ndcg(scores: NDArray[np.float32], found: Candidates, k: int) -> float:
    ranked = top_k(scores, k)
    hits = np.take_along_axis(found.relevant, ranked, 1)
    return float(list_metrics(hits, found.targets, k)[f"ndcg@{k}"].mean())
