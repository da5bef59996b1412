"""What earlier jobs of the lake wrote down of themselves."""

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from datetime import date, datetime

import pandas as pd
from pyspark.sql import functions as F

from sparkrec.errors import DataError
from sparkrec.lake import Lake
from sparkrec.report import RowAccount

RUNS = "gold.pipeline_runs"
CLEANING = ("clean", "replay")
"""Jobs that say what became of the landed lines."""


@dataclass(frozen=True)
class JobRun:
    """The latest finished run of a job; `gold.pipeline_runs` says what its fields are."""

    job: str
    started_at: datetime
    seconds: float
    outcome: str
    counts: dict[str, int]
    inputs: dict[str, int] = field(default_factory=dict)
    outputs: dict[str, int] = field(default_factory=dict)
    run_date: date | None = None
    definition: str | None = None


def latest_runs(lake: Lake, jobs: Sequence[str]) -> list[JobRun]:
    """The latest done run of each job that has one, in the order of ``jobs``."""
    if not lake.exists(RUNS):
        return []
    runs = lake.read(RUNS)
    if "definition" not in runs.columns:
        runs = runs.withColumn("definition", F.lit(None).cast("string"))
    row = F.struct(*[one.name for one in fields(JobRun)])
    newest = runs.where(F.col("outcome") == "done").where(F.col("job").isin(list(jobs)))
    found = newest.groupBy("job").agg(F.max_by(row, "started_at").alias("run")).collect()
    latest = {one.job: JobRun(**one.run.asDict()) for one in found}
    return [latest[job] for job in jobs if job in latest]


def as_frame(runs: Sequence[JobRun]) -> pd.DataFrame:
    """The runs as the report shows them."""
    columns = ["job", "seconds", "outcome", "counts"]
    return pd.DataFrame([[run.job, run.seconds, run.outcome, run.counts] for run in runs], columns=columns)


def row_account(runs: Sequence[JobRun]) -> RowAccount:
    """What the last job of `CLEANING` made of every landed line.

    Raises:
        DataError: The clean job has not run.
    """
    cleanings = [run for run in runs if run.job in CLEANING]
    if not cleanings:
        raise DataError(f"{RUNS} knows no finished clean job: run `sparkrec job clean` first")
    counts = max(cleanings, key=lambda run: run.started_at).counts
    refused = {name.removeprefix("refused."): rows for name, rows in counts.items() if name.startswith("refused.")}
    kept, again = counts["kept"] + counts.get("searches", 0), counts.get("redelivered", 0)
    return RowAccount(counts["landed"], kept, counts["duplicates"] + again, refused, again)
