"""How well scores of single rows foresee their labels, on Spark: sums on the executors, no row on the driver.

What each metric means is said in `sparkrec.evaluation.classification`; the figures are the same.
"""

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from sparkrec.evaluation.classification import SMALLEST

_ABOVE = Window.unboundedPreceding


def classification_metrics(rows: DataFrame, threshold: float = 0.5, bins: int = 10) -> DataFrame:
    """Metrics of each model's probabilities.

    Args:
        rows: ``model, user_id, label`` (1 or 0) and ``score`` (probability of 1).
        threshold: From which score on a row is foreseen as positive.
        bins: Bins of the calibration error.

    Returns:
        ``model, metric, value``: auc, gauc, log_loss, calibration_error, mse, accuracy, precision, recall, f1 and the
        counts true_positives, false_positives, false_negatives, true_negatives. The value is null for an AUC that is
        not defined.
    """
    rows = rows.withColumn("label", F.col("label").cast("double"))
    over_users = _areas(rows, "model", "user_id").where(F.col("auc").isNotNull()).groupBy("model")
    gauc = over_users.agg((F.sum(F.col("auc") * F.col("rows")) / F.sum("rows")).alias("gauc"))
    together = (
        _areas(rows, "model").drop("rows").join(gauc, "model", "left").join(_sums(rows, threshold, bins), "model")
    )
    metrics: list[Column | str] = [name for name in together.columns if name != "model"]
    return together.unpivot("model", metrics, "metric", "value")


def rating_metrics(rows: DataFrame) -> DataFrame:
    """``model, metric, value`` of foreseen ratings: mse. ``rows``: ``model, label`` (the rating) and ``score``."""
    error = F.avg((F.col("label") - F.col("score")) ** 2).cast("double")
    return rows.groupBy("model").agg(error.alias("mse")).unpivot("model", ["mse"], "metric", "value")


def _areas(rows: DataFrame, *keys: str) -> DataFrame:
    """AUC and rows of each group. Rows of one score are added up first; only different scores are sorted."""
    counted = rows.groupBy(*keys, "score").agg(
        F.sum("label").alias("positives"), F.sum(1 - F.col("label")).alias("negatives")
    )
    lower = Window.partitionBy(*keys).orderBy("score").rowsBetween(_ABOVE, -1)
    below = F.coalesce(F.sum("negatives").over(lower), F.lit(0.0))
    sums = (
        counted.withColumn("won", F.col("positives") * (below + F.col("negatives") / 2))
        .groupBy(*keys)
        .agg(*[F.sum(name).alias(name) for name in ("won", "positives", "negatives")])
    )
    compared = F.col("positives") * F.col("negatives")
    area = F.when(compared > 0, F.col("won") / compared)
    return sums.select(*keys, area.alias("auc"), (F.col("positives") + F.col("negatives")).alias("rows"))


def _sums(rows: DataFrame, threshold: float, bins: int) -> DataFrame:
    """What needs no order of the rows, one row a model."""
    label, score = F.col("label"), F.col("score")
    likely = F.greatest(F.lit(SMALLEST), F.least(F.lit(1 - SMALLEST), score))
    surprise = -(label * F.log(likely) + (1 - label) * F.log(1 - likely))
    foreseen = (score >= threshold).cast("double")
    counts = {
        "true_positives": label * foreseen,
        "false_positives": (1 - label) * foreseen,
        "false_negatives": label * (1 - foreseen),
        "true_negatives": (1 - label) * (1 - foreseen),
    }
    summed = {"rows": F.lit(1.0), "surprise": surprise, "squares": (label - score) ** 2, **counts}
    bin_ = F.greatest(F.lit(0), F.least(F.lit(bins - 1), F.floor(score * bins)))
    by_bin = rows.groupBy("model", bin_.alias("bin")).agg(
        F.sum(label - score).alias("off"), *[F.sum(of).alias(name) for name, of in summed.items()]
    )
    total = by_bin.groupBy("model").agg(F.sum(F.abs("off")).alias("off"), *[F.sum(name).alias(name) for name in summed])
    hits = F.col("true_positives")
    foreseen_rows, positives = hits + F.col("false_positives"), hits + F.col("false_negatives")
    figures: dict[str, Column] = {
        "log_loss": F.col("surprise") / F.col("rows"),
        "calibration_error": F.col("off") / F.col("rows"),
        "mse": F.col("squares") / F.col("rows"),
        "accuracy": (hits + F.col("true_negatives")) / F.col("rows"),
        "precision": hits / F.greatest(foreseen_rows, F.lit(1.0)),
        "recall": hits / F.greatest(positives, F.lit(1.0)),
        "f1": 2 * hits / F.greatest(foreseen_rows + positives, F.lit(1.0)),
        **{name: F.col(name) for name in counts},
    }
    return total.select("model", *[value.alias(name) for name, value in figures.items()])
