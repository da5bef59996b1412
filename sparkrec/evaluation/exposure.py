"""Which items all users' lists together show, and how evenly."""

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from sparkrec.evaluation.segments import WHOLE
from sparkrec.features.vocabulary import PADDING


def exposure_metrics(lists: DataFrame, known: int, k: int) -> DataFrame:
    """Figures of each model's lists taken together. They are no means over users and have no interval.

    - ``coverage``: share of the known items that stand in some list.
    - ``gini``: Gini's index of how often each known item stands in a list: 0 where all do alike, towards 1 where
      few items take all places (Gini, "Variabilità e mutabilità", 1912).

    Args:
        lists: What `evaluated` gives, of k places.
        known: Items that may stand in a list.
        k: Cut-off.

    Returns:
        ``model, shelf, segment, metric, value, users``; nothing of a model whose lists are all empty.
    """
    shown = (
        lists.select("model", "shelf", F.explode("items").alias("item"))
        .where(F.col("item") != PADDING)
        .groupBy("model", "shelf", "item")
        .agg(F.count(F.lit(1)).alias("times"))
    )
    least_first = Window.partitionBy("model", "shelf").orderBy("times", "item")
    together = (
        shown.withColumn("place", F.row_number().over(least_first))
        .groupBy("model", "shelf")
        .agg(
            F.count(F.lit(1)).alias("items"),
            F.sum("times").alias("places"),
            F.sum(F.col("place") * F.col("times")).alias("weighted"),
        )
    )
    # Items in no list come before all others, as many as there are; they add nothing but their places in the order.
    weighted = F.col("weighted") + (known - F.col("items")) * F.col("places")
    figures = {
        "coverage": F.col("items") / known,
        "gini": 2 * weighted / (known * F.col("places")) - (known + 1) / known,
    }
    told = F.array(*[F.struct(F.lit(f"{name}@{k}").alias("metric"), of.alias("value")) for name, of in figures.items()])
    users = lists.groupBy("model", "shelf").agg(F.count(F.lit(1)).alias("users"))
    return together.join(users, ["model", "shelf"], "inner").select(
        "model", "shelf", F.lit(WHOLE).alias("segment"), F.inline(told), "users"
    )
