"""Items of many users, without a Python object a user."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sparkrec.recommend.pairs import Indices, find, keys, slices


@dataclass(frozen=True)
class ItemLists:
    """A list of items for each user.

    Attributes:
        starts: Where the list of each user starts in `items`, and where the last one ends, (users + 1,).
        items: The lists one after the other.
    """

    starts: NDArray[np.int64]
    items: NDArray[np.int64]

    @classmethod
    def of_arrow(cls, column: Any) -> "ItemLists":
        """Of an Arrow array of lists of integers; a null list holds nothing."""
        lengths = column.value_lengths().fill_null(0).to_numpy(zero_copy_only=False)
        starts = np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)])
        return cls(starts, column.flatten().to_numpy(zero_copy_only=False).astype(np.int64))

    @classmethod
    def of_pandas(cls, column: "pd.Series[Any]") -> "ItemLists":
        """Of a column of arrays of integers."""
        starts = np.concatenate([[0], np.cumsum(column.str.len().to_numpy(np.int64))])
        return cls(starts, np.concatenate([np.zeros(0, np.int64), *column.to_numpy()]).astype(np.int64))

    @classmethod
    def none(cls, users: int) -> "ItemLists":
        """Empty lists."""
        return cls(np.zeros(users + 1, np.int64), np.zeros(0, np.int64))

    @property
    def owners(self) -> NDArray[np.int64]:
        """The user of each item, as a row number, (items,)."""
        return np.repeat(np.arange(len(self.starts) - 1), self.lengths)

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Items of each user, (users,)."""
        return np.diff(self.starts)

    def at(self, places: NDArray[np.int64]) -> "ItemLists":
        """The lists with another number for each item.

        Args:
            places: The number of each item, (catalogue,); items of a negative one are left out.
        """
        moved = places[self.items]
        return ItemLists(self.starts, moved).where(moved >= 0)

    def of(self, users: NDArray[np.int64]) -> "ItemLists":
        """The lists of these users, in this order."""
        lengths = self.lengths[users]
        starts = np.concatenate([[0], np.cumsum(lengths)])
        return ItemLists(starts, self.items[slices(self.starts[users], lengths)])

    def where(self, kept: NDArray[np.bool_]) -> "ItemLists":
        """The lists without the items that are not kept, (items,)."""
        lengths = np.bincount(self.owners[kept], minlength=len(self.starts) - 1)
        return ItemLists(np.concatenate([[0], np.cumsum(lengths)]), self.items[kept])

    def holds(self, users: Indices, items: Indices, catalogue: int) -> NDArray[np.bool_]:
        """Which pairs' items are in their user's list.

        Args:
            users: Rows, (pairs,).
            items: (pairs,).
            catalogue: Above every item.
        """
        return find(keys(users, items, catalogue), np.sort(keys(self.owners, self.items, catalogue)))[1]

    def hold(self, candidates: NDArray[np.int64], catalogue: int) -> NDArray[np.bool_]:
        """Which candidates of a user are in the user's own list.

        Args:
            candidates: (users, candidates); -1 is no item and in no list.
            catalogue: Above every item.

        Returns:
            (users, candidates).
        """
        rows = np.arange(len(candidates))[:, None]
        held = np.zeros((len(candidates), _MARKS), bool)
        held[self.owners, self.items & (_MARKS - 1)] = True
        # Few candidates share their last bits with an item of the list; only these are looked up.
        perhaps = held[rows, candidates & (_MARKS - 1)]
        users, places = np.nonzero(perhaps)
        perhaps[perhaps] = self.holds(users, candidates[users, places], catalogue)
        return np.asarray(perhaps & (candidates >= 0))


_MARKS = 1024
