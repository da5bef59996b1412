"""User profiles."""

from datetime import date

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from sparkrec.profiles.behaviour import (
    discount_share,
    favourites,
    median_of,
    promoted_share,
    return_rate,
    rounded_money,
    size_of_union,
    sum_within_days,
    with_price_band,
)

# Windows, in days, that columns of the profile look back.
USER_WINDOWS = (28, 90)


def user_facts(days: DataFrame, current_items: DataFrame, as_of: date) -> DataFrame:
    """What the profile of a user says by this user's days alone.

    Args:
        days: features.user_days up to ``as_of``: all days of the users in it.
        current_items: The current rows of silver.items.
        as_of: The last day that the profile knows.
    """
    day = F.lit(as_of)
    behaviour = days.groupBy("user_id").agg(
        F.max_by("country", F.struct("last_event_time", "last_event_id")).alias("country"),
        F.min("first_event_time").alias("first_event_time"),
        F.max("last_event_time").alias("last_event_time"),
        F.max("event_date").alias("last_event_date"),
        size_of_union(F.col("sessions")).alias("frequency"),
        rounded_money().alias("monetary"),
        F.sum("purchases").alias("purchases"),
        *[sum_within_days(day, window, "purchases").alias(f"purchases_{window}d") for window in USER_WINDOWS],
        size_of_union(F.col("items")).alias("distinct_items"),
        F.sum("returns").alias("returns"),
        return_rate().alias("return_rate"),
        median_of(F.flatten(F.collect_list("bought.unit_price"))).alias("median_price"),
        promoted_share().alias("promoted_share"),
        discount_share().alias("discount_share"),
    )
    described = current_items.select("item_id", "category_path", "title_words")
    bought = days.select("user_id", F.explode("bought.item_id").alias("item_id")).groupBy("user_id", "item_id").count()
    known = bought.join(described, "item_id", "inner")
    categories = favourites(known, "user_id", "category_path", 5)
    words = favourites(known.select("user_id", "count", F.explode("title_words").alias("word")), "user_id", "word", 10)
    none = F.array().cast("array<string>")
    return (
        behaviour.join(categories.withColumnRenamed("favourites", "favourite_categories"), "user_id", "left")
        .join(words.withColumnRenamed("favourites", "favourite_words"), "user_id", "left")
        .withColumn("favourite_categories", F.coalesce("favourite_categories", none))
        .withColumn("favourite_words", F.coalesce("favourite_words", none))
    )


def facts_of_user_profiles(profiles: DataFrame) -> DataFrame:
    """What earlier profiles say by the users' days alone, as `user_facts` gave it."""
    last = F.date_sub("as_of", "recency_days")
    return profiles.withColumn("last_event_date", last).drop("as_of", "recency_days", "price_band", "attributes")


def user_profiles(facts: DataFrame, as_of: date, users: DataFrame | None = None) -> DataFrame:
    """Recency, frequency, money, taste and price band of each known user (gold.user_profiles).

    Args:
        facts: `user_facts` of all users.
        as_of: The last day that the profile knows.
        users: silver.users, where the source says anything of its users.
    """
    day = F.lit(as_of)
    profiles = with_price_band(facts)
    nothing = F.create_map().cast("map<string,string>")
    if users is None:
        profiles = profiles.withColumn("attributes", nothing)
    else:
        profiles = profiles.join(users.select("user_id", "attributes"), "user_id", "left")
        profiles = profiles.withColumn("attributes", F.coalesce("attributes", nothing))
    return (
        profiles.withColumn("recency_days", F.datediff(day, "last_event_date"))
        .drop("last_event_date")
        .withColumn("as_of", day)
    )
