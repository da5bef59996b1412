"""Interest tags: the words that a user's purchases stand out by."""

from datetime import date

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F


def user_interests(
    positives: DataFrame, item_text: DataFrame, as_of: date, half_life_days: float, most: int
) -> DataFrame:
    """Title words of a user's positive events by the sum of their TF-IDF weights (features.user_interests).

    An event's weight halves every ``half_life_days``; ties go by word.

    Args:
        positives: ``user_id, item_id, event_time``.
        item_text: features.item_text.
        as_of: The last day that the tags know.
        half_life_days: Age in days at which an event counts half.
        most: Tags per user.
    """
    age = F.datediff(F.lit(as_of), F.to_date("event_time"))
    decayed = positives.groupBy("user_id", "item_id").agg(
        F.sum(F.pow(F.lit(0.5), age / F.lit(half_life_days))).alias("strength")
    )
    words = item_text.select("item_id", F.explode(F.arrays_zip("words", "weights")).alias("entry"))
    summed = (
        decayed.join(words, "item_id", "inner")
        .groupBy("user_id", F.col("entry.words").alias("tag"))
        .agg(F.sum(F.col("strength") * F.col("entry.weights")).alias("weight"))
    )
    order = Window.partitionBy("user_id").orderBy(F.desc("weight"), "tag")
    ranked = summed.withColumn("place", F.row_number().over(order)).where(F.col("place") <= most)
    entries = F.array_sort(F.collect_list(F.struct("place", "tag", "weight")))
    return (
        ranked.groupBy("user_id")
        .agg(entries.alias("entries"))
        .select(
            F.lit(as_of).alias("as_of"),
            "user_id",
            F.col("entries.tag").alias("tags"),
            F.col("entries.weight").alias("weights"),
        )
    )
