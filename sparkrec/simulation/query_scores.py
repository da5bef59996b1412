"""How well what was understood of a simulated shop's queries meets the truth."""

import math

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from sparkrec.text import normalised_query

_MIN_PROBABILITY = 0.001


def query_scores(understood: DataFrame, searches: DataFrame, truth: DataFrame, longest: int) -> dict[str, float]:
    """Figures over all searches whose query was understood.

    Args:
        understood: features.query_text.
        searches: ``search_id, normalised_query``.
        truth: What `sparkrec simulate` writes as ``truth/queries``.
        longest: Characters of a query that were normalised.

    Returns:
        ``correction_accuracy``: share of wrongly typed searches whose correction is what the person meant;
        ``correction_false_changes``: share of rightly typed ones that were changed; ``intent_accuracy``: share whose
        heaviest category is the intended one; ``intent_log_loss``: mean negative natural logarithm of its
        probability, which counts as 0.001 at least; ``brand_f1`` and ``colour_f1``: harmonic mean of
        precision and recall.
    """
    meant = truth.select(
        "search_id",
        normalised_query(F.col("corrected_query"), longest).alias("meant"),
        F.col("intended_category").alias("category"),
        F.col("brand").alias("true_brand"),
        F.col("colour").alias("true_colour"),
    )
    rows = (
        searches.select("search_id", "normalised_query")
        .join(meant, "search_id", "inner")
        .join(understood, "normalised_query", "inner")
    )
    is_wrong, is_found = F.col("normalised_query") != F.col("meant"), F.col("corrected_query") == F.col("meant")
    heaviest = F.get("categories", F.lit(0))["category"]
    of_truth = F.filter("categories", lambda one: one["category"] == F.col("category"))
    probability = F.greatest(F.get(of_truth, F.lit(0))["probability"], F.lit(_MIN_PROBABILITY))
    row = rows.agg(
        F.avg(F.when(is_wrong, is_found.cast("int"))).alias("correction_accuracy"),
        F.avg(F.when(~is_wrong, (~is_found).cast("int"))).alias("correction_false_changes"),
        F.avg(F.coalesce(heaviest == F.col("category"), F.lit(False)).cast("int")).alias("intent_accuracy"),
        F.avg(-F.log(probability)).alias("intent_log_loss"),
        _f1(F.col("brand"), F.col("true_brand")).alias("brand_f1"),
        _f1(F.col("colour"), F.col("true_colour")).alias("colour_f1"),
    ).first()
    found = row.asDict() if row else {}
    return {name: math.nan if value is None else float(value) for name, value in found.items()}


def _f1(found: Column, true: Column) -> Column:
    right = F.count_if(found == true)
    return 2 * right / (F.count(found) + F.count(true))
