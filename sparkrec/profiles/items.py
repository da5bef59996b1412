"""Item profiles."""

from datetime import date

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from sparkrec.profiles.behaviour import (
    count_where,
    is_purchase,
    is_return,
    net_money,
    promoted_share,
    return_rate,
    with_price_band,
    within_days,
)


def item_profiles(interactions: DataFrame, current_items: DataFrame, as_of: date) -> DataFrame:
    """Sales, windows, returns and price band of each item (gold.item_profiles).

    Args:
        interactions: silver.interactions up to ``as_of``; events without a user count, too.
        current_items: The current rows of silver.items.
        as_of: The last day that the profile knows.
    """
    day = F.lit(as_of)
    recent = within_days(day, 28)
    behaviour = interactions.groupBy("item_id").agg(
        F.min("event_time").alias("first_event_time"),
        F.max("event_time").alias("last_event_time"),
        F.count_distinct(F.when(is_purchase(), F.col("user_id"))).alias("buyers"),
        F.count_distinct(F.when(is_purchase() & recent, F.col("user_id"))).alias("buyers_28d"),
        count_where(is_purchase()).alias("purchases"),
        count_where(is_purchase() & within_days(day, 7)).alias("purchases_7d"),
        count_where(is_purchase() & recent).alias("purchases_28d"),
        count_where(is_purchase() & within_days(day, 90)).alias("purchases_90d"),
        F.coalesce(F.sum(F.when(is_purchase(), F.coalesce("quantity", F.lit(1)))), F.lit(0)).alias("quantity"),
        net_money().alias("revenue"),
        count_where(is_return()).alias("returns"),
        return_rate().alias("return_rate"),
        F.median(F.when(is_purchase(), F.col("unit_price"))).alias("median_price"),
        promoted_share().alias("promoted_share"),
    )
    by_popularity = Window.orderBy(F.desc("buyers"), F.desc("purchases"), "item_id")
    described = current_items.select("item_id", "title", "category_path", "brand")
    return (
        with_price_band(behaviour)
        .join(described, "item_id", "left")
        .withColumn("popularity_rank", F.row_number().over(by_popularity))
        .withColumn("as_of", day)
    )
