"""Pairs of a user of a batch and an item: what stands in the place of a matrix of users and items."""

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

Indices = NDArray[np.int64]
Floats = NDArray[np.float32]

_SCORES_AT_ONCE = 1 << 22


def keys(users: Indices, items: NDArray[np.int32] | Indices, catalogue: int) -> Indices:
    """One number a pair, in the order of users and then items.

    Args:
        users: Row of each pair's user in the batch, (pairs,).
        items: Its item index, (pairs,).
        catalogue: Above every item index.
    """
    return users.astype(np.int64) * catalogue + items


def find(wanted: Indices, ordered: Indices) -> tuple[Indices, NDArray[np.bool_]]:
    """Where each of the wanted keys stands among others, which are in order, and whether it does."""
    if not len(ordered):
        return np.zeros(len(wanted), np.int64), np.zeros(len(wanted), bool)
    places = np.minimum(np.searchsorted(ordered, wanted), len(ordered) - 1)
    return places, np.asarray(ordered[places] == wanted)


def stored(matrix: sparse.csr_matrix) -> tuple[Indices, NDArray[np.int32]]:
    """Row and column of each stored value of a matrix, in the order of its data."""
    return np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr)), matrix.indices


def values_at(
    matrix: sparse.csr_matrix, users: Indices, items: NDArray[np.int32] | Indices
) -> tuple[Floats, NDArray[np.bool_]]:
    """Values of a sparse matrix at some pairs, 0 where it stores none, and where it stores one.

    Args:
        matrix: (users, items), its columns in order within each row.
        users: Rows, (pairs,).
        items: Columns, (pairs,).
    """
    catalogue = matrix.shape[1]
    places, there = find(keys(users, items, catalogue), keys(*stored(matrix), catalogue))
    found = np.zeros(len(users), np.float32)
    found[there] = matrix.data[places[there]]
    return found, there


def slices(starts: Indices, lengths: Indices) -> Indices:
    """The numbers from each start on, so many of each, one after the other."""
    ends = np.cumsum(lengths)
    total = int(ends[-1]) if len(ends) else 0
    return np.asarray(np.arange(total) + np.repeat(starts - (ends - lengths), lengths))


def first_of_each(users: Indices, items: Indices, scores: Floats, most: int) -> tuple[Indices, Indices]:
    """The pairs with each user's highest scores, highest first; ties go to the lower item.

    Args:
        users: Rows, in any order, (pairs,).
        items: (pairs,).
        scores: (pairs,).
        most: At most so many of each user.

    Returns:
        Places of these pairs among those given, by user and rank, and each one's rank from 0.
    """
    candidates = front(users, scores, most)
    order = candidates[np.lexsort((items[candidates], -scores[candidates], users[candidates]))]
    rows = users[order]
    rank = np.arange(len(order)) - np.searchsorted(rows, rows)
    return order[rank < most], rank[rank < most]


def front(users: Indices, scores: Floats, most: int) -> Indices:
    """Places of the pairs that may be among their user's ``most`` highest: these, and what equals the last of them."""
    if not len(users):
        return np.zeros(0, np.int64)
    return np.flatnonzero(scores >= _bounds(users, scores, most)[users])


def _bounds(users: Indices, scores: Floats, most: int) -> Floats:
    """The ``most``-th highest score of each user, -inf where there are fewer, (users,)."""
    lengths = np.bincount(users)
    bounds = np.full(len(lengths), -np.inf, np.float32)
    by_user = np.arange(len(users)) if (users[:-1] <= users[1:]).all() else np.argsort(users, kind="stable")
    starts = np.cumsum(lengths) - lengths
    # Users with about as many pairs lie side by side in one matrix.
    many = np.flatnonzero(lengths > most)
    many = many[np.argsort(lengths[many], kind="stable")]
    start = 0
    while start < len(many):
        widths = lengths[many[start:]]
        count = max(1, int((np.arange(1, len(widths) + 1) * widths <= _SCORES_AT_ONCE).sum()))
        part = many[start : start + count]
        of_part = lengths[part]
        matrix = np.full((len(part), int(of_part[-1])), -np.inf, np.float32)
        rows = np.repeat(np.arange(len(part)), of_part)
        matrix[rows, slices(np.zeros(len(part), np.int64), of_part)] = scores[by_user[slices(starts[part], of_part)]]
        bounds[part] = np.partition(matrix, -most, axis=1)[:, -most]
        start += count
    return bounds
