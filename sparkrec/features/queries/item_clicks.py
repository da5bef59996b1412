"""What people clicked of what searches showed them, corrected for its place."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

_CLICKS = ("click", "cart", "purchase")


def item_clicks(searches: DataFrame, interactions: DataFrame, prior: float) -> DataFrame:
    """Clicks of each query's items over those expected of their places.

    An impression is expected to be clicked as often as those at its place are, over all searches: clicks over expected
    clicks (COEC; Zhang and Jones, WWW 2007). Both sides have ``prior`` clicks added, so that few impressions
    say little: 1 is as at any such place.

    Args:
        searches: ``search_id, normalised_query``.
        interactions: Impressions with ``search_id, position``, and what came of them, with ``search_id``.
        prior: Clicks to add.

    Returns:
        ``query, item_id, impressions, clicks, click_score``.
    """
    of_search = interactions.where("search_id is not null")
    # One showing of an item in a search, whatever came of it.
    impressions = of_search.groupBy("search_id", "item_id").agg(
        F.min(F.when(F.col("event_type") == "impression", F.col("position"))).alias("position"),
        F.max(F.col("event_type").isin(*_CLICKS).cast("int")).alias("clicked"),
    )
    impressions = impressions.where("position is not null").join(
        searches.select("search_id", F.col("normalised_query").alias("query")), "search_id", "inner"
    )
    at_place = impressions.groupBy("query", "item_id", "position").agg(
        F.count(F.lit(1)).alias("impressions"), F.sum("clicked").alias("clicks")
    )
    rates = at_place.groupBy("position").agg((F.sum("clicks") / F.sum("impressions")).alias("rate"))
    expected = F.sum(F.col("impressions") * F.col("rate"))
    return (
        at_place.join(F.broadcast(rates), "position", "inner")
        .groupBy("query", "item_id")
        .agg(
            F.sum("impressions").alias("impressions"),
            F.sum("clicks").alias("clicks"),
            ((F.sum("clicks") + prior) / (expected + prior)).alias("click_score"),
        )
    )
