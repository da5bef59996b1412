"""Rows that reach the driver by way of files."""

import pyarrow as pa
from pyspark.sql import DataFrame

from sparkrec.lake import files


def collected(rows: DataFrame, folder: str) -> pa.Table:
    """The rows, in the order of their partitions.

    Spark's own way holds them in the JVM of the driver, twice, and stops at ``spark.driver.maxResultSize``.

    Args:
        rows: So few that this process holds them.
        folder: Where the files lie meanwhile; what is there is removed.
    """
    rows.write.mode("overwrite").parquet(folder)
    try:
        return files.read_tables(folder)
    finally:
        files.delete_folder(folder)
