"""What happened on a day: parts that any set of days adds up from."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from sparkrec.profiles.behaviour import (
    count_where,
    is_purchase,
    is_return,
    net_money,
    paid,
    pieces_bought,
    saved,
)


def user_days(interactions: DataFrame) -> DataFrame:
    """What each known user did on each day (features.user_days).

    Args:
        interactions: silver.interactions of these days.
    """
    latest = F.struct("event_time", "event_id")
    return (
        interactions.where("user_id is not null")
        .groupBy("event_date", "user_id")
        .agg(
            F.max_by("country", latest).alias("country"),
            F.min("event_time").alias("first_event_time"),
            F.max("event_time").alias("last_event_time"),
            F.max_by("event_id", latest).alias("last_event_id"),
            count_where(is_purchase()).alias("purchases"),
            count_where(is_return()).alias("returns"),
            count_where(is_purchase() & F.col("promotion").isNotNull()).alias("promoted"),
            net_money().alias("money"),
            paid().alias("paid"),
            saved().alias("saved"),
            # In order, so that the same events give the same row.
            F.array_sort(F.collect_set("item_id")).alias("items"),
            F.array_sort(F.collect_set(F.when(is_purchase(), F.col("session_id")))).alias("sessions"),
            F.array_sort(F.collect_list(F.when(is_purchase(), F.struct("item_id", "unit_price")))).alias("bought"),
        )
    )


def item_days(interactions: DataFrame) -> DataFrame:
    """What happened to each item on each day at each price (features.item_days).

    Args:
        interactions: silver.interactions of these days; events without a user count, too.
    """
    return interactions.groupBy("event_date", "item_id", "unit_price").agg(
        F.min("event_time").alias("first_event_time"),
        F.max("event_time").alias("last_event_time"),
        count_where(is_purchase()).alias("purchases"),
        count_where(is_return()).alias("returns"),
        count_where(is_purchase() & F.col("promotion").isNotNull()).alias("promoted"),
        pieces_bought().alias("quantity"),
        net_money().alias("money"),
    )
