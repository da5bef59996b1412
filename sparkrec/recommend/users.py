"""A batch of users as sparse matrices."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from sparkrec.recommend.item_lists import ItemLists
from sparkrec.registry.user_vectors import column_of

Floats = NDArray[np.float32]

_FEATURE = "feature_"


def feature_column(name: str) -> str:
    """The column of rows of users that a feature of them stands in."""
    return f"{_FEATURE}{name}"


@dataclass(frozen=True)
class UserBatch:
    """Users and what is known of them at a fold, by item index.

    Attributes:
        index: Vocabulary indices of the users, (users,).
        events: Positive events, sparse (users, items), columns in order.
        days_since: Days since the latest of them, stored where `events` is.
        first_days_since: Days since the first of them, likewise.
        interacted: Items with any known event, a list a user.
        features: Further features by name, (users,) each; NaN where there is nothing to tell.
    """

    index: NDArray[np.int32]
    events: sparse.csr_matrix
    days_since: sparse.csr_matrix
    first_days_since: sparse.csr_matrix
    interacted: ItemLists
    features: dict[str, Floats] = field(default_factory=dict)
    _vectors: "dict[str, pd.Series[Any]]" = field(default_factory=dict)

    @classmethod
    def of(cls, rows: pd.DataFrame, items: int) -> "UserBatch":
        """The batch of rows of features.behaviour_sequences.

        Args:
            rows: The rows.
            items: Size of the item vocabulary that the models know; newer items are left out.
        """
        every = ItemLists.of_pandas(rows["items"])
        is_known = every.items < items
        has = every.where(is_known)
        shape = (len(rows), items)
        events, days_since, first_days_since = (
            sparse.csr_matrix((_flat(rows[name])[is_known], has.items, has.starts), shape)
            for name in ("events", "days_since", "first_days_since")
        )
        interacted = ItemLists.of_pandas(rows["interacted"])
        interacted = interacted.where(interacted.items < items)
        vectors = {name: rows[name] for name in rows.columns if name.startswith(column_of(""))}
        features = {
            name.removeprefix(_FEATURE): rows[name].to_numpy(np.float32)
            for name in rows.columns
            if name.startswith(_FEATURE)
        }
        index = rows["user_index"].to_numpy(np.int32)
        return cls(index, events, days_since, first_days_since, interacted, features, vectors)

    def vectors(self, model: str, size: int) -> Floats:
        """The users' vectors by a model, (users, size); 0 where it has none of a user."""
        column = self._vectors[column_of(model)]
        found = np.zeros((len(column), size), np.float32)
        has = column.notna().to_numpy()
        if has.any():
            found[has] = np.stack(column[has].to_list())
        return found

    @cached_property
    def bought(self) -> sparse.csr_matrix:
        """1 where there is a positive event."""
        return self._like(np.ones_like(self.events.data))

    @property
    def owned(self) -> ItemLists:
        """Items with a positive event, a list a user."""
        return ItemLists(self.events.indptr.astype(np.int64), self.events.indices.astype(np.int64))

    def hidden(self, shelf: str) -> ItemLists:
        """What the shelf must not show each user: discover nothing that the user has interacted with."""
        return self.interacted if shelf == "discover" else ItemLists.none(len(self.index))

    def decayed(self, half_life_days: float) -> sparse.csr_matrix:
        """1 for an item of today, half as much for one of ``half_life_days`` ago."""
        return self._like(np.exp2(-self.days_since.data / half_life_days))

    def within(self, days: float) -> sparse.csr_matrix:
        """1 for an item of the last ``days``; stored, as 0, where it is older."""
        return self._like(self.days_since.data <= days)

    def _like(self, data: NDArray[Any]) -> sparse.csr_matrix:
        return sparse.csr_matrix((data.astype(np.float32), self.events.indices, self.events.indptr), self.events.shape)


def _flat(lists: "pd.Series[Any]") -> Floats:
    return np.asarray(np.concatenate([np.zeros(0, np.float32), *lists.to_numpy()]), np.float32)
