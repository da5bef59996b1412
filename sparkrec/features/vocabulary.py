"""The integers that stand for users, items and words."""

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

PADDING = 0
FIRST = 2
"""The first index of a value; 1 stands for values that are unknown."""


def value_frequencies(positives: DataFrame, current_items: DataFrame, min_word_items: int) -> DataFrame:
    """How often each value occurs: users and items by positive events, words by items with them.

    Returns:
        ``feature`` (user, item, word), ``value, frequency``; words of fewer items are left out.
    """
    users = positives.groupBy(F.col("user_id").alias("value")).count().withColumn("feature", F.lit("user"))
    items = positives.groupBy(F.col("item_id").alias("value")).count().withColumn("feature", F.lit("item"))
    words = (
        current_items.join(positives.select("item_id").distinct(), "item_id", "left_semi")
        .select(F.explode(F.array_distinct("title_words")).alias("value"))
        .groupBy("value")
        .count()
        .where(F.col("count") >= min_word_items)
        .withColumn("feature", F.lit("word"))
    )
    together = users.unionByName(items).unionByName(words)
    return together.select("feature", "value", F.col("count").alias("frequency"))


def grow_vocabulary(frequencies: DataFrame, earlier: DataFrame | None) -> DataFrame:
    """The vocabulary of these values: earlier ones keep their index, new ones are appended.

    New values are numbered from the most frequent on, ties by value, so that the same data give the
    same indices. A value that no longer occurs stays, with frequency 0.

    Args:
        frequencies: What `value_frequencies` gives.
        earlier: The vocabulary of the run before (``feature, value, index``), if there is one.
    """
    order = Window.partitionBy("feature").orderBy(F.desc("frequency"), "value")
    if earlier is None:
        return frequencies.withColumn("index", F.row_number().over(order) + (FIRST - 1))
    known = earlier.select("feature", "value", "index")
    kept = known.join(frequencies, ["feature", "value"], "left").withColumn(
        "frequency", F.coalesce("frequency", F.lit(0))
    )
    highest = known.groupBy("feature").agg(F.max("index").alias("highest"))
    new = (
        frequencies.join(known, ["feature", "value"], "left_anti")
        .join(F.broadcast(highest), "feature", "left")
        .withColumn("index", F.row_number().over(order) + F.coalesce("highest", F.lit(FIRST - 1)))
    )
    columns = ["feature", "value", "index", "frequency"]
    return kept.select(columns).unionByName(new.select(columns))


def indices_of(vocabulary: DataFrame, feature: str) -> DataFrame:
    """``value, index`` of one feature."""
    return vocabulary.where(F.col("feature") == feature).select("value", "index")
