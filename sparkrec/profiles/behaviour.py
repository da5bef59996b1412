"""Columns that user and item profiles share."""

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

# Decimals add up to the same in any order.
_EXACT = "decimal(28,6)"


def is_purchase() -> Column:
    """Whether the event is a purchase."""
    return F.col("event_type") == "purchase"


def is_return() -> Column:
    """Whether the event is a return."""
    return F.col("event_type") == "return"


def is_usual() -> Column:
    """Whether no value of the event is far out of those of its day: what is counts for no money and no pieces."""
    return F.size("outliers") == 0


def count_where(condition: Column) -> Column:
    """How many rows meet the condition."""
    return F.count(F.when(condition, F.lit(1)))


def sum_where(condition: Column, value: Column) -> Column:
    """The sum of what is there of the value in rows that meet the condition; 0 without any."""
    return F.coalesce(F.sum(F.when(condition, value)), F.lit(0))


def net_money() -> Column:
    """Money of purchases less returns, without what is far out, exactly."""
    money = F.when(is_usual(), pieces() * F.coalesce(F.col("unit_price"), F.lit(0.0))).otherwise(0.0)
    signed = F.when(is_purchase(), money).when(is_return(), -money).otherwise(0.0)
    return F.sum(signed.cast(_EXACT))


def paid() -> Column:
    """What the purchases cost, as far as it is known, without what is far out, exactly."""
    return sum_where(is_purchase() & is_usual(), (pieces() * F.col("unit_price")).cast(_EXACT))


def saved() -> Column:
    """Discounts of the purchases, without what is far out, exactly."""
    return sum_where(is_purchase() & is_usual(), F.col("discount").cast(_EXACT))


def pieces_bought() -> Column:
    """Pieces of the purchases, without what is far out, exactly."""
    return sum_where(is_purchase() & is_usual(), pieces().cast(_EXACT))


def pieces() -> Column:
    """Pieces of the event, perhaps a fraction; one where it does not say."""
    return F.coalesce(F.col("quantity"), F.lit(1.0))


def sum_within_days(as_of: Column, days: int, value: str) -> Column:
    """The sum over the last ``days`` up to ``as_of``, itself counted."""
    return sum_where(is_within_days(as_of, days), F.col(value))


def is_within_days(as_of: Column, days: int) -> Column:
    """Whether the row's day is one of the last ``days`` up to ``as_of``, itself counted."""
    return F.datediff(as_of, F.col("event_date")) < days


def rounded_money() -> Column:
    """The sum of the days' ``money`` in whole cents."""
    return F.round(F.sum("money"), 2).cast("double")


def promoted_share() -> Column:
    """Purchases of promoted items by all purchases; 0 without purchases."""
    return F.coalesce(F.try_divide(F.sum("promoted"), F.sum("purchases")), F.lit(0.0))


def discount_share() -> Column:
    """Discounts of the purchases by what these would have cost without them; 0 without purchases."""
    share = F.try_divide(F.sum("saved"), F.sum("paid") + F.sum("saved"))
    return F.coalesce(share, F.lit(0)).cast("double")


def return_rate() -> Column:
    """Returns per purchase, at most 1; 0 without purchases."""
    bought = F.sum("purchases")
    rate = F.least(F.lit(1.0), F.sum("returns") / bought)
    return F.when(bought == 0, F.lit(0.0)).otherwise(rate)


def median_of(values: Column) -> Column:
    """The median of an array of doubles, what is missing in it left out; null without any."""
    ordered = F.sort_array(F.array_compact(values))
    number = F.size(ordered)
    lower = F.get(ordered, F.floor((number - 1) / 2).cast("int"))
    upper = F.get(ordered, F.floor(number / 2).cast("int"))
    return F.when(number > 0, 0.5 * lower + 0.5 * upper)


def size_of_union(arrays: Column) -> Column:
    """How many different values the arrays of a group hold."""
    return F.size(F.array_distinct(F.flatten(F.collect_list(arrays)))).cast("long")


def with_price_band(profiles: DataFrame) -> DataFrame:
    """Add ``price_band``: the third of all rows that ``median_price`` falls into; null without a price."""
    # Exactly: an approximation would hang on how the rows are spread over partitions.
    thirds = profiles.agg(
        *[
            F.expr(f"percentile_disc({part} / 3D) within group (order by median_price)").alias(f"third_{part}")
            for part in (1, 2)
        ]
    )
    price = F.col("median_price")
    band = (
        F.when(price.isNull(), None)
        .when(price <= F.col("third_1"), "low")
        .when(price <= F.col("third_2"), "middle")
        .otherwise("high")
    )
    return profiles.crossJoin(F.broadcast(thirds)).withColumn("price_band", band).drop("third_1", "third_2")


def favourites(counted: DataFrame, key: str, value: str, most: int) -> DataFrame:
    """The most frequent values of each key.

    Args:
        counted: ``key, value, count``, perhaps several rows of one key and value.
        key: Whose favourites.
        value: What is a favourite; rows without it count for nothing.
        most: How many to keep.

    Returns:
        ``key`` and ``favourites``: up to ``most`` values, most frequent first, ties by value.
    """
    summed = counted.where(F.col(value).isNotNull()).groupBy(key, value).agg(F.sum("count").alias("count"))
    order = Window.partitionBy(key).orderBy(F.desc("count"), value)
    return (
        summed.withColumn("place", F.row_number().over(order))
        .where(F.col("place") <= most)
        .groupBy(key)
        .agg(F.array_sort(F.collect_list(F.struct("place", value))).alias("ranked"))
        .select(key, F.col(f"ranked.{value}").alias("favourites"))
    )
