"""Rows in an order that does not hang on the files that they lie in."""

from pyspark.sql import DataFrame


def in_one_order(rows: DataFrame, parts: int, key: str, *further: str) -> DataFrame:
    """The rows in so many partitions that are always the same, in an order that is always the same.

    Sums of many small numbers come out alike to the last digit only where they are added in one order; that in which
    rows lie in a table hangs on the names of its files.

    Args:
        rows: Rows that no two of agree in all the keys.
        parts: Partitions.
        key: Column whose values stay together, in their order.
        further: Columns that order rows of one such value.
    """
    return rows.repartition(parts, key).sortWithinPartitions(key, *further)
