"""Weights between items as the arrays of an item-to-item model."""

import numpy as np
import pandas as pd
from pyspark.sql import DataFrame
from scipy import sparse

from sparkrec.lake.files import Arrays


def arrays_of(weights: sparse.csr_matrix, **others: float) -> Arrays:
    """The arrays of `ItemItem` from weights (items, items), and what goes with them."""
    parts = (weights.data.astype(np.float32), weights.indices.astype(np.int32), weights.indptr.astype(np.int64))
    named = dict(zip(("values", "columns", "starts"), parts, strict=True))
    return {**named, **{name: np.array(value) for name, value in others.items()}}


def dense(neighbours: DataFrame, items: int) -> np.ndarray:
    """The weights that a fit tells, (items, items)."""
    found = np.zeros((items, items))
    rows: pd.DataFrame = neighbours.toPandas()
    for item, others, weights in zip(rows["item_index"], rows["others"], rows["weights"], strict=True):
        found[item, others] = weights
    return found
