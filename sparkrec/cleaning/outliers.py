"""Values far out of those that a day's other events have."""

import math
from collections.abc import Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from sparkrec.contracts import OutlierRule
from sparkrec.contracts.spark import names_where

MIN_VALUES = 30
"""A day with fewer of them judges none."""
_MIN_SPREAD = math.log(2)


def with_outliers(events: DataFrame, rules: Sequence[OutlierRule]) -> DataFrame:
    """Fill in ``outliers``: names of the rules by which a value of the event is far out.

    A value is far out if its logarithm lies more than `OutlierRule.spreads` interquartile ranges beyond the quartiles
    of its day. A few wild values do not move these, as they would move a mean and a standard deviation. Where half
    of the values are all but the same, the range counts as a factor of two.

    Args:
        events: Events with ``event_date``, all of a day or none. What is not above 0 is never far out.
        rules: What to look at.
    """
    quartiles = [
        F.percentile(_scaled(rule), F.array(F.lit(0.25), F.lit(0.75))).alias(f"_{rule.name}") for rule in rules
    ]
    counts = [F.count(_scaled(rule)).alias(f"_{rule.name}_values") for rule in rules]
    days = events.groupBy("event_date").agg(*quartiles, *counts)
    judged = events.join(F.broadcast(days), "event_date", "left")
    return judged.withColumn("outliers", names_where({rule.name: _is_far_out(rule) for rule in rules})).select(
        *[name for name in events.columns if name != "outliers"], "outliers"
    )


def _scaled(rule: OutlierRule) -> Column:
    value = F.col(rule.column)
    return F.when(value > 0, F.log(value))


def _is_far_out(rule: OutlierRule) -> Column:
    low, high = F.col(f"_{rule.name}")[0], F.col(f"_{rule.name}")[1]
    reach = F.lit(rule.spreads) * F.greatest(high - low, F.lit(_MIN_SPREAD))
    enough = F.col(f"_{rule.name}_values") >= MIN_VALUES
    return enough & ((_scaled(rule) > high + reach) | (_scaled(rule) < low - reach))
