"""The nearest items of each item."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from sparkrec.recommend.search.top_items import PreparedSearch, ranked, top_items


def item_neighbours(items: DataFrame, search: PreparedSearch, most: int) -> DataFrame:
    """Items with the highest cosine of their vectors.

    Args:
        items: ``item_index`` of the items to find neighbours of.
        search: Of the model's vectors, with items as askers.
        most: Neighbours of each item.

    Returns:
        ``item_index, rank, similar_index, score`` of items that may be shown.
    """
    asking = items.select(F.col("item_index").alias("query_index"), F.array("item_index").alias("seen"))
    return ranked(top_items(asking, search, most)).select(
        F.col("query_index").alias("item_index"), "rank", F.col("item_index").alias("similar_index"), "score"
    )
