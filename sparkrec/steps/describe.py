"""Features to how their values lie, and how far that is from the last earlier day."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from sparkrec.contracts.features import RANKING_SAMPLES, features
from sparkrec.monitoring.feature_statistics import feature_statistics
from sparkrec.monitoring.value_counts import value_counts
from sparkrec.recommend.queries.query_ranker import QUERY_ITEMS
from sparkrec.steps.context import Counts, JobContext

STATISTICS = "gold.feature_statistics"


def run(context: JobContext) -> Counts:
    """Describe every registered feature on the run's day; other days stay as they are."""
    tables, known = context.tables, features()
    owners = {table: _rows(context, table) for table in {feature.table for feature in known}}
    counts = value_counts(owners, known)
    statistics = feature_statistics(counts, known, _last_earlier_day(context))
    rows = statistics.withColumn("run_date", F.lit(context.run_date))
    return {"features": tables.replace_days(STATISTICS, rows, [context.run_date])}


def _rows(context: JobContext, table: str) -> DataFrame:
    rows = context.tables.read(table)
    if table == QUERY_ITEMS:
        return rows.where("fold = 'publish'")
    if table != RANKING_SAMPLES:
        return rows
    # Most candidates of a window are those of the others, too.
    return rows.join(F.broadcast(rows.agg(F.min("window").alias("window"))), "window")


def _last_earlier_day(context: JobContext) -> DataFrame:
    """The statistics of the newest day before the run's, so that a day that is run again is held against the same."""
    if not context.tables.exists(STATISTICS):
        return context.no_rows(STATISTICS)
    earlier = context.tables.read(STATISTICS).where(F.col("run_date") < F.lit(context.run_date))
    newest = earlier.agg(F.max("run_date").alias("run_date"))
    return earlier.join(F.broadcast(newest), "run_date", "left_semi")
