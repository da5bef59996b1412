"""Alternating least squares on implicit feedback, by Spark."""

import math

from pyspark.ml.recommendation import ALS
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from sparkrec.lake.order import in_one_order
from sparkrec.recommend.scorers.scorer import Fitted

_MIN_BLOCKS, _PAIRS_OF_A_BLOCK = 4, 2_000_000


def fit(
    known: DataFrame,
    factors: int,
    alpha: float,
    regularisation: float,
    iterations: int,
    seed: int,
) -> Fitted:
    """Vectors of `DotProduct` from binary feedback (Hu, Koren, Volinsky, ICDM 2008, in Spark's form).

    Args:
        known: ``user_index, item_index`` of the positive events that a fold knows.
        factors: Length of the vectors.
        alpha: Confidence of a positive is 1 + alpha.
        regularisation: Of the squared norms, scaled by each row's number of positives.
        iterations: Alternations.
        seed: Seed of the first vectors.
    """
    pairs = known.select("user_index", "item_index").distinct().withColumn("positive", F.lit(1.0))
    als = ALS(
        rank=factors,
        alpha=alpha,
        regParam=regularisation,
        maxIter=iterations,
        seed=seed,
        implicitPrefs=True,
        userCol="user_index",
        itemCol="item_index",
        ratingCol="positive",
    )
    # So many blocks as the data asks for: by the cluster's size the last digits would differ.
    blocks = max(_MIN_BLOCKS, math.ceil(pairs.count() / _PAIRS_OF_A_BLOCK))
    model = als.setNumBlocks(blocks).fit(in_one_order(pairs, blocks, "user_index", "item_index"))
    users, vectors = (
        found.select(F.col("id").alias(name), F.col("features").alias("vector"))
        for found, name in ((model.userFactors, "user_index"), (model.itemFactors, "item_index"))
    )
    return Fitted({}, users, vectors)
