"""The files of a model's vectors of users."""

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

USERS = "users"
"""Folder of the table in that of a model's fold: Parquet files of ``user_index`` (int) and ``vector`` (floats)."""


def user_vectors(index: NDArray[np.int32], vectors: NDArray[np.float32]) -> pa.Table:
    """Rows of the table.

    Args:
        index: Vocabulary indices of the users, (users,).
        vectors: Their vectors, (users, size).
    """
    size = vectors.shape[1]
    starts = pa.array(np.arange(len(vectors) + 1, dtype=np.int32) * size)
    lists = pa.ListArray.from_arrays(starts, pa.array(vectors.ravel()))
    return pa.table({"user_index": pa.array(index.astype(np.int32)), "vector": lists})
