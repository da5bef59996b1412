"""Lines that landed more than once, and events that were delivered more than once."""

from collections.abc import Sequence
from typing import Literal

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


def with_equal_lines(lines: DataFrame, duplicates: Literal["drop", "keep", "sum"], quantity_is_told: bool) -> DataFrame:
    """The lines with what equal lines of one delivered file stand for, where they are no repetition of each other.

    Args:
        lines: `labelled_lines` of a source without ids of its own.
        duplicates: ``drop`` leaves them to `one_of_each`; ``keep`` gives the second of them the id ``<hash>.2``, the
            third ``<hash>.3``, so that each is an event, and as many again in another file are the same events;
            ``sum`` makes them one event of the sum of their quantities.
        quantity_is_told: Whether lines have a quantity; without one ``sum`` counts them.
    """
    if duplicates == "drop":
        return lines
    is_good = F.size("reasons") == 0
    equal = Window.partitionBy("delivered", "table", "event_id", is_good)
    if duplicates == "keep":
        place = F.row_number().over(equal.orderBy("line_hash"))
        further = F.concat("event_id", F.lit("."), place.cast("string"))
        return lines.withColumn("event_id", F.when(is_good & (place > 1), further).otherwise(F.col("event_id")))
    # A refused line stands for nothing.
    lines = lines.withColumn("_times", F.when(is_good, F.count("*").over(equal)).otherwise(1))
    pieces = F.col("quantity") if quantity_is_told else F.lit(1.0)
    # Another number of equal lines is another text of the event.
    text = F.when(F.col("_times") > 1, F.xxhash64("line_hash", "_times")).otherwise(F.col("line_hash"))
    return lines.withColumns({"quantity": pieces * F.col("_times"), "line_hash": text}).drop("_times")


def one_of_each(lines: DataFrame, *key: Column, order: Sequence[Column]) -> DataFrame:
    """All lines, each with what it is beside the others of its key.

    Args:
        lines: Lines with a ``line_hash``.
        key: Lines that agree in it are one event.
        order: Of these lines the one with the greatest values counts, and where they are equal the one with the
            smallest ``line_hash``, so that the order of the rows does not matter.

    Returns:
        ``lines`` with ``copy``: null on the line that counts, ``duplicate`` on one that repeats another line
        exactly, ``redelivered`` on one that has the key of another line, but not its text.
    """
    by_text = Window.partitionBy(*key).orderBy("line_hash", F.struct(*order).desc())
    # Its complement falls as the hash rises.
    rank = F.struct(*order, F.bitwise_not("line_hash").alias("_hash"))
    is_repeated = F.lag("line_hash").over(by_text) == F.col("line_hash")
    # All lines of the key, in the order that Spark has them in already: one pass over them gives both.
    greatest = F.max(rank).over(by_text.rowsBetween(Window.unboundedPreceding, Window.unboundedFollowing))
    copy = F.when(F.coalesce(is_repeated, F.lit(False)), F.lit("duplicate")).when(rank < greatest, F.lit("redelivered"))
    return lines.withColumn("copy", copy)
