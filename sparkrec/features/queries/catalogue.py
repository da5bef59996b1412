"""What queries are held against: the texts of the shop's items."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from sparkrec.text import normalised_query


def catalogue(current_items: DataFrame, longest: int) -> DataFrame:
    """Items with their texts normalised.

    Args:
        current_items: The current rows of silver.items.
        longest: Characters of a text that are read.

    Returns:
        ``item_id, category`` and ``brand`` as the shop writes them, and ``title_text, category_text, brand_text``
        normalised, empty where the item has none.
    """
    texts = {"title_text": "title", "category_text": "category_path", "brand_text": "brand"}
    normal = [
        F.coalesce(normalised_query(F.col(column), longest), F.lit("")).alias(name) for name, column in texts.items()
    ]
    return current_items.select("item_id", F.col("category_path").alias("category"), "brand", *normal)
