"""Lines that landed more than once, and events that were delivered more than once."""

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from sparkrec.contracts.spark import column


def row_id(columns: Sequence[str], alias: str | None = None) -> Column:
    """SHA-256 of a line as JSON: the same for the same text, in whatever file and batch it landed.

    Args:
        columns: The source's own columns; in what order they landed does not matter.
        alias: Name of the table that has them, where there are others beside it.
    """
    return id_of_row(F.struct(*[column(name, alias) for name in sorted(columns)]))


def id_of_row(line: Column) -> Column:
    """`row_id` of a line that is a struct of its own columns, sorted by their names."""
    return F.sha2(F.to_json(line), 256)


def line_hash(columns: Sequence[str]) -> Column:
    """Hash (xxHash64) of a line's values, cheaper than `row_id` and told apart only among lines of one event.

    Args:
        columns: The source's own columns. A missing value counts for nothing, so a column that came later does not
            change the hash of a line from before.
    """
    return F.xxhash64(*[column(name) for name in sorted(columns)])


def one_of_each(lines: DataFrame, *key: Column) -> DataFrame:
    """All lines in the order of their key, each with what it is beside the others of that key.

    Args:
        lines: Lines with a ``line_hash``.
        key: Lines that agree in it are one: of these the one with the smallest ``line_hash`` counts, so that the
            order in which they were delivered does not matter.

    Returns:
        ``lines`` with ``copy``: null on the line that counts, ``duplicate`` on one that repeats another line
        exactly, ``redelivered`` on one that has the key of another line, but not its text.
    """
    same = Window.partitionBy(*key).orderBy("line_hash")
    before = F.lag("line_hash").over(same)
    copy = F.when(before == F.col("line_hash"), F.lit("duplicate")).when(before.isNotNull(), F.lit("redelivered"))
    return lines.withColumn("copy", copy)
