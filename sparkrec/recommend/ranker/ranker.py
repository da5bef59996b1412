"""The ranker as a scorer over other models."""

from collections.abc import Collection, Mapping

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from sparkrec.lake.files import Arrays
from sparkrec.recommend.ranker.booster import Booster, Text
from sparkrec.recommend.ranker.candidates import Candidates, retrievers
from sparkrec.recommend.ranker.features import columns, scored_by
from sparkrec.recommend.ranker.network import Network
from sparkrec.recommend.ranker.recipes import Recipe
from sparkrec.recommend.scorers.scorer import UserScores
from sparkrec.recommend.scorers.sparse_scores import SharedScores, SparseScores
from sparkrec.recommend.users import Floats, UserBatch


def over(fitted: Collection[str]) -> tuple[str, ...]:
    """Models, among the fitted ones, that the ranker stands on."""
    return tuple(dict.fromkeys((*scored_by(fitted), *retrievers("reorder", fitted))))


class Ranker:
    """Arrays ``facts`` (items, facts) of the fold and ``depth`` (candidates of each retriever).

    For each shelf there are what was learned, trees or a network, and the places of the features that it sees.

    Unlike a `Scorer` it needs the scores of other models, and ranks each shelf by what was learned on it.
    """

    def __init__(self, arrays: Arrays) -> None:
        self.facts, self.depth = arrays["facts"], int(arrays["depth"])
        self._learned: dict[str, Booster | Network] = {
            name.removeprefix(kind): read(text)
            for kind, read in _KINDS.items()
            for name, text in arrays.items()
            if name.startswith(kind)
        }
        self._seen = {shelf: arrays[f"{_SEEN}{shelf}"] for shelf in self._learned}

    @staticmethod
    def arrays(facts: Floats, depth: int, boosters: Mapping[str, Text], recipe: Recipe) -> Arrays:
        """The arrays of a fold from its item facts and each shelf's booster."""
        places = {shelf: seen(recipe, shelf) for shelf in boosters}
        return _arrays(facts, depth, _BOOSTER, boosters, places)

    @staticmethod
    def network_arrays(facts: Floats, depth: int, networks: Mapping[str, Text]) -> Arrays:
        """The arrays of a fold from its item facts and each shelf's network, which sees all features."""
        places = {shelf: np.arange(len(columns(shelf))) for shelf in networks}
        return _arrays(facts, depth, _NETWORK, networks, places)

    def scores(
        self, found: Candidates, features: Floats, below: SharedScores, users: UserBatch, shelf: str
    ) -> UserScores:
        """Scores of the candidates by what was learned; all others below them as popular as they are now.

        Args:
            found: The candidates on the shelf.
            features: `pair_features` of these.
            below: `below_candidates`.
            users: The users.
            shelf: The shelf.
        """
        values = self._learned[shelf].predict(features[:, self._seen[shelf]])
        lowest = np.full(len(users.index), np.inf, np.float32)
        np.minimum.at(lowest, found.users, values)
        lowest[np.isinf(lowest)] = 0
        own = sparse.csr_matrix((values, (found.users, found.items)), users.events.shape)
        return SparseScores(below, own, lowest)


def below_candidates(popular: SharedScores) -> SharedScores:
    """Scores between -1 and 0 that order items by popularity: added to a user's lowest candidate, all are below it."""
    return SharedScores.of((popular.values / (popular.values.max(initial=0) + 1) - 1).astype(np.float32), popular.known)


def seen(recipe: Recipe, shelf: str) -> NDArray[np.int64]:
    """Places, among all features of a shelf, of those that the recipe sees."""
    names = columns(shelf)
    return np.array([names.index(name) for name in recipe.sees(shelf)], np.int64)


def _arrays(
    facts: Floats, depth: int, kind: str, texts: Mapping[str, Text], places: Mapping[str, NDArray[np.int64]]
) -> Arrays:
    named = {f"{kind}{shelf}": text for shelf, text in texts.items()}
    return {
        "facts": facts,
        "depth": np.array(depth),
        **named,
        **{f"{_SEEN}{shelf}": at for shelf, at in places.items()},
    }


_BOOSTER, _NETWORK, _SEEN = "booster_", "network_", "seen_"
_KINDS: dict[str, type[Booster | Network]] = {_BOOSTER: Booster, _NETWORK: Network}
