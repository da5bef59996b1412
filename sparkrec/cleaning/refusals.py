"""Why a row is refused."""

from collections.abc import Mapping

from pyspark.sql import Column
from pyspark.sql import functions as F

from sparkrec.contracts.spark import names_where


def reasons_that_hold(conditions: Mapping[str, Column]) -> Column:
    """Names of the conditions that are true for a row, in the order given (array of strings)."""
    return names_where(conditions)


def reason_set(reasons: Column) -> Column:
    """The reasons of a row as one text: ``a + b``."""
    return F.array_join(reasons, " + ")
