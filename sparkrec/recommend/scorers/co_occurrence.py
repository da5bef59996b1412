"""Products of users and items, added up over all users in blocks of items: neither an executor nor the driver holds
items x items numbers, but for a model that asks for all of them.
"""

from collections.abc import Callable, Iterable, Iterator
from functools import partial

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pyspark import TaskContext
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from scipy import sparse

from sparkrec.recommend.scorers.item_item import heaviest_of_rows
from sparkrec.recommend.users import Floats, UserBatch

_BLOCK = 1024
_NAMES = ["values", "columns", "starts"]
_USERS_AT_ONCE = 2_500
_PARTS = "values binary, columns binary, starts binary"

_Block = Callable[[sparse.csr_matrix, int], sparse.csr_matrix]


def item_knn(sequences: DataFrame, buyers: Floats, most: int) -> sparse.csr_matrix:
    """ItemKNN with cosine similarity (Sarwar et al., WWW 2001): the nearest others of each item.

    Args:
        sequences: Rows of features.behaviour_sequences of one fold.
        buyers: Different users of each item, (items,).
        most: Neighbours of an item that are kept.
    """
    length = np.sqrt(buyers)
    scale = np.divide(1, length, out=np.zeros_like(length), where=length > 0)

    def cosines(products: sparse.csr_matrix, start: int) -> sparse.csr_matrix:
        pairs = products.tocoo()
        values = pairs.data * scale[pairs.row + start] * scale[pairs.col]
        values[pairs.row + start == pairs.col] = 0
        return heaviest_of_rows(sparse.csr_matrix((values, (pairs.row, pairs.col)), products.shape), most)

    return _products(sequences, len(buyers), _square, cosines)


def recent_neighbours(sequences: DataFrame, items: int, days: float, most: int) -> sparse.csr_matrix:
    """What those who have an item, too, had of late: X^T diag(1 / sqrt(|X_u|)) R, the heaviest weights of each item.

    R holds 1 where a user had an item within the last ``days``. A user-based neighbourhood whose similarity of two
    users is the number of items that both have, each neighbour's votes shared out by the root of all that it has
    (after Deshpande and Karypis, TOIS 2004), written as item-item weights.

    Args:
        sequences: Rows of features.behaviour_sequences of one fold.
        items: Size of the item vocabulary.
        days: See above.
        most: Weights of an item that are kept.
    """
    votes = partial(_recent_votes, days=days)
    return _products(sequences, items, votes, lambda products, start: heaviest_of_rows(products, most))


def gram(sequences: DataFrame, items: int, half_life_days: float | None = None) -> NDArray[np.float64]:
    """X^T X of the user-item matrix X, (items, items), for what needs all of it at once.

    X holds 1 where a user has an item, or 2^(-days_since / half_life_days).

    Args:
        sequences: Rows of features.behaviour_sequences of one fold.
        items: Size of the item vocabulary.
        half_life_days: See above.
    """
    square = partial(_square, half_life_days=half_life_days)
    return np.asarray(_products(sequences, items, square, lambda products, start: products).toarray(), np.float64)


def _square(users: UserBatch, half_life_days: float | None = None) -> sparse.csr_matrix:
    matrix = users.bought if half_life_days is None else users.decayed(half_life_days)
    return sparse.csr_matrix(matrix.T.tocsr() @ matrix)


def _recent_votes(users: UserBatch, days: float) -> sparse.csr_matrix:
    share = 1 / np.sqrt(np.maximum(np.diff(users.bought.indptr), 1))
    shared = users.bought.T @ sparse.diags(share.astype(np.float32))
    return sparse.csr_matrix(shared.tocsr() @ users.within(days))


def _products(
    sequences: DataFrame, items: int, product: Callable[[UserBatch], sparse.csr_matrix], finish: _Block
) -> sparse.csr_matrix:
    """The products of all users added up, (items, items), and what is kept of each block of rows.

    Args:
        sequences: Rows of features.behaviour_sequences of one fold.
        items: Size of the item vocabulary.
        product: Of some users.
        finish: What is kept of the summed products of a block of rows, by the number of its first row.
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

    def add_up(pieces: pd.DataFrame) -> pd.DataFrame:
        start = int(pieces["start"].iloc[0])
        # One order of adding up: sums come out alike to the last digit.
        parts = pieces.sort_values("place")[_NAMES].itertuples(index=False, name=None)
        matrices = [_matrix(part, items) for part in parts]
        total = matrices[0]
        for matrix in matrices[1:]:
            total = total + matrix
        return pd.DataFrame([(start, *_bytes(finish(total, start)))], columns=["start", *_NAMES])

    pieces = _what_users_have(sequences).mapInPandas(multiply, f"start int, place int, {_PARTS}")
    blocks = pieces.groupBy("start").applyInPandas(add_up, f"start int, {_PARTS}").toPandas().set_index("start")
    found = [
        _matrix(tuple(blocks.loc[start, _NAMES]), items)
        if start in blocks.index
        else _nothing(min(_BLOCK, items - start), items)
        for start in range(0, items, _BLOCK)
    ]
    return sparse.csr_matrix(sparse.vstack(found))


def _what_users_have(sequences: DataFrame) -> DataFrame:
    """Columns of a `UserBatch` that are needed where nothing is shown to anybody; the others stand for nothing."""
    interacted = F.array().cast("array<int>").alias("interacted")
    return sequences.select(
        "user_index", "items", "events", "days_since", F.col("days_since").alias("first_days_since"), interacted
    )


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
