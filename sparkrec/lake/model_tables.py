"""The Parquet tables of a model beside its small arrays: a row a user, a row an item."""

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy import sparse

from sparkrec.lake import files
from sparkrec.lake.files import Arrays

ARRAYS = "arrays.npz"
"""File of the arrays in the folder of a model's fold; the last to be written, so that with it all is there."""

USERS = "users"
"""Folder of the users' table in that of a model's fold: ``user_index`` (int) and ``vector`` (floats)."""

ITEMS = "items"
"""Folder of the items' table: ``item_index`` and ``vector``, or the columns of `NEIGHBOURS`."""

NEIGHBOURS = "item_index int, others array<int>, weights array<float>"
"""Columns, for Spark: the items that each item has a weight to, and the weights."""


def user_vectors(index: NDArray[np.int32], vectors: NDArray[np.float32]) -> pa.Table:
    """Rows of the users' table.

    Args:
        index: Vocabulary indices of the users, (users,).
        vectors: Their vectors, (users, size).
    """
    starts = np.arange(len(vectors) + 1, dtype=np.int32) * vectors.shape[1]
    return pa.table({"user_index": pa.array(index.astype(np.int32)), "vector": _lists(starts, vectors.ravel())})


def neighbour_rows(weights: sparse.csr_matrix, first: int) -> pa.Table:
    """Rows of the items' table: the items that each item has a weight to.

    Args:
        weights: Some rows of a matrix (items, items).
        first: The item of the first of them.
    """
    starts = weights.indptr.astype(np.int32)
    index = np.arange(first, first + weights.shape[0], dtype=np.int32)
    others, values = weights.indices.astype(np.int32), weights.data.astype(np.float32)
    return pa.table(
        {"item_index": pa.array(index), "others": _lists(starts, others), "weights": _lists(starts, values)}
    )


def item_arrays(folder: str, items: int) -> Arrays:
    """What an items' table says, as arrays by item.

    Args:
        folder: That of the table.
        items: Size of the item vocabulary.

    Returns:
        Of vectors ``items``, (items, size), 0 where an item has none; of neighbours the parts ``values``, ``columns``
        and ``starts`` of a CSR matrix (items, items).
    """
    rows = files.read_tables(folder).sort_by("item_index")
    index = rows["item_index"].to_numpy()
    if "vector" in rows.column_names:
        vectors = rows["vector"].combine_chunks().flatten().to_numpy().reshape(len(index), -1)
        dense = np.zeros((items, vectors.shape[1]), np.float32)
        dense[index] = vectors
        return {"items": dense}
    others, weights = rows["others"].combine_chunks(), rows["weights"].combine_chunks()
    lengths = np.zeros(items, np.int64)
    lengths[index] = others.value_lengths().to_numpy()
    return {
        "values": weights.flatten().to_numpy(),
        "columns": others.flatten().to_numpy(),
        "starts": np.concatenate([[0], np.cumsum(lengths)]),
    }


def _lists(starts: NDArray[np.int32], values: NDArray[np.int32] | NDArray[np.float32]) -> pa.ListArray:
    return pa.ListArray.from_arrays(pa.array(starts), pa.array(values))
