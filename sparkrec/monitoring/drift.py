"""How far shares in bins have moved."""

from pyspark.sql import Column
from pyspark.sql import functions as F

SMALL, LARGE = 0.1, 0.25
"""From where a drift counts as such: Siddiqi, Credit Risk Scorecards, 2006."""
# So that a bin without rows does not make it infinite.
_MIN_SHARE = 0.0001


def population_stability_index(expected: Column, actual: Column) -> Column:
    """How far shares in bins lie from those expected; 0 where they are the same, and without a bound.

    It is the sum over bins of ``(actual - expected) * ln(actual / expected)`` (Siddiqi, Credit Risk Scorecards,
    2006), which is the Jeffreys divergence. A share below 0.0001 counts as that.

    Args:
        expected: Shares in each bin (array of doubles).
        actual: Shares in the same bins.
    """

    def of_bin(was: Column, is_: Column) -> Column:
        was, is_ = (F.greatest(share, F.lit(_MIN_SHARE)) for share in (was, is_))
        return (is_ - was) * F.log(is_ / was)

    return F.aggregate(F.zip_with(expected, actual, of_bin), F.lit(0.0), lambda total, part: total + part)


def drift_level(index: Column) -> Column:
    """none, small or large; missing where there is no index."""
    return F.when(index < SMALL, "none").when(index < LARGE, "small").when(index.isNotNull(), "large")
