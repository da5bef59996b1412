"""The ranker as a scorer over other models."""

from collections.abc import Collection, Mapping

import numpy as np
from numpy.typing import NDArray

from sparkrec.lake.files import Arrays
from sparkrec.recommend.ranker.booster import Booster, Text
from sparkrec.recommend.ranker.candidates import Candidates, candidates, retrievers
from sparkrec.recommend.ranker.network import Network
from sparkrec.recommend.ranker.pairs import columns, pair_features, scored_by
from sparkrec.recommend.ranker.recipes import Recipe
from sparkrec.recommend.users import Floats, UserBatch


def over(fitted: Collection[str]) -> tuple[str, ...]:
    """Models, among the fitted ones, that the ranker stands on."""
    return tuple(dict.fromkeys((*scored_by(fitted), *retrievers("reorder", fitted))))


class Ranker:
    """Arrays ``facts`` (items, facts) of the cut and ``depth`` (candidates of each retriever).

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
        """The arrays of a cut from its item facts and each shelf's booster."""
        places = {shelf: seen(recipe, shelf) for shelf in boosters}
        return _arrays(facts, depth, _BOOSTER, boosters, places)

    @staticmethod
    def network_arrays(facts: Floats, depth: int, networks: Mapping[str, Text]) -> Arrays:
        """The arrays of a cut from its item facts and each shelf's network, which sees all features."""
        places = {shelf: np.arange(len(columns(shelf))) for shelf in networks}
        return _arrays(facts, depth, _NETWORK, networks, places)

    def candidates(self, scores: Mapping[str, Floats], visible: NDArray[np.bool_], shelf: str) -> Candidates:
        """What it orders, with sources."""
        return candidates(scores, visible, shelf, self.depth)

    def features(
        self, found: Candidates, users: UserBatch, scores: Mapping[str, Floats], known: NDArray[np.bool_], shelf: str
    ) -> Floats:
        """`pair_features` of the candidates: all that is seen on any shelf of the cut."""
        return pair_features(found, users, scores, known, self.facts, shelf)

    def score(self, found: Candidates, features: Floats, popular: Floats, shelf: str) -> Floats:
        """Scores, (users, items): candidates by what was learned, all others below them as popular as they are now.

        Args:
            found: The candidates on the shelf.
            features: `features` of these.
            popular: Scores by recent popularity, (users, items).
            shelf: The shelf.
        """
        values = self._learned[shelf].predict(features[:, self._seen[shelf]])
        lowest = np.full(len(popular), np.inf, np.float32)
        np.minimum.at(lowest, found.users, values)
        lowest[np.isinf(lowest)] = 0
        below = popular / (popular.max(axis=1, keepdims=True) + 1) - 1
        ranked = np.asarray(lowest[:, None] + below, np.float32)
        ranked[found.users, found.items] = values
        return ranked


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
