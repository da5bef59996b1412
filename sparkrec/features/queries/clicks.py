"""What people chose of what their searches showed them."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

_CHOSEN = ("click", "cart", "purchase")
_SMOOTHING = 10.0
_MIN_EXAMINED = 0.1


def query_clicks(searches: DataFrame, interactions: DataFrame, current_items: DataFrame) -> DataFrame:
    """Categories of the items that were clicked, put into the cart or bought out of each query's searches.

    What stands further down is clicked less, whatever it is: a click counts by the inverse of the share of the items at
    its position that are clicked, as against the position where most are (inverse propensity scoring; Joachims,
    Swaminathan and Schnabel, WSDM 2017), and at most ten times. These shares are taken from the log as they are,
    which takes items at different positions for equally good; positions of few impressions borrow from all.

    Args:
        searches: ``search_id, normalised_query``.
        interactions: Events with ``search_id, item_id, event_type, position``.
        current_items: The current rows of silver.items.

    Returns:
        ``normalised_query, category`` (null where the item has none), ``clicks`` (each item once a search) and their
        ``weight`` after the correction; a click without a position weighs 1.
    """
    impressions = (
        interactions.where("search_id is not null")
        .groupBy("search_id", "item_id")
        .agg(
            F.max(F.col("event_type") == "impression").alias("is_impression"),
            F.max(F.col("event_type").isin(*_CHOSEN)).alias("clicked"),
            F.min("position").alias("position"),
        )
    )
    chosen = impressions.where("clicked").join(F.broadcast(_weights(impressions)), "position", "left")
    return (
        chosen.join(searches.select("search_id", "normalised_query"), "search_id", "inner")
        .join(current_items.select("item_id", F.col("category_path").alias("category")), "item_id", "left")
        .groupBy("normalised_query", "category")
        .agg(F.count(F.lit(1)).alias("clicks"), F.sum(F.coalesce("weight", F.lit(1.0))).alias("weight"))
    )


def no_clicks(queries: DataFrame) -> DataFrame:
    """What `query_clicks` gives for a shop without searches."""
    none = {"category": F.lit(None).cast("string"), "clicks": F.lit(0).cast("long"), "weight": F.lit(0.0)}
    return queries.select("normalised_query").withColumns(none).where(F.lit(False))


def _weights(impressions: DataFrame) -> DataFrame:
    """``position, weight``: what a click there counts."""
    at = (
        impressions.where("is_impression and position is not null")
        .groupBy("position")
        .agg(F.count(F.lit(1)).alias("impressions"), F.count_if(F.col("clicked")).alias("clicks"))
    )
    everywhere = at.agg((F.sum("clicks") / F.sum("impressions")).alias("rate"))
    rates = at.crossJoin(F.broadcast(everywhere)).select(
        "position",
        ((F.col("clicks") + _SMOOTHING * F.col("rate")) / (F.col("impressions") + _SMOOTHING)).alias("rate"),
    )
    best = rates.agg(F.max("rate").alias("best"))
    examined = F.greatest(F.col("rate") / F.col("best"), F.lit(_MIN_EXAMINED))
    return rates.crossJoin(F.broadcast(best)).select("position", (1 / examined).alias("weight"))
