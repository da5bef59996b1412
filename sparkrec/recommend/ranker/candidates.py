"""The first stage: what each retriever puts first, with its source."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sparkrec.recommend.ranking import top_k
from sparkrec.recommend.users import Floats

RETRIEVERS = ("ease_decayed", "ease", "als", "recent_popularity")
"""Models whose first items are candidates; a catalogue too large for some makes do with the others."""

_ON_REORDER = ("own_frequency_decayed",)


def retrievers(shelf: str) -> tuple[str, ...]:
    """The retrievers of a shelf."""
    return RETRIEVERS + _ON_REORDER if shelf == "reorder" else RETRIEVERS


@dataclass(frozen=True)
class Candidates:
    """Pairs of a user and an item that at least one retriever names, by user and item.

    Attributes:
        users: Row of the user in its batch, (pairs,).
        items: Item index, (pairs,).
        places: By retriever: the item's place in its list from 1, NaN where it does not name it, (pairs,).
    """

    users: NDArray[np.int64]
    items: NDArray[np.int64]
    places: dict[str, Floats]

    def where(self, kept: NDArray[np.bool_]) -> "Candidates":
        """Those of the pairs."""
        places = {name: place[kept] for name, place in self.places.items()}
        return Candidates(self.users[kept], self.items[kept], places)


def candidates(scores: Mapping[str, Floats], visible: NDArray[np.bool_], shelf: str, depth: int) -> Candidates:
    """The union of the first ``depth`` items that each retriever can show on the shelf.

    Args:
        scores: By model, (users, items); retrievers that are missing name nothing.
        visible: What may be shown, (users, items).
        shelf: The shelf.
        depth: Items of each retriever.
    """
    places = {}
    for name in retrievers(shelf):
        if name in scores:
            listed = top_k(np.where(visible, scores[name], np.float32(-np.inf)), depth)
            place = np.zeros(visible.shape, np.float32)
            np.put_along_axis(place, listed, np.arange(1, listed.shape[1] + 1, dtype=np.float32)[None, :], axis=1)
            places[name] = np.where(visible & (place > 0), place, np.float32(np.nan))
    named = np.zeros(visible.shape, bool)
    for place in places.values():
        named |= ~np.isnan(place)
    users, items = np.nonzero(named)
    return Candidates(users, items, {name: place[users, items] for name, place in places.items()})
