"""The first stage: what each retriever puts first, with its source."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sparkrec.recommend.item_lists import ItemLists
from sparkrec.recommend.pairs import keys
from sparkrec.recommend.scorers.scorer import UserScores
from sparkrec.recommend.users import Floats

RETRIEVERS = ("ease_decayed", "ease", "als", "recent_popularity")
"""Models whose first items are candidates."""

STAND_INS = {"ease_decayed": "recent_neighbours", "ease": "item_knn"}
"""What takes the place of a retriever that a catalogue is too large for."""

_ON_REORDER = ("own_frequency_decayed",)


def retrievers(shelf: str, fitted: Collection[str]) -> tuple[str, ...]:
    """The retrievers of a shelf that are among the fitted models, and who stands in for one that is not."""
    wanted = (*RETRIEVERS, *(_ON_REORDER if shelf == "reorder" else ()))
    at_hand = [name if name in fitted else STAND_INS.get(name, name) for name in wanted]
    return tuple(name for name in at_hand if name in fitted)


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


def candidates(
    scores: Mapping[str, UserScores], hidden: ItemLists, shelf: str, depth: int, catalogue: int
) -> Candidates:
    """The union of the first ``depth`` items that each retriever can show on the shelf.

    Args:
        scores: By model; retrievers that are missing name nothing.
        hidden: What must not be shown to each user.
        shelf: The shelf.
        depth: Items of each retriever.
        catalogue: Size of the item vocabulary.
    """
    pairs, places = {}, {}
    for name in retrievers(shelf, scores):
        users, items, rank = scores[name].best(hidden, depth).pairs
        pairs[name], places[name] = keys(users, items, catalogue), (rank + 1).astype(np.float32)
    union = np.unique(np.concatenate([np.zeros(0, np.int64), *pairs.values()]))
    users, items = np.divmod(union, catalogue)
    told = {name: np.full(len(union), np.nan, np.float32) for name in pairs}
    for name, place in told.items():
        place[np.searchsorted(union, pairs[name])] = places[name]
    return Candidates(users, items, told)
