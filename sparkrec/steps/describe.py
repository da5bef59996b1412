"""Features to how their values lie, and how far that is from the last earlier day."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from sparkrec.contracts.features import RANKING_SAMPLES, features
from sparkrec.monitoring.feature_statistics import feature_statistics
from sparkrec.monitoring.value_counts import value_counts
from sparkrec.steps.context import Counts, JobContext

STATISTICS = "gold.feature_statistics"


def run(context: JobContext) -> Counts:
    """Describe every registered feature on the run's day; other days stay as they are."""
    tables, known = context.tables, features()
    owners = {table: tables.read(table) for table in {feature.table for feature in known}}
    # Where the same candidates are likely to come back, the newest ones tell enough.
    samples = owners[RANKING_SAMPLES]
    owners[RANKING_SAMPLES] = samples.join(F.broadcast(samples.agg(F.min("window").alias("window"))), "window")
    counts = value_counts(owners, known)
    statistics = feature_statistics(counts, known, _last_earlier_day(context))
    rows = statistics.withColumn("run_date", F.lit(context.run_date))
    return {"features": tables.replace_days(STATISTICS, rows, [context.run_date])}


def _last_earlier_day(context: JobContext) -> DataFrame:
    """The statistics of the newest day before the run's, so that a day that is run again is held against the same."""
    if not context.tables.exists(STATISTICS):
        return context.no_rows(STATISTICS)
    earlier = context.tables.read(STATISTICS).where(F.col("run_date") < F.lit(context.run_date))
    newest = earlier.agg(F.max("run_date").alias("run_date"))
    return earlier.join(F.broadcast(newest), "run_date", "left_semi")
