"""What is known of each item, and since when."""

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from sparkrec.cleaning.titles import tidy_text, title_words
from sparkrec.text import beginning

ATTRIBUTES = ("title", "description", "category_path", "brand")
READ_IN_WORDS = ("title", "category_path", "brand")
"""Those of `ATTRIBUTES` that are taken apart into words, or are keys of what items have in common."""


def item_sightings(lines: DataFrame, earlier: DataFrame | None) -> DataFrame:
    """What every item was said to be, and when (silver.item_sightings, without its source).

    Args:
        lines: ``item_id, event_time, unit_price`` and `ATTRIBUTES` of each event, `ATTRIBUTES` perhaps null; one that
            was delivered more than once does no harm.
        earlier: What earlier lines gave.
    """
    # A line is a sighting of its own; one without a price was priced at no time.
    at, priced_at = F.col("event_time"), F.when(F.col("unit_price").isNotNull(), F.col("event_time"))
    times = {"first_seen": at, "last_seen": at, "priced_at": priced_at, "price": F.col("unit_price")}
    # Each different text is tidied once.
    seen = _together(lines.withColumns(times)).withColumns({name: tidy_text(F.col(name)) for name in ATTRIBUTES})
    return _together(seen if earlier is None else seen.unionByName(earlier.select(seen.columns)))


def _together(sightings: DataFrame) -> DataFrame:
    """One sighting of each item with each set of attributes: the first and the last time, and the last price."""
    key = ("item_id", *ATTRIBUTES)
    times = (F.min("first_seen").alias("first_seen"), F.max("last_seen").alias("last_seen"))
    # A struct cannot be added up in a hash table; times can, and leave few rows.
    at_price = sightings.groupBy(*key, "price").agg(*times, F.max("priced_at").alias("priced_at"))
    priced = F.when(F.col("priced_at").isNotNull(), F.struct("priced_at", (-F.col("price")).alias("minus")))
    grouped = at_price.groupBy(*key).agg(*times, F.max(priced).alias("priced"))
    price = (-F.col("priced.minus")).alias("price")
    return grouped.select("item_id", *ATTRIBUTES, "first_seen", "last_seen", "priced.priced_at", price)


def item_versions(sightings: DataFrame, longest: int) -> DataFrame:
    """Versions of every item: one for each different set of attributes, from the first time it was seen.

    Args:
        sightings: What `item_sightings` gives.
        longest: Characters of a title that are read for its words.

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
            title_words(F.col("title"), longest).alias("title_words"),
            "price",
        )
    )


def current_items(items: DataFrame, longest: int) -> DataFrame:
    """The version of each item that is valid now.

    Args:
        items: silver.items.
        longest: Characters of a title, a category path and a brand; longer ones are cut.
    """
    cut = {name: beginning(F.col(name), longest) for name in READ_IN_WORDS}
    return items.where("valid_to is null").withColumns(cut)
