"""Item-to-item models of large catalogues: of each item only the weights to the nearest others are kept.

They are `ItemItem` with few weights. The products of users and items are sparse and come in blocks of items, so that
neither an executor nor the driver ever holds items x items numbers.
"""

from collections.abc import Callable, Iterable, Iterator
from functools import partial

import numpy as np
import pandas as pd
from pyspark import TaskContext
from pyspark.sql import DataFrame
from scipy import sparse

from sparkrec.lake.files import Arrays
from sparkrec.recommend.scorers.item_item import recent_votes, square, what_users_have
from sparkrec.recommend.users import Floats, UserBatch

_BLOCK = 1024
_NAMES = ["values", "columns", "starts"]
_USERS_AT_ONCE = 2_500
_PARTS = "values binary, columns binary, starts binary"

_Block = Callable[[sparse.csr_matrix, int], sparse.csr_matrix]


def fit_item_knn(sequences: DataFrame, buyers: Floats, most: int) -> Arrays:
    """`item_item.fit_item_knn` of the nearest items alone: cosines of the items' columns.

    Args:
        sequences: Rows of features.behaviour_sequences of one cut.
        buyers: Different users of each item, (items,).
        most: Neighbours of an item that are kept.
    """
    length = np.sqrt(buyers)
    scale = np.divide(1, length, out=np.zeros_like(length), where=length > 0)

    def cosines(products: sparse.csr_matrix, start: int) -> sparse.csr_matrix:
        pairs = products.tocoo()
        values = pairs.data * scale[pairs.row + start] * scale[pairs.col]
        values[pairs.row + start == pairs.col] = 0
        return sparse.csr_matrix((values, (pairs.row, pairs.col)), products.shape)

    return _nearest(sequences, len(buyers), square, cosines, most)


def recent_neighbours(sequences: DataFrame, items: int, days: float, most: int) -> Arrays:
    """`item_item.recent_neighbours` of the heaviest weights alone.

    Args:
        sequences: Rows of features.behaviour_sequences of one cut.
        items: Size of the item vocabulary.
        days: What is recent.
        most: Weights of an item that are kept.
    """
    return _nearest(sequences, items, partial(recent_votes, days=days), lambda products, start: products, most)


def _nearest(
    sequences: DataFrame, items: int, product: Callable[[UserBatch], sparse.csr_matrix], weigh: _Block, most: int
) -> Arrays:
    """The products of all users added up and weighed, (items, items), the ``most`` heaviest of each row.

    Args:
        sequences: Rows of features.behaviour_sequences of one cut.
        items: Size of the item vocabulary.
        product: Of some users.
        weigh: Weights of the summed products of a block of rows, by the number of its first row.
        most: Weights of a row.
    """

    def multiply(batches: Iterable[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        context = TaskContext.get()
        place = context.partitionId() if context else 0
        total = _nothing(items, items)
        for rows in batches:
            for start in range(0, len(rows), _USERS_AT_ONCE):
                total = total + product(UserBatch.of(rows.iloc[start : start + _USERS_AT_ONCE], items))
        for start in range(0, items, _BLOCK):
            piece = total[start : start + _BLOCK]
            if piece.nnz:
                yield pd.DataFrame([(start, place, *_bytes(piece))], columns=["start", "place", *_NAMES])

    def finish(pieces: pd.DataFrame) -> pd.DataFrame:
        start = int(pieces["start"].iloc[0])
        # One order of adding up: sums come out alike to the last digit.
        parts = pieces.sort_values("place")[_NAMES].itertuples(index=False, name=None)
        matrices = [_matrix(part, items) for part in parts]
        total = matrices[0]
        for matrix in matrices[1:]:
            total = total + matrix
        kept = _heaviest(weigh(total, start), most)
        return pd.DataFrame([(start, *_bytes(kept))], columns=["start", *_NAMES])

    pieces = what_users_have(sequences).mapInPandas(multiply, f"start int, place int, {_PARTS}")
    blocks = pieces.groupBy("start").applyInPandas(finish, f"start int, {_PARTS}").toPandas().set_index("start")
    found = [
        _matrix(tuple(blocks.loc[start, _NAMES]), items)
        if start in blocks.index
        else _nothing(min(_BLOCK, items - start), items)
        for start in range(0, items, _BLOCK)
    ]
    weights = sparse.vstack(found, format="csr")
    parts = (weights.data.astype(np.float32), weights.indices.astype(np.int32), weights.indptr.astype(np.int64))
    return dict(zip(_NAMES, parts, strict=True))


def _heaviest(weights: sparse.csr_matrix, most: int) -> sparse.csr_matrix:
    """The ``most`` greatest of each row that are above 0; equals go to the lower column."""
    pairs = weights.tocoo()
    positive = pairs.data > 0
    row, column, value = pairs.row[positive], pairs.col[positive], pairs.data[positive]
    order = np.lexsort((column, -value, row))
    row, column, value = row[order], column[order], value[order]
    place = np.arange(len(row)) - np.searchsorted(row, row)
    kept = place < most
    found = sparse.csr_matrix((value[kept], (row[kept], column[kept])), weights.shape)
    found.sort_indices()
    return found


def _nothing(rows: int, items: int) -> sparse.csr_matrix:
    return _matrix((b"", b"", bytes(8 * (rows + 1))), items)


def _bytes(matrix: sparse.csr_matrix) -> tuple[bytes, bytes, bytes]:
    return (
        matrix.data.astype(np.float32).tobytes(),
        matrix.indices.astype(np.int32).tobytes(),
        matrix.indptr.astype(np.int64).tobytes(),
    )


def _matrix(parts: tuple[bytes, bytes, bytes], items: int) -> sparse.csr_matrix:
    values, columns = np.frombuffer(parts[0], np.float32), np.frombuffer(parts[1], np.int32)
    starts = np.frombuffer(parts[2], np.int64)
    return sparse.csr_matrix((values, columns, starts), (len(starts) - 1, items))
