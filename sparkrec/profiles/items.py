"""Item profiles."""

from datetime import date

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from sparkrec.profiles.behaviour import (
    count_where,
    is_within_days,
    promoted_share,
    return_rate,
    rounded_money,
    sum_within_days,
    with_price_band,
)

# Windows, in days, that columns of the profile look back.
ITEM_WINDOWS = (7, 28, 90)
_BUYERS = ("buyers", "buyers_28d")


def item_facts(days: DataFrame, as_of: date) -> DataFrame:
    """What the profile of an item says by this item's days alone.

    Args:
        days: features.item_days up to ``as_of``: all days of the items in it.
        as_of: The last day that the profile knows.
    """
    day = F.lit(as_of)
    return days.groupBy("item_id").agg(
        F.min("first_event_time").alias("first_event_time"),
        F.max("last_event_time").alias("last_event_time"),
        F.sum("purchases").alias("purchases"),
        *[sum_within_days(day, window, "purchases").alias(f"purchases_{window}d") for window in ITEM_WINDOWS],
        F.sum("quantity").cast("double").alias("quantity"),
        rounded_money().alias("revenue"),
        F.sum("returns").alias("returns"),
        return_rate().alias("return_rate"),
        F.percentile("unit_price", F.lit(0.5), F.col("purchases")).alias("median_price"),
        promoted_share().alias("promoted_share"),
    )


def facts_of_item_profiles(profiles: DataFrame) -> DataFrame:
    """What earlier profiles say by the items' days alone, as `item_facts` gave it."""
    of_others = ("title", "category_path", "brand", "price_band", "popularity_rank")
    return profiles.drop("as_of", *_BUYERS, *of_others)


def item_buyers(days: DataFrame, as_of: date) -> DataFrame:
    """``item_id, buyers, buyers_28d``: how many of these users bought each item.

    Args:
        days: features.user_days up to ``as_of``: all days of the users in it.
        as_of: The last day that counts.
    """
    bought = days.select("user_id", "event_date", F.explode("bought.item_id").alias("item_id"))
    recent = F.max(is_within_days(F.lit(as_of), 28)).alias("recent")
    pairs = bought.groupBy("item_id", "user_id").agg(recent)
    counts = (F.count(F.lit(1)).alias("buyers"), count_where(F.col("recent")).alias("buyers_28d"))
    return pairs.groupBy("item_id").agg(*counts)


def with_other_users(buyers: DataFrame, was: DataFrame, is_: DataFrame) -> DataFrame:
    """Buyers of items after some users' purchases have changed.

    Args:
        buyers: ``item_id, buyers, buyers_28d`` before, of all users.
        was: `item_buyers` of those users before.
        is_: `item_buyers` of those users now.
    """
    less = was.select("item_id", *[(-F.col(name)).alias(name) for name in _BUYERS])
    changed = buyers.select("item_id", *_BUYERS).unionByName(less).unionByName(is_)
    return changed.groupBy("item_id").agg(*[F.sum(name).alias(name) for name in _BUYERS])


def item_profiles(facts: DataFrame, buyers: DataFrame, current_items: DataFrame, as_of: date) -> DataFrame:
    """Sales, windows, returns and price band of each item (gold.item_profiles).

    Args:
        facts: `item_facts` of all items.
        buyers: `item_buyers` of all users.
        current_items: The current rows of silver.items.
        as_of: The last day that the profile knows.
    """
    by_popularity = Window.orderBy(F.desc("buyers"), F.desc("purchases"), "item_id")
    described = current_items.select("item_id", "title", "category_path", "brand")
    counted = {name: F.coalesce(name, F.lit(0)) for name in _BUYERS}
    return (
        with_price_band(facts)
        .join(buyers, "item_id", "left")
        .withColumns(counted)
        .join(described, "item_id", "left")
        .withColumn("popularity_rank", F.row_number().over(by_popularity))
        .withColumn("as_of", F.lit(as_of))
    )
