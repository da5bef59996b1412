"""features.ranking_samples in memory, as rankers learn from them."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray
from pyspark.sql import DataFrame

from sparkrec.lake.by_files import collected
from sparkrec.recommend.users import Floats


@dataclass(frozen=True)
class Samples:
    """Candidates of past users on one shelf, and what became of them.

    Attributes:
        names: Names of the features.
        features: NaN where there is nothing to tell, (pairs, names).
        relevant: Whether the user took the item in the window, (pairs,).
        windows: The window of each pair, (pairs,).
        sizes: Pairs of each user and window, which lie side by side, (users,).
    """

    names: tuple[str, ...]
    features: Floats
    relevant: NDArray[np.bool_]
    windows: NDArray[np.int32]
    sizes: NDArray[np.int64]

    @classmethod
    def read(cls, rows: DataFrame, shelf: str, names: Sequence[str], scratch: str) -> Self:
        """Those of a shelf, by window, user and item.

        Args:
            rows: features.ranking_samples.
            shelf: The shelf.
            names: Features that are wanted.
            scratch: Folder for files that are gone afterwards.
        """
        key = ["window", "user_index", "item_index"]
        table = collected(rows.where(rows["shelf"] == shelf).select(*key, "label", *names), scratch)
        table = table.sort_by([(name, "ascending") for name in key])
        features = np.empty((len(table), len(names)), np.float32)
        for place, name in enumerate(names):
            features[:, place] = table[name].to_numpy()
        windows, users = (table[name].to_numpy() for name in key[:2])
        return cls(tuple(names), features, table["label"].to_numpy() > 0, windows, _sizes(windows, users))

    def of(self, windows: Collection[int]) -> "Samples":
        """Those of some windows."""
        kept = np.isin(self.windows, [*windows])
        first = np.cumsum(self.sizes) - self.sizes
        sizes = self.sizes[kept[first]]
        return Samples(self.names, self.features[kept], self.relevant[kept], self.windows[kept], sizes)

    def seen(self, names: Sequence[str]) -> Floats:
        """Some of the features, (pairs, names)."""
        return self.features if tuple(names) == self.names else self.features[:, [*map(self.names.index, names)]]


def _sizes(windows: NDArray[np.int32], users: NDArray[np.int32]) -> NDArray[np.int64]:
    """Lengths of the runs of one window and user."""
    begins = np.flatnonzero((np.diff(windows, prepend=-1) != 0) | (np.diff(users, prepend=-1) != 0))
    return np.diff(begins, append=len(users)).astype(np.int64)
