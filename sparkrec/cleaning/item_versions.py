"""What is known of each item, and since when."""

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from sparkrec.cleaning.titles import title_words

ATTRIBUTES = ("title", "description", "category_path", "brand")


def item_versions(sightings: DataFrame) -> DataFrame:
    """Versions of every item: one for each different set of attributes, from the first time it was seen.

    Args:
        sightings: ``item_id, event_time, unit_price`` and `ATTRIBUTES` of each event, `ATTRIBUTES` perhaps null.

    Returns:
        ``item_id, valid_from, valid_to`` (null on the current version), `ATTRIBUTES`, ``title_words, price``.
        A set without a title gives a version only where the item never has one. Of two sets first seen
        at the same time the more frequent one stays.
    """
    item = Window.partitionBy("item_id")
    versions = (
        sightings.groupBy("item_id", *ATTRIBUTES)
        .agg(
            F.min("event_time").alias("valid_from"),
            F.count(F.lit(1)).alias("sightings"),
            F.median("unit_price").alias("price"),
        )
        .withColumn("titled", F.max(F.col("title").isNotNull()).over(item))
        .where(F.col("title").isNotNull() | ~F.col("titled"))
    )
    same_start = Window.partitionBy("item_id", "valid_from").orderBy(F.desc("sightings"), *ATTRIBUTES)
    return (
        versions.withColumn("place", F.row_number().over(same_start))
        .where("place = 1")
        .withColumn("valid_to", F.lead("valid_from").over(item.orderBy("valid_from")))
        .select(
            "item_id", "valid_from", "valid_to", *ATTRIBUTES, title_words(F.col("title")).alias("title_words"), "price"
        )
    )


def current_items(items: DataFrame) -> DataFrame:
    """The version of each item that is valid now."""
    return items.where("valid_to is null")
