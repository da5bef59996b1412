"""Draws the page: content in, HTML out."""

import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined

from sparkrec.report import charts, wording
from sparkrec.report.content import ReportContent
from sparkrec.report.features import numeric_features
from sparkrec.report.quality import Shelf, protocols, shelves

FILE_NAME = "index.html"
SEGMENTS_SHOWN = 10
# A p-value below it is no accident.
_SURE = 0.05


@dataclass(frozen=True)
class Check:
    """Something that a reader would otherwise have to work out: good, bad, or worth knowing."""

    state: str
    """good, bad or note."""
    text: str


def render(content: ReportContent) -> str:
    """The whole page; the same content always gives the same text."""
    return (
        _environment()
        .get_template("index.html.j2")
        .render(
            content=content,
            shelves=shelves(content),
            checks=checks(content),
            protocols=protocols(content.measured),
            features=numeric_features(content.features),
            charts=charts,
            segments_shown=SEGMENTS_SHOWN,
        )
    )


def write(content: ReportContent, folder: Path) -> Path:
    """Write the page into the folder; a reader sees the old page or the new one, never a half."""
    page = render(content)
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / FILE_NAME
    temporary = folder / f".{FILE_NAME}.{os.getpid()}"
    try:
        temporary.write_text(page, encoding="utf-8", newline="\n")
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)
    return target


def checks(content: ReportContent) -> tuple[Check, ...]:
    """What the run says about itself, in one line each."""
    return (
        _rows_check(content),
        *_jobs_check(content.jobs),
        *_split_check(content.split),
        *_training_checks(content),
        *_left_out_checks(content),
        *_protocol_check(content.measured),
        *(_shelf_check(shelf) for shelf in shelves(content)),
        *_drift_check(content.features),
    )


def _rows_check(content: ReportContent) -> Check:
    rows = content.rows
    if rows.adds_up():
        return Check("good", "Every landed row is kept, a duplicate, or refused for a stated reason.")
    off = wording.count(abs(rows.unaccounted))
    fault = "are unaccounted for" if rows.unaccounted > 0 else "too many are accounted for"
    return Check("bad", f"The rows do not add up: {off} {fault}.")


def _jobs_check(jobs: pd.DataFrame) -> tuple[Check, ...]:
    if jobs.empty:
        return ()
    latest = jobs.drop_duplicates("job", keep="last")
    failed = [str(job) for job in latest.loc[latest["outcome"] != "done", "job"]]
    if failed:
        return (Check("bad", f"Not done: {', '.join(failed)}."),)
    return (Check("good", f"All {len(latest)} jobs on record are done."),)


def _training_checks(content: ReportContent) -> tuple[Check, ...]:
    if not content.training:
        return ()
    apart = [f"{curve.model} ({curve.fold})" for curve in content.training if not curve.ranks_agree]
    if apart:
        return (Check("bad", f"Training ranks ended with different steps or weights: {', '.join(apart)}."),)
    return (Check("good", "In every training all ranks made the same steps and hold the same weights."),)


def _split_check(split: str | None) -> tuple[Check, ...]:
    return () if split is None else (Check("note", f"{split[:1].upper()}{split[1:]}."),)


def _left_out_checks(content: ReportContent) -> tuple[Check, ...]:
    """One for each reason."""
    names: dict[str, list[str]] = {}
    for name, reason in content.left_out.items():
        names.setdefault(reason, []).append(name)
    return tuple(Check("note", f"Left out: {', '.join(listed)}: {reason}.") for reason, listed in names.items())


def _protocol_check(evaluations: pd.DataFrame) -> tuple[Check, ...]:
    if len(protocols(evaluations)) < 2:
        return ()
    return (Check("bad", "The evaluations follow different protocols; their figures do not compare."),)


def _drift_check(features: pd.DataFrame) -> tuple[Check, ...]:
    compared = features.dropna(subset="drift") if len(features) else features
    if compared.empty:
        return ()
    day = wording.day(compared["compared_with"].iloc[0])
    far = [f"{one['table']}.{one['feature']}" for one in compared.to_dict("records") if one["drift_level"] == "large"]
    if not far:
        return (Check("good", f"No feature has drifted far since {day}."),)
    return (Check("note", f"{len(far)} of {len(compared)} features have drifted far since {day}: {', '.join(far)}."),)


def _shelf_check(shelf: Shelf) -> Check:
    name, metric = shelf.name.capitalize(), wording.metric(shelf.metric)
    published, rival = shelf.published, shelf.rival
    if shelf.by_default:
        figure = "nothing was measured"
        if published:
            figure = f"it has {metric} {wording.figure(published.scores[shelf.metric].value)} on {shelf.evaluated_on}"
        return Check("note", f"{name}: {shelf.description} is the default, with 0 {shelf.over} to choose on; {figure}.")
    if published is None:
        return Check("note", f"{name}: no {metric} of the published model on held-out events.")
    if rival is None or shelf.lead is None:
        return Check("note", f"{name}: nothing of another kind to hold {published.model} against.")
    p_value = rival.scores[shelf.metric].p_value
    told = "" if p_value is None else f" (p = {p_value:.3f})"
    lead = f"{wording.difference(shelf.lead)} {metric} on {shelf.evaluated_on} against the best {rival.kind}"
    clearly_worse = shelf.lead < 0 and p_value is not None and p_value < _SURE
    state = "bad" if clearly_worse else "good" if published.deep and shelf.lead > 0 else "note"
    return Check(state, f"{name}: {published.model} ({published.kind}) is published, {lead}, {rival.model}{told}.")


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("sparkrec.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "count": wording.count,
        "pieces": wording.pieces,
        "compact": wording.compact,
        "figure": wording.figure,
        "difference": wording.difference,
        "p_value": wording.p_value,
        "share": wording.share,
        "duration": wording.duration,
        "day": wording.day,
        "text": wording.text,
        "metric": wording.metric,
        "segment": wording.segment,
        "words": wording.words,
    }
    return environment
