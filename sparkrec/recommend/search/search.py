"""The best items of many users, those that they have seen left out."""

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from sparkrec.recommend.item_lists import ItemLists
from sparkrec.recommend.ranking import top_k
from sparkrec.recommend.scorers.scorer import Best
from sparkrec.recommend.search.index import ItemIndex
from sparkrec.recommend.users import Floats

_QUERIES_AT_ONCE = 512
_CANDIDATES_AT_ONCE = 1 << 20
_SCORES_AT_ONCE = 1 << 21
_SPARE = 8

_Number = TypeVar("_Number", bound=np.generic)


class ItemSearch:
    """Finds the items with the highest dot products among those that may be shown.

    Where the index is exact, so is what it finds: the order is that of `ItemIndex.dot_products`, ties go to the
    lower item. Memory is bounded however many users are asked for at once: 512 of them, at most about a million
    candidates and 2 million scores are held at a time.

    Args:
        index: Over the vectors of the items that may be shown, in the order of the items.
        shown: Which items these are, (items,).
    """

    def __init__(self, index: ItemIndex, shown: NDArray[np.bool_]) -> None:
        self.index = index
        self._items = np.flatnonzero(shown)
        self._places = np.full(len(shown), -1, np.int64)
        self._places[self._items] = np.arange(len(self._items))
        # Of a sum of so many products, however it is added up; both sides of a comparison may be off by it.
        longest = np.sqrt(np.einsum("ij,ij->i", index.vectors, index.vectors).max(initial=0.0))
        self._rounding = np.float32(2 * index.vectors.shape[1] * np.finfo(np.float32).eps * longest)

    def best(self, queries: Floats, seen: ItemLists, most: int) -> Best:
        """The best items of each user that the user has not seen.

        Args:
            queries: Vectors of the users, (users, size).
            seen: What each has seen, by item.
            most: Length of a list; fewer items where fewer are left.
        """
        places = np.full((len(queries), most), -1, np.int64)
        scores = np.full((len(queries), most), -np.inf, np.float32)
        if not len(self._items):
            return Best(places.astype(np.int32), scores)
        unseen = seen.at(self._places)
        # Users who have seen as much as each other are searched for together, for all get as many candidates.
        order = np.argsort(unseen.lengths, kind="stable")
        start = 0
        while start < len(order):
            users = order[start : start + _QUERIES_AT_ONCE]
            wanted = most + _SPARE + unseen.lengths[users]
            users = users[: max(1, int((np.arange(1, len(users) + 1) * wanted <= _CANDIDATES_AT_ONCE).sum()))]
            places[users], scores[users] = self._batch(queries[users], unseen.of(users), most)
            start += len(users)
        return Best(np.where(places >= 0, self._items[places], -1).astype(np.int32), scores)

    def _batch(self, queries: Floats, seen: ItemLists, most: int) -> tuple[NDArray[np.int64], Floats]:
        """Places and scores of the best of users who have seen about as many items."""
        items = len(self.index.vectors)
        rough, places = self.index.nearest(queries, most + _SPARE + int(seen.lengths.max(initial=0)))
        # To a user without a vector all items are alike, so that the first ones are the best.
        same = ~queries.any(axis=1)
        places[same], rough[same] = np.arange(places.shape[1]), 0
        # What is left out has at most this score, but for rounding.
        # A copy, for what is seen will be struck out.
        others = rough[:, -1].copy() if places.shape[1] < items else np.full(len(queries), -np.inf, np.float32)

        rough[seen.hold(places, items)] = -np.inf
        width = most + _SPARE
        chosen, cut_off = _front(rough, width)
        others = np.maximum(others, cut_off)
        places = np.where(np.isfinite(np.take_along_axis(rough, chosen, 1)), np.take_along_axis(places, chosen, 1), -1)
        scores = self.index.dot_products(queries, places)
        unordered = ~(scores[:, :-1] > scores[:, 1:]).all(axis=1)
        order = np.lexsort((places[unordered], -scores[unordered]), axis=1)
        places[unordered] = np.take_along_axis(places[unordered], order, 1)
        scores[unordered] = np.take_along_axis(scores[unordered], order, 1)
        places, scores = _padded(places[:, :most], most, -1), _padded(scores[:, :most], most, -np.inf)
        if self.index.exact:
            rounding = self._rounding * np.sqrt(np.einsum("ij,ij->i", queries, queries))
            unsure = np.flatnonzero(~same & np.isfinite(others) & ~(scores[:, -1] > others + rounding))
            at_once = max(1, _SCORES_AT_ONCE // items)
            for start in range(0, len(unsure), at_once):
                part = unsure[start : start + at_once]
                places[part], scores[part] = self._among_all(queries[part], seen.of(part), most)
        return places, scores

    def _among_all(self, queries: Floats, seen: ItemLists, most: int) -> tuple[NDArray[np.int64], Floats]:
        """The same by every item's score: where many items have nearly the score of the last one."""
        items = len(self.index.vectors)
        everything = np.broadcast_to(np.arange(items), (len(queries), items))
        scores = self.index.dot_products(queries, everything)
        scores[seen.owners, seen.items] = -np.inf
        best = top_k(scores, most)
        values = np.take_along_axis(scores, best, 1)
        return _padded(np.where(np.isfinite(values), best, -1), most, -1), _padded(values, most, -np.inf)


def _front(scores: Floats, width: int) -> tuple[NDArray[np.int64], Floats]:
    """The first columns of each row that are not -inf, in their order, and the last score among them.

    Returns:
        (rows, min(width, columns)) columns, with others behind them where a row has fewer; and the score that none of
        those cut off exceeds, (rows,): -inf where none was cut off.
    """
    left = np.isfinite(scores)
    width = min(width, scores.shape[1])
    # Short numbers, for these matrices are all that the memory has to move beside the search.
    short = np.int16 if scores.shape[1] < 1 << 15 else np.int32
    ranks: NDArray[np.int16 | np.int32] = np.cumsum(left, axis=1, dtype=short)
    found = left.sum(axis=1)
    chosen = np.zeros((len(scores), width), np.int64)
    whole = found >= width
    chosen[whole] = np.nonzero((left & (ranks <= width))[whole])[1].reshape(-1, width)
    # Sorted by one bit, the rest keep their order.
    chosen[~whole] = np.argsort(~left[~whole], axis=1, kind="stable")[:, :width]
    cut_off = np.full(len(scores), -np.inf, np.float32)
    cut = np.flatnonzero(found > width)
    cut_off[cut] = scores[cut, chosen[cut, -1]]
    return chosen, cut_off


def _padded(array: NDArray[_Number], width: int, value: float) -> NDArray[_Number]:
    missing = width - array.shape[1]
    return np.pad(array, ((0, 0), (0, missing)), constant_values=value) if missing else array
