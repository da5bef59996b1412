"""Why a row is refused."""

from collections.abc import Mapping

from pyspark.sql import Column
from pyspark.sql import functions as F


def reasons_that_hold(conditions: Mapping[str, Column]) -> Column:
    """Names of the conditions that are true for a row, in the order given (array of strings)."""
    names = [F.when(condition, F.lit(name)) for name, condition in conditions.items()]
    return F.array_compact(F.array(*names)) if names else F.array().cast("array<string>")


def reason_set(reasons: Column) -> Column:
    """The reasons of a row as one text: ``a + b``."""
    return F.array_join(reasons, " + ")
