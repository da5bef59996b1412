"""Why a row is refused."""

from pyspark.sql import Column
from pyspark.sql import functions as F


def reason_set(reasons: Column) -> Column:
    """The reasons of a row as one text: ``a + b``."""
    return F.array_join(reasons, " + ")
