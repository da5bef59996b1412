"""Numeric features on one scale, by statistics of the training interval."""

from typing import Literal

from pyspark.sql import Column, DataFrame, Row
from pyspark.sql import functions as F

from sparkrec.contracts import load_contract

Kind = Literal["standard", "log", "buckets"]

KINDS: dict[str, Kind] = {
    **dict.fromkeys(("user_positives", "user_items", "item_positives", "pair_positives"), "log"),
    **dict.fromkeys(("item_positives_7d", "item_positives_28d", "item_positives_90d"), "log"),
    **dict.fromkeys(("user_days_since_first", "item_days_since_first"), "log"),
    **dict.fromkeys(("user_log_price", "item_log_price", "user_return_share", "item_return_share"), "standard"),
    **dict.fromkeys(("user_days_since", "pair_days_since"), "buckets"),
}
"""How each numeric column of features.ranking_samples is scaled.

standard: less the mean, by the standard deviation. log: the same with log(1 + value). buckets: the number of
the interval between boundaries that the value falls into.
"""

_STATISTICS = ("low", "high", "mean", "standard_deviation", "boundaries")
_TABLE = "features.ranking_samples"
_CLIPPED = (0.01, 0.99)
_BOUNDARIES = tuple(place / 10 for place in range(1, 10))
# Sums of small numbers differ in their last digits by the order that they were added in.
_DIGITS = 9


def fit_scaling(samples: DataFrame) -> DataFrame:
    """Statistics of each numeric feature over the training part alone (features.scalers).

    Args:
        samples: features.ranking_samples; rows of other parts count for nothing.
    """
    columns = load_contract(_TABLE).columns
    fitted = samples.where("part = 'train'").agg(*[_statistics(name, kind) for name, kind in KINDS.items()])
    rows = []
    for name, kind in KINDS.items():
        use = columns[name].feature
        said = {"feature": F.lit(name), "version": F.lit(use.version if use else 1), "kind": F.lit(kind)}
        found = {statistic: F.col(name)[statistic] for statistic in _STATISTICS}
        rows.append(F.struct(*[value.alias(column) for column, value in (said | found).items()]))
    return fitted.select(F.explode(F.array(*rows)).alias("row")).select("row.*")


def _statistics(name: str, kind: Kind) -> Column:
    value = _scale(F.col(name), kind)
    places = F.percentile(value, [_CLIPPED[0], *_BOUNDARIES, _CLIPPED[1]])
    boundaries = F.array_distinct(F.slice(places, 2, len(_BOUNDARIES)))
    return F.struct(
        places[0].alias("low"),
        places[len(_BOUNDARIES) + 1].alias("high"),
        F.round(F.avg(value), _DIGITS).alias("mean"),
        F.round(F.stddev_pop(value), _DIGITS).alias("standard_deviation"),
        boundaries.alias("boundaries"),
    ).alias(name)


def apply_scaling(samples: DataFrame, scalers: DataFrame) -> DataFrame:
    """The samples with their numeric features scaled.

    Standardised values are clipped before; where one is missing, or all were alike, it is 0, the mean. Buckets are
    numbered from 1, 0 is for what is missing.

    Args:
        samples: features.ranking_samples, of any part.
        scalers: features.scalers.
    """
    # A row a feature.
    return samples.withColumns({row.feature: _scaled(row) for row in scalers.collect()})


def _scaled(fitted: Row) -> Column:
    value = _scale(F.col(fitted.feature), fitted.kind)
    if fitted.kind == "buckets":
        above = [(value >= boundary).cast("int") for boundary in fitted.boundaries or []]
        return F.when(value.isNull(), 0).otherwise(sum(above, start=F.lit(1)))
    if not fitted.standard_deviation:
        return F.lit(0.0).cast("float")
    clipped = F.when(value < fitted.low, fitted.low).when(value > fitted.high, fitted.high).otherwise(value)
    return F.coalesce((clipped - fitted.mean) / fitted.standard_deviation, F.lit(0.0)).cast("float")


def _scale(value: Column, kind: str) -> Column:
    return F.log1p(value) if kind == "log" else value.cast("double")
