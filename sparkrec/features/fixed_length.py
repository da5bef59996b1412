"""Arrays of one length, as the models read them: 0 pads."""

from pyspark.sql import Column
from pyspark.sql import functions as F


def last(values: Column, length: int) -> Column:
    """The array's last ``length`` values, or all where there are fewer."""
    return F.slice(values, F.greatest(F.size(values) - length + 1, F.lit(1)), length)


def pad_front(values: Column, length: int) -> Column:
    """The last ``length`` values, with 0 in front where there are fewer."""
    latest = last(values, length)
    return F.concat(F.array_repeat(F.lit(0), length - F.size(latest)), latest)


def pad_behind(values: Column, length: int, padding: int = 0) -> Column:
    """The first ``length`` values, with ``padding`` behind where there are fewer."""
    first = F.slice(values, 1, length)
    return F.concat(first, F.array_repeat(F.lit(padding), length - F.size(first)))
