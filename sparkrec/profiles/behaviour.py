"""Columns that user and item profiles share."""

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F


def is_purchase() -> Column:
    """Whether the event is a purchase."""
    return F.col("event_type") == "purchase"


def is_return() -> Column:
    """Whether the event is a return."""
    return F.col("event_type") == "return"


def count_where(condition: Column) -> Column:
    """How many rows meet the condition."""
    return F.count(F.when(condition, F.lit(1)))


def within_days(as_of: Column, days: int) -> Column:
    """Whether the event's day is one of the last ``days`` up to ``as_of``, itself counted."""
    return F.datediff(as_of, F.col("event_date")) < days


def net_money() -> Column:
    """Money of purchases less returns."""
    money = F.coalesce(F.col("quantity"), F.lit(1)) * F.coalesce(F.col("unit_price"), F.lit(0.0))
    signed = F.when(is_purchase(), money).when(is_return(), -money).otherwise(0.0)
    # Decimals add up to the same in any order.
    return F.round(F.sum(signed.cast("decimal(28,6)")), 2).cast("double")


def promoted_share() -> Column:
    """Purchases of promoted items by all purchases; 0 without purchases."""
    promoted = count_where(is_purchase() & F.col("promotion").isNotNull())
    return F.coalesce(F.try_divide(promoted, count_where(is_purchase())), F.lit(0.0))


def discount_share() -> Column:
    """Discounts of the purchases by what these would have cost without them; 0 without purchases."""
    pieces = F.coalesce(F.col("quantity"), F.lit(1))
    paid = F.sum(F.when(is_purchase(), (pieces * F.col("unit_price")).cast("decimal(28,6)")))
    saved = F.sum(F.when(is_purchase(), F.col("discount").cast("decimal(28,6)")))
    share = F.try_divide(saved, F.coalesce(paid, F.lit(0)) + saved)
    return F.coalesce(share, F.lit(0)).cast("double")


def return_rate() -> Column:
    """Returns per purchase, at most 1; 0 without purchases."""
    bought = count_where(is_purchase())
    rate = F.least(F.lit(1.0), count_where(is_return()) / bought)
    return F.when(bought == 0, F.lit(0.0)).otherwise(rate)


def with_price_band(profiles: DataFrame) -> DataFrame:
    """Add ``price_band``: the third of all rows that ``median_price`` falls into; null without a price."""
    thirds = profiles.agg(F.percentile_approx("median_price", [1 / 3, 2 / 3], 10_000).alias("thirds"))
    price = F.col("median_price")
    band = (
        F.when(price.isNull(), None)
        .when(price <= F.col("thirds")[0], "low")
        .when(price <= F.col("thirds")[1], "middle")
        .otherwise("high")
    )
    return profiles.crossJoin(F.broadcast(thirds)).withColumn("price_band", band).drop("thirds")


def favourites(events: DataFrame, key: str, value: str, most: int) -> DataFrame:
    """The most frequent values of each key.

    Returns:
        ``key`` and ``favourites``: up to ``most`` values, most frequent first, ties by value.
    """
    counted = events.where(F.col(value).isNotNull()).groupBy(key, value).count()
    order = Window.partitionBy(key).orderBy(F.desc("count"), value)
    return (
        counted.withColumn("place", F.row_number().over(order))
        .where(F.col("place") <= most)
        .groupBy(key)
        .agg(F.array_sort(F.collect_list(F.struct("place", value))).alias("ranked"))
        .select(key, F.col(f"ranked.{value}").alias("favourites"))
    )
