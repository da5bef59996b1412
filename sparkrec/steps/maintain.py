"""Keep the lake small and quick to read: no job of the graph, but what ``sparkrec maintain`` does."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from sparkrec.contracts import load_contract
from sparkrec.lake import Lake, files
from sparkrec.lake.delta_log import committed_at
from sparkrec.steps.runs import RUNS

# Clocks of machines differ.
_MARGIN = timedelta(hours=1)
_GROWING = ("bronze.", "gold.feature_statistics", RUNS)


def maintain(root: str, spark: SparkSession, keep: timedelta, say: Callable[[str], None]) -> dict[str, int]:
    """Join small files of the tables that grow, cluster those that are asked for one value, and remove old files.

    Old are files that no version needs that anybody may still name.

    Every version of the last ``keep`` stays readable, and so does every older one that a run of that time, or the
    last finished run of any job, has read or written: what is published now was made from these.

    Returns:
        Files removed by table.
    """
    lake = Lake(spark, root)
    now = datetime.now(UTC)
    named = _oldest_named_versions(lake, now - keep)
    removed = {}
    for table in lake.tables(with_private=True):
        clustered_by = load_contract(table).clustered_by
        if clustered_by or table.startswith(_GROWING):
            lake.compact(table, clustered_by)
        oldest = now - keep
        if table in named:
            oldest = min(oldest, committed_at(lake.path(table), named[table]) - _MARGIN)
        before = files.count_files(lake.path(table), ".parquet")
        lake.vacuum(table, now - oldest)
        removed[table] = before - files.count_files(lake.path(table), ".parquet")
        if oldest < now - keep:
            say(f"{table}: versions from {named[table]} on stay, which a run that counts has named")
    return {table: number for table, number in removed.items() if number}


def _oldest_named_versions(lake: Lake, since: datetime) -> dict[str, int]:
    """By table the oldest version that a run since then, or the last finished run of a job, has read or written."""
    if not lake.exists(RUNS):
        return {}
    runs = lake.read(RUNS)
    last = runs.where("outcome = 'done'").groupBy("job").agg(F.max("started_at").alias("started_at"))
    counting = runs.where(F.col("started_at") >= F.lit(since)).unionByName(
        runs.join(F.broadcast(last), ["job", "started_at"], "left_semi")
    )
    pairs = counting.select(F.explode(F.concat(F.map_entries("inputs"), F.map_entries("outputs"))).alias("pair"))
    oldest = pairs.groupBy("pair.key").agg(F.min("pair.value").alias("version"))
    return {row.key: row.version for row in oldest.collect()}
