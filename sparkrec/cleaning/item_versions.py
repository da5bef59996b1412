"""What is known of each item, and since when."""

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from sparkrec.cleaning.titles import title_words

ATTRIBUTES = ("title", "description", "category_path", "brand")


def item_sightings(lines: DataFrame, earlier: DataFrame | None) -> DataFrame:
    """What every item was said to be, and when (silver.item_sightings, without its source).

    Args:
        lines: ``item_id, event_time, unit_price`` and `ATTRIBUTES` of each event, `ATTRIBUTES` perhaps null; one that
            was delivered more than once does no harm.
        earlier: What earlier lines gave.
    """
    priced = F.when(F.col("unit_price").isNotNull(), F.struct("event_time", (-F.col("unit_price")).alias("minus")))
    seen = (
        F.min("event_time").alias("first_seen"),
        F.max("event_time").alias("last_seen"),
        F.max(priced).alias("priced"),
    )
    sightings = lines.groupBy("item_id", *ATTRIBUTES).agg(*seen)
    if earlier is not None:
        of_old = F.struct(F.col("priced_at").alias("event_time"), (-F.col("price")).alias("minus"))
        known = earlier.select(
            "item_id",
            *ATTRIBUTES,
            "first_seen",
            "last_seen",
            F.when(F.col("priced_at").isNotNull(), of_old).alias("priced"),
        )
        merged = F.min("first_seen").alias("first_seen"), F.max("last_seen").alias("last_seen")
        both = sightings.unionByName(known)
        sightings = both.groupBy("item_id", *ATTRIBUTES).agg(*merged, F.max("priced").alias("priced"))
    at, price = F.col("priced.event_time").alias("priced_at"), (-F.col("priced.minus")).alias("price")
    return sightings.select("item_id", *ATTRIBUTES, "first_seen", "last_seen", at, price)


def item_versions(sightings: DataFrame) -> DataFrame:
    """Versions of every item: one for each different set of attributes, from the first time it was seen.

    Args:
        sightings: What `item_sightings` gives.

    Returns:
        ``item_id, valid_from, valid_to`` (null on the current version), `ATTRIBUTES`, ``title_words, price``.
        A set without a title gives a version only where the item never has one. Of two sets first seen
        at the same time the one that was seen last stays, then the first by name.
    """
    item = Window.partitionBy("item_id")
    versions = sightings.withColumn("titled", F.max(F.col("title").isNotNull()).over(item)).where(
        F.col("title").isNotNull() | ~F.col("titled")
    )
    same_start = Window.partitionBy("item_id", "first_seen").orderBy(F.desc("last_seen"), *ATTRIBUTES)
    return (
        versions.withColumn("place", F.row_number().over(same_start))
        .where("place = 1")
        .withColumn("valid_to", F.lead("first_seen").over(item.orderBy("first_seen")))
        .select(
            "item_id",
            F.col("first_seen").alias("valid_from"),
            "valid_to",
            *ATTRIBUTES,
            title_words(F.col("title")).alias("title_words"),
            "price",
        )
    )


def current_items(items: DataFrame) -> DataFrame:
    """The version of each item that is valid now."""
    return items.where("valid_to is null")
