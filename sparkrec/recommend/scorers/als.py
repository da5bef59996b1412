"""Alternating least squares on implicit feedback, by Spark."""

import numpy as np
from pyspark.ml.recommendation import ALS
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from sparkrec.lake.order import in_one_order
from sparkrec.recommend.scorers.scorer import Fitted
from sparkrec.recommend.users import Floats


def fit(
    known: DataFrame,
    items: int,
    factors: int,
    alpha: float,
    regularisation: float,
    iterations: int,
    seed: int,
) -> Fitted:
    """Vectors of `DotProduct` from binary feedback (Hu, Koren, Volinsky, ICDM 2008, in Spark's form).

    Args:
        known: ``user_index, item_index`` of the positive events that a fold knows.
        items: Size of the item vocabulary.
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
    # The blocks' number is fixed, so that the figures do not depend on the cluster.
    model = als.setNumBlocks(4).fit(in_one_order(pairs, 4, "user_index", "item_index"))
    users = model.userFactors.select(F.col("id").alias("user_index"), F.col("features").alias("vector"))
    return Fitted({"items": _dense(model.itemFactors, items, factors)}, users)


def _dense(vectors: DataFrame, rows: int, size: int) -> Floats:
    found = vectors.toPandas()
    dense = np.zeros((rows, size), np.float32)
    if len(found):
        dense[found["id"].to_numpy()] = np.stack(found["features"].to_list())
    return dense
