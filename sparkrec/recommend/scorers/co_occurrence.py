"""Products of users and items, added up over all users in blocks of items: no process holds items x items numbers, but
for the one that solves a model which asks for all of them.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from pyspark import TaskContext
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from scipy import sparse

from sparkrec.lake.model_tables import NEIGHBOURS, neighbour_rows
from sparkrec.recommend.scorers.item_item import heaviest_of_rows
from sparkrec.recommend.users import Floats, UserBatch

_BLOCK = 1024
# Of a user who has more items the latest count: pairs grow with the square, and who has everything does not tell which
# items go together.
_LARGEST_HISTORY = 3_000
# Pairs of items that a task computes in one go, and that it adds up in memory.
_PAIRS_AT_ONCE, _PAIRS_HELD = 1 << 24, 1 << 25
BLOCKS = "start int, values binary, columns binary, starts binary"
"""Columns of blocks of rows of a sparse matrix in CSR form, for Spark; ``start`` is the first row."""
_PIECES = BLOCKS.replace(",", ", place int, piece int,", 1)

_Product = Callable[[UserBatch], sparse.csr_matrix]
_Kept = Callable[[sparse.csr_matrix, int], sparse.csr_matrix]


def item_knn(sequences: DataFrame, buyers: Floats, most: int) -> DataFrame:
    """ItemKNN with cosine similarity (Sarwar et al., WWW 2001): the nearest others of each item (`NEIGHBOURS`).

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

    return _nearest(sequences, len(buyers), _square, cosines)


def recent_neighbours(sequences: DataFrame, items: int, days: float, most: int) -> DataFrame:
    """What those who have an item, too, had of late: X^T diag(1 / sqrt(|X_u|)) R, the heaviest of each (`NEIGHBOURS`).

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
    return _nearest(sequences, items, votes, lambda products, start: heaviest_of_rows(products, most))


def gram(sequences: DataFrame, items: int, half_life_days: float | None = None) -> DataFrame:
    """X^T X of the user-item matrix X, (items, items), in `BLOCKS` of rows.

    X holds 1 where a user has an item, or 2^(-days_since / half_life_days).

    Args:
        sequences: Rows of features.behaviour_sequences of one fold.
        items: Size of the item vocabulary.
        half_life_days: See above.
    """
    square = partial(_square, half_life_days=half_life_days)
    return _summed(sequences, items, square, BLOCKS, lambda products, start: _block(products, start))


def _square(users: UserBatch, half_life_days: float | None = None) -> sparse.csr_matrix:
    matrix = users.bought if half_life_days is None else users.decayed(half_life_days)
    return sparse.csr_matrix(matrix.T.tocsr() @ matrix)


def _recent_votes(users: UserBatch, days: float) -> sparse.csr_matrix:
    share = 1 / np.sqrt(np.maximum(np.diff(users.bought.indptr), 1))
    shared = users.bought.T @ sparse.diags(share.astype(np.float32))
    return sparse.csr_matrix(shared.tocsr() @ users.within(days))


def _nearest(sequences: DataFrame, items: int, product: _Product, kept: _Kept) -> DataFrame:
    """What is kept of the summed products, as `NEIGHBOURS`.

    Args:
        sequences: Rows of features.behaviour_sequences of one fold.
        items: Size of the item vocabulary.
        product: Of some users.
        kept: What is kept of a block of rows, by the number of its first row.
    """
    return _summed(sequences, items, product, NEIGHBOURS, lambda sums, start: neighbour_rows(kept(sums, start), start))


def _summed(
    sequences: DataFrame,
    items: int,
    product: _Product,
    schema: str,
    finish: Callable[[sparse.csr_matrix, int], pa.Table],
) -> DataFrame:
    """The products of all users added up, and what each block of rows becomes, by the number of its first row."""

    def multiply(batches: Iterable[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        context = TaskContext.get()
        place, piece = context.partitionId() if context else 0, 0
        total = _nothing(items, items)
        for rows in batches:
            for part in _in_parts(_of_late(rows, _LARGEST_HISTORY), _PAIRS_AT_ONCE):
                total = total + product(UserBatch.of(part, items))
                if total.nnz > _PAIRS_HELD:
                    yield from _pieces(total, _BLOCK, place, piece)
                    total, piece = _nothing(items, items), piece + 1
        yield from _pieces(total, _BLOCK, place, piece)

    def add_up(pieces: pa.Table) -> pa.Table:
        # One order of adding up: sums come out alike to the last digit.
        parts = pieces.sort_by([("place", "ascending"), ("piece", "ascending")]).to_pylist()
        total = _matrix(parts[0], items)
        for part in parts[1:]:
            total = total + _matrix(part, items)
        return finish(total, parts[0]["start"])

    return (
        _what_users_have(sequences).mapInPandas(multiply, _PIECES).groupBy("start").applyInArrow(add_up, schema=schema)
    )


def _in_parts(rows: pd.DataFrame, pairs: int) -> Iterator[pd.DataFrame]:
    """The rows in parts that give about so many pairs of items, or one row that gives more."""
    lengths = rows["items"].str.len().to_numpy(np.int64)
    for _, part in rows.groupby(np.cumsum(lengths * lengths) // pairs, sort=False):
        yield part


def _of_late(rows: pd.DataFrame, most: int) -> pd.DataFrame:
    """The rows with at most so many items each, the latest ones."""
    if (rows["items"].str.len() <= most).all():
        return rows
    latest = [np.sort(np.argsort(days, kind="stable")[:most]) for days in rows["days_since"]]
    lists = ("items", "events", "days_since", "first_days_since")
    return rows.assign(
        **{name: [values[kept] for values, kept in zip(rows[name], latest, strict=True)] for name in lists}
    )


def _pieces(total: sparse.csr_matrix, block: int, place: int, piece: int) -> Iterator[pd.DataFrame]:
    for start in range(0, total.shape[0], block):
        rows = total[start : start + block]
        if rows.nnz:
            yield pd.DataFrame({"start": [start], "place": place, "piece": piece, **_parts_of(rows)})


def _block(rows: sparse.csr_matrix, start: int) -> pa.Table:
    types = {"start": pa.int32(), "values": pa.binary(), "columns": pa.binary(), "starts": pa.binary()}
    return pa.table({"start": [start], **_parts_of(rows)}, schema=pa.schema(types))


def rows_of_block(block: Mapping[str, Any], items: int) -> tuple[int, sparse.csr_matrix]:
    """The number of the first row of one of the `BLOCKS`, and its rows."""
    return block["start"], _matrix(block, items)


def _what_users_have(sequences: DataFrame) -> DataFrame:
    """Columns of a `UserBatch` that are needed where nothing is shown to anybody; the others stand for nothing."""
    interacted = F.array().cast("array<int>").alias("interacted")
    return sequences.select(
        "user_index", "items", "events", "days_since", F.col("days_since").alias("first_days_since"), interacted
    )


def _nothing(rows: int, items: int) -> sparse.csr_matrix:
    return sparse.csr_matrix(
        (np.zeros(0, np.float32), np.zeros(0, np.int32), np.zeros(rows + 1, np.int64)), (rows, items)
    )


def _parts_of(matrix: sparse.csr_matrix) -> dict[str, list[bytes]]:
    return {
        "values": [matrix.data.astype(np.float32).tobytes()],
        "columns": [matrix.indices.astype(np.int32).tobytes()],
        "starts": [matrix.indptr.astype(np.int64).tobytes()],
    }


def _matrix(parts: Mapping[str, Any], items: int) -> sparse.csr_matrix:
    values, columns = np.frombuffer(parts["values"], np.float32), np.frombuffer(parts["columns"], np.int32)
    starts = np.frombuffer(parts["starts"], np.int64)
    return sparse.csr_matrix((values, columns, starts), (len(starts) - 1, items))
