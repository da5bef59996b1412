"""What a user is like, by what the profile and the user's days say."""

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

HOURS = 24
_NEW_DAYS = 28
_FAVOURITES = 5
_SMOOTHING = 5.0


def user_traits(
    profiles: DataFrame, days: DataFrame, hours: DataFrame, items: DataFrame, traits: DataFrame
) -> DataFrame:
    """Life cycle, hours, affinities and sensitivity to price and promotions of each user (features.user_traits).

    Args:
        profiles: gold.user_profiles.
        days: features.user_days up to the profiles' day.
        hours: What `active_hours` gives.
        items: ``item_id, category_path, brand`` of each item.
        traits: features.item_traits.
    """
    active = days.where("purchases > 0").groupBy("user_id").agg(F.count(F.lit(1)).alias("active_days"))
    bought = (
        days.select("user_id", F.explode("bought.item_id").alias("item_id"))
        .groupBy("user_id", "item_id")
        .agg(F.count(F.lit(1)).alias("count"))
        .join(items.select("item_id", "category_path", "brand"), "item_id", "left")
        .join(traits.select("item_id", "price_position"), "item_id", "left")
        .localCheckpoint()
    )
    weight = F.when(F.col("price_position").isNotNull(), F.col("count"))
    positions = bought.groupBy("user_id").agg(
        (F.sum(F.col("count") * F.col("price_position")) / F.sum(weight)).alias("price_position")
    )
    everybody = profiles.agg((F.sum(F.col("promoted_share") * F.col("purchases")) / F.sum("purchases")).alias("all"))
    promoted = F.col("promoted_share") * F.col("purchases") + _SMOOTHING * F.col("all")
    # Without any promotion nobody is fonder of them than others.
    lift = F.coalesce(F.try_divide(promoted / (F.col("purchases") + _SMOOTHING), F.col("all")), F.lit(1.0))
    gap = F.datediff(F.to_date("last_event_time"), F.to_date("first_event_time")) / (F.col("active_days") - 1)
    wide = (
        profiles.join(active, "user_id", "left")
        .withColumn("mean_gap_days", F.when(F.col("active_days") > 1, gap))
        .join(positions, "user_id", "left")
        .join(hours, "user_id", "left")
        .crossJoin(F.broadcast(everybody))
    )
    for kind, column in (("category", "category_path"), ("brand", "brand")):
        wide = wide.join(_affinities(bought, column, kind), "user_id", "left")
    none, nothing = F.array().cast("array<string>"), F.array().cast("array<double>")
    return wide.select(
        "as_of",
        "user_id",
        F.coalesce("active_days", F.lit(0)).alias("active_days"),
        "mean_gap_days",
        _life_cycle().alias("life_cycle"),
        "price_position",
        lift.alias("promotion_lift"),
        F.coalesce("hours", F.array_repeat(F.lit(0.0), HOURS)).alias("hours"),
        *[
            F.coalesce(f"{kind}_{name}", empty).alias(f"{kind}_{name}")
            for kind in ("category", "brand")
            for name, empty in (("names", none), ("shares", nothing))
        ],
    )


def active_hours(interactions: DataFrame) -> DataFrame:
    """The share of each hour (UTC) in the events of a user: ``user_id, hours``, 24 numbers that add up to 1."""
    known = interactions.where("user_id is not null")
    counts = [F.count(F.when(F.hour("event_time") == hour, F.lit(1))) for hour in range(HOURS)]
    return known.groupBy("user_id").agg(F.array(*[count / F.count(F.lit(1)) for count in counts]).alias("hours"))


def _life_cycle() -> Column:
    """new, active, slipping or lost: by the first event, and by the days without one beside the usual ones."""
    silent, usual = F.col("recency_days"), F.greatest(F.coalesce("mean_gap_days", F.lit(0.0)), F.lit(_NEW_DAYS))
    is_new = F.datediff("as_of", F.to_date("first_event_time")) < _NEW_DAYS
    return F.when(is_new, "new").when(silent <= usual, "active").when(silent <= 3 * usual, "slipping").otherwise("lost")


def _affinities(bought: DataFrame, column: str, kind: str) -> DataFrame:
    """Shares of the most bought values of a column in all purchases that have one; ties go by value."""
    counted = bought.where(F.col(column).isNotNull()).groupBy("user_id", column).agg(F.sum("count").alias("count"))
    user = Window.partitionBy("user_id")
    share = F.col("count") / F.sum("count").over(user)
    place = F.row_number().over(user.orderBy(F.desc("count"), column))
    ranked = counted.select("user_id", column, share.alias("share"), place.alias("place"))
    entries = F.array_sort(F.collect_list(F.struct("place", F.col(column).alias("name"), "share")))
    return (
        ranked.where(F.col("place") <= _FAVOURITES)
        .groupBy("user_id")
        .agg(entries.alias("entries"))
        .select(
            "user_id",
            F.col("entries.name").alias(f"{kind}_names"),
            F.col("entries.share").alias(f"{kind}_shares"),
        )
    )
