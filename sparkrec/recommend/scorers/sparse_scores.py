"""Scores that are the same for every user, but for few pairs of a user and an item."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from sparkrec.recommend.item_lists import ItemLists
from sparkrec.recommend.pairs import Indices, first_of_each, front, slices, stored, values_at
from sparkrec.recommend.scorers.scorer import Best, UserScores
from sparkrec.recommend.users import Floats


@dataclass(frozen=True)
class SharedScores:
    """One score an item, the same for everybody.

    Attributes:
        values: (items,).
        known: Items that may be recommended, (items,).
        order: The known items, highest first, ties by the lower item.
        mean: Over the known items.
        squares: Sum of the squared distances to the mean.
    """

    values: Floats
    known: NDArray[np.bool_]
    order: Indices
    mean: float
    squares: float

    @classmethod
    def of(cls, values: Floats, known: NDArray[np.bool_]) -> "SharedScores":
        """Of the scores of all items."""
        items = np.flatnonzero(known)
        among_known = values[items].astype(np.float64)
        mean = float(among_known.mean()) if len(items) else 0.0
        order = items[np.argsort(-among_known, kind="stable")]
        return cls(values, known, order, mean, float(np.square(among_known - mean).sum()))


def nothing_own(users: int, items: int) -> sparse.csr_matrix:
    """No pair with a score of its own, (users, items)."""
    return sparse.csr_matrix(
        (np.zeros(0, np.float32), np.zeros(0, np.int32), np.zeros(users + 1, np.int64)), (users, items)
    )


class SparseScores(UserScores):
    """Shared scores, but for pairs with a score of their own.

    Args:
        shared: What an item scores where nothing else is said.
        own: Scores of pairs that have their own, sparse (users, items).
        offset: What is added to the shared scores of each user, (users,); None stands for nothing.
    """

    def __init__(self, shared: SharedScores, own: sparse.csr_matrix, offset: Floats | None = None) -> None:
        own.sort_indices()
        self._shared, self._own = shared, own
        self._offset = np.zeros(own.shape[0], np.float32) if offset is None else offset

    @cached_property
    def moments(self) -> tuple[NDArray[Any], NDArray[Any]]:
        """Mean and deviation over the known items: those of the shared scores, mended by what is the pairs' own."""
        shared, users, items, scores = self._shared, *self._pairs
        # Distances to the shared mean: or equal scores would differ from their own mean by a rounding error.
        own = scores.astype(np.float64) - shared.mean - self._offset[users]
        plain = shared.values[items].astype(np.float64) - shared.mean
        count, rows = max(len(shared.order), 1), self._own.shape[0]
        mean = np.bincount(users, own - plain, rows) / count
        squares = (shared.squares + np.bincount(users, own * own - plain * plain, rows)) / count
        return shared.mean + self._offset + mean, np.sqrt(np.maximum(squares - mean * mean, 0))

    def at(self, users: Indices, items: Indices) -> Floats:
        """The pair's own score, or else the shared one."""
        own, has_own = values_at(self._own, users, items)
        return np.asarray(np.where(has_own, own, self._shared.values[items] + self._offset[users]), np.float32)

    def best(self, hidden: ItemLists, most: int) -> Best:
        """The best of the pairs with scores of their own and of as many shared ones as may come before them."""
        shared, users, items, scores = self._shared, *self._pairs
        rows, catalogue = self._own.shape
        # So many of a user's first are enough, whatever of them is hidden.
        wanted = most + hidden.lengths
        highest = shared.values[shared.order[:1]].max(initial=-np.inf) + self._offset
        is_above = np.bincount(users[scores > highest[users]], minlength=rows) >= wanted
        first = front(users, scores, int(wanted.max(initial=most)))
        users, items, scores = users[first], items[first], scores[first]
        visible = ~hidden.holds(users, items, catalogue)
        users, items, scores = users[visible], items[visible], scores[visible]
        # The first of the shared order may all have their own score, too.
        lengths = np.where(is_above, 0, np.minimum(wanted + np.diff(self._own.indptr), len(shared.order)))
        others = np.repeat(np.arange(rows), lengths)
        places = shared.order[slices(np.zeros(rows, np.int64), lengths)]
        left = ~(hidden.holds(others, places, catalogue) | values_at(self._own, others, places)[1])
        others, places = others[left], places[left]
        users, items = np.concatenate([users, others]), np.concatenate([items, places])
        scores = np.concatenate([scores, shared.values[places] + self._offset[others]])
        chosen, rank = first_of_each(users, items, scores, most)
        return Best.of(users[chosen], items[chosen], rank, scores[chosen], (rows, most))

    @cached_property
    def _pairs(self) -> tuple[Indices, Indices, Floats]:
        """User, item and score of the pairs of known items that have their own."""
        users, items = stored(self._own)
        known = self._shared.known[items]
        if known.all():
            return users, items.astype(np.int64), self._own.data.astype(np.float32)
        return users[known], items[known].astype(np.int64), self._own.data[known].astype(np.float32)
