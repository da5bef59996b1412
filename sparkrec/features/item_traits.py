"""How an item stands among the others, now."""

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

_WEEK, _MONTH = 7, 28


def item_traits(profiles: DataFrame, days: DataFrame, neighbours: DataFrame, reviews: DataFrame | None) -> DataFrame:
    """Price position, velocity, trend, promotion, neighbours and reviews of each item (features.item_traits).

    Args:
        profiles: gold.item_profiles.
        days: features.item_days up to the profiles' day.
        neighbours: What `sparkrec.features.bought_with.bought_with` gives.
        reviews: What `sparkrec.features.sentiment.item_reviews` gives, where the source has any.
    """
    # An item without a category stands among all of those.
    in_category = Window.partitionBy("category_path").orderBy("median_price")
    position = F.when(F.col("median_price").isNotNull(), F.percent_rank().over(in_category))
    weekly, monthly = F.col("purchases_7d") / _WEEK, F.col("purchases_28d") / _MONTH
    # One purchase a month on both sides: few of them make no trend.
    trend = F.log2((weekly + 1 / _MONTH) / (monthly + 1 / _MONTH))
    age = F.datediff("as_of", F.to_date("first_event_time"))
    of_late = days.join(F.broadcast(profiles.select("as_of").limit(1)), F.datediff("as_of", "event_date") < _WEEK)
    promoted = of_late.groupBy("item_id").agg((F.sum("promoted") > 0).alias("promoted"))
    priced = profiles.where("median_price is not null").select("item_id", position.alias("price_position"))
    traits = (
        profiles.select("as_of", "item_id", weekly.alias("velocity"), trend.alias("trend"), age.alias("age_days"))
        .join(priced, "item_id", "left")
        .join(promoted, "item_id", "left")
        .join(neighbours, "item_id", "left")
        .withColumns(
            {
                "promoted": F.coalesce("promoted", F.lit(False)),
                "bought_with": F.coalesce("bought_with", F.array().cast("array<string>")),
            }
        )
    )
    if reviews is None:
        return traits.withColumns(
            {"reviews": F.lit(0), "rating": F.lit(None).cast("double"), "sentiment": F.lit(None).cast("double")}
        )
    return traits.join(reviews, "item_id", "left").withColumn("reviews", F.coalesce("reviews", F.lit(0)))
