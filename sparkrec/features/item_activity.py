"""How much is done with each item at a fold, the same for all users."""

from collections.abc import Sequence
from datetime import timedelta

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from sparkrec.features.folds import known_at_folds

_BUYER_DAYS = (7, 28, 90)


def item_activity(positives: DataFrame, at: Sequence[str]) -> DataFrame:
    """Buyers, events, ages and price of each item with a known event, at each of these folds (features.item_activity).

    Args:
        positives: features.positives.
        at: The folds.
    """
    known = known_at_folds(positives.select("window", "event_time", "user_index", "item_index", "unit_price"), at)
    last = known.groupBy("fold").agg(F.max("event_time").alias("last"))
    # One row a buyer: whose latest event is of the last days is one of their buyers.
    bought = known.groupBy("fold", "item_index", "user_index").agg(
        F.min("event_time").alias("first"), F.max("event_time").alias("latest"), F.count(F.lit(1)).alias("events")
    )
    of_item = ["fold", "item_index"]
    prices = known.groupBy(*of_item, "unit_price").agg(F.count(F.lit(1)).alias("paid"))
    price = prices.groupBy(*of_item).agg(F.percentile("unit_price", 0.5, F.col("paid")).alias("price"))
    since = {days: F.col("last") - F.lit(timedelta(days=days)) for days in _BUYER_DAYS}
    counted = (
        bought.join(F.broadcast(last), "fold")
        .groupBy(*of_item)
        .agg(
            *[F.count_if(F.col("latest") >= moment).alias(f"buyers_{days}") for days, moment in since.items()],
            F.count(F.lit(1)).alias("buyers"),
            F.sum("events").alias("events"),
            _days(F.min("first")).alias("age_days"),
            _days(F.max("latest")).alias("days_since_sold"),
        )
    )
    return counted.join(price, of_item).withColumns(
        {
            "trend_7_28": F.col("buyers_7") / (F.col("buyers_28") + 1),
            "trend_28_90": F.col("buyers_28") / (F.col("buyers_90") + 1),
            "events_by_buyer": F.col("events") / F.col("buyers"),
        }
    )


def _days(time: Column) -> Column:
    """From a time until the fold's last known event."""
    return (F.unix_timestamp(F.first("last")) - F.unix_timestamp(time)) / 86_400
