"""A batch of users as matrices."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class UserBatch:
    """Users and what is known of them at a cut, by item index.

    Attributes:
        index: Vocabulary indices of the users, (users,).
        events: Positive events, sparse (users, items).
        days_since: Days since the latest of them, stored where `events` is.
        first_days_since: Days since the first of them, likewise.
        touched: Items with any known event, boolean (users, items).
    """

    index: NDArray[np.int32]
    events: sparse.csr_matrix
    days_since: sparse.csr_matrix
    first_days_since: sparse.csr_matrix
    touched: NDArray[np.bool_]

    @classmethod
    def of(cls, rows: pd.DataFrame, items: int) -> "UserBatch":
        """The batch of rows of features.behaviour_sequences; ``items`` is the size of the item vocabulary."""
        lengths = rows["items"].str.len().to_numpy()
        starts = np.concatenate([[0], np.cumsum(lengths)])
        columns = _flat(rows["items"], np.int32)
        shape = (len(rows), items)
        events = sparse.csr_matrix((_flat(rows["events"], np.float32), columns, starts), shape)
        days = sparse.csr_matrix((_flat(rows["days_since"], np.float32), columns, starts), shape)
        first = sparse.csr_matrix((_flat(rows["first_days_since"], np.float32), columns, starts), shape)
        touched = np.zeros(shape, dtype=bool)
        touched[np.repeat(np.arange(len(rows)), rows["touched"].str.len()), _flat(rows["touched"], np.int32)] = True
        return cls(rows["user_index"].to_numpy(np.int32), events, days, first, touched)

    @cached_property
    def bought(self) -> sparse.csr_matrix:
        """1 where there is a positive event."""
        return self._like(np.ones_like(self.events.data))

    def decayed(self, half_life_days: float) -> sparse.csr_matrix:
        """1 for an item of today, half as much for one of ``half_life_days`` ago."""
        return self._like(np.exp2(-self.days_since.data / half_life_days))

    def within(self, days: float) -> sparse.csr_matrix:
        """1 for an item of the last ``days``; stored, as 0, where it is older."""
        return self._like(self.days_since.data <= days)

    def _like(self, data: NDArray[Any]) -> sparse.csr_matrix:
        return sparse.csr_matrix((data.astype(np.float32), self.events.indices, self.events.indptr), self.events.shape)


def _flat(lists: "pd.Series[Any]", dtype: type) -> NDArray[Any]:
    return np.concatenate(lists.to_numpy()).astype(dtype) if len(lists) else np.zeros(0, dtype)
