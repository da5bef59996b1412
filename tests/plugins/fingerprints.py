"""What the tables of a lake hold, to be compared with those of another."""

from pyspark.sql import SparkSession

from sparkrec.lake import Lake
from sparkrec.lake.fingerprint import fingerprint


def table_fingerprints(spark: SparkSession, root: str) -> dict[str, int]:
    """The fingerprint of each table but of the runs, without what differs from run to run: when a line was ingested."""
    lake = Lake(spark, root)
    rows = {table: lake.read(table).drop("_ingested_at") for table in lake.tables() if table != "gold.pipeline_runs"}
    return {table: fingerprint(of_table) for table, of_table in rows.items()}
