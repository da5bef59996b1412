"""What goes into the same basket as an item."""

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F


def bought_with(purchases: DataFrame, most: int, largest_basket: int = 100, min_together: int = 2) -> DataFrame:
    """Items that are bought in the same sessions, the nearest first.

    Near is the cosine of two items as vectors over sessions, as in item-based top-N recommendation (Deshpande and
    Karypis, 2004, "Item-Based Top-N Recommendation Algorithms").

    Args:
        purchases: ``session_id, item_id``, a row for each purchase.
        most: Of an item at most this many.
        largest_basket: Sessions with more items count for nothing: who stocks up on everything says little of what goes
            together, and pairs grow with the square.
        min_together: Sessions that two items share at least.

    Returns:
        ``item_id, bought_with`` (ids), a row for each item that has any.
    """
    baskets = (
        purchases.groupBy("session_id")
        .agg(F.collect_set("item_id").alias("items"))
        .where(F.size("items") <= largest_basket)
        # Of two items the lesser id is always the one.
        .select(F.array_sort("items").alias("items"))
    )
    sessions = (
        baskets.select(F.explode("items").alias("item_id")).groupBy("item_id").agg(F.count("*").alias("sessions"))
    )
    places = baskets.select("items", F.posexplode("items").alias("place", "one"))
    further = F.slice("items", F.col("place") + 2, F.size("items"))
    pairs = (
        places.select("one", F.explode(further).alias("other"))
        .groupBy("one", "other")
        .agg(F.count("*").alias("together"))
        .where(F.col("together") >= min_together)
    )
    both = pairs.unionByName(pairs.select(F.col("other").alias("one"), F.col("one").alias("other"), "together"))
    cosine = F.col("together") / F.sqrt(F.col("sessions_one") * F.col("sessions_other"))
    near = (
        both.join(sessions.select(F.col("item_id").alias("one"), F.col("sessions").alias("sessions_one")), "one")
        .join(sessions.select(F.col("item_id").alias("other"), F.col("sessions").alias("sessions_other")), "other")
        .select("one", "other", cosine.alias("cosine"))
        .withColumn("place", F.row_number().over(Window.partitionBy("one").orderBy(F.desc("cosine"), "other")))
        .where(F.col("place") <= most)
    )
    placed = F.array_sort(F.collect_list(F.struct("place", "other")))
    return near.groupBy(F.col("one").alias("item_id")).agg(placed["other"].alias("bought_with"))
