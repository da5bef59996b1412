"""User profiles."""

from datetime import date

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from sparkrec.profiles.behaviour import (
    count_where,
    discount_share,
    favourites,
    is_purchase,
    is_return,
    net_money,
    promoted_share,
    return_rate,
    with_price_band,
    within_days,
)


def user_profiles(
    interactions: DataFrame, current_items: DataFrame, as_of: date, users: DataFrame | None = None
) -> DataFrame:
    """Recency, frequency, money, taste and price band of each known user (gold.user_profiles).

    Args:
        interactions: silver.interactions up to ``as_of``.
        current_items: The current rows of silver.items.
        as_of: The last day that the profile knows.
        users: silver.users, where the source says anything of its users.
    """
    day = F.lit(as_of)
    known = interactions.where("user_id is not null")
    behaviour = known.groupBy("user_id").agg(
        F.max_by("country", F.struct("event_time", "event_id")).alias("country"),
        F.min("event_time").alias("first_event_time"),
        F.max("event_time").alias("last_event_time"),
        F.datediff(day, F.max("event_date")).alias("recency_days"),
        F.count_distinct(F.when(is_purchase(), F.col("session_id"))).alias("frequency"),
        net_money().alias("monetary"),
        count_where(is_purchase()).alias("purchases"),
        count_where(is_purchase() & within_days(day, 28)).alias("purchases_28d"),
        count_where(is_purchase() & within_days(day, 90)).alias("purchases_90d"),
        F.count_distinct("item_id").alias("distinct_items"),
        count_where(is_return()).alias("returns"),
        return_rate().alias("return_rate"),
        F.median(F.when(is_purchase(), F.col("unit_price"))).alias("median_price"),
        promoted_share().alias("promoted_share"),
        discount_share().alias("discount_share"),
    )
    described = current_items.select("item_id", "category_path", "title_words")
    bought = known.where(is_purchase()).join(described, "item_id", "inner")
    categories = favourites(bought, "user_id", "category_path", 5)
    words = favourites(bought.select("user_id", F.explode("title_words").alias("word")), "user_id", "word", 10)
    none = F.array().cast("array<string>")
    profiles = with_price_band(behaviour)
    nothing = F.create_map().cast("map<string,string>")
    if users is None:
        profiles = profiles.withColumn("attributes", nothing)
    else:
        profiles = profiles.join(users.select("user_id", "attributes"), "user_id", "left")
        profiles = profiles.withColumn("attributes", F.coalesce("attributes", nothing))
    return (
        profiles.join(categories.withColumnRenamed("favourites", "favourite_categories"), "user_id", "left")
        .join(words.withColumnRenamed("favourites", "favourite_words"), "user_id", "left")
        .withColumn("favourite_categories", F.coalesce("favourite_categories", none))
        .withColumn("favourite_words", F.coalesce("favourite_words", none))
        .withColumn("as_of", day)
    )
