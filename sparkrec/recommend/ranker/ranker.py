"""The ranker as a scorer over other models."""

from collections.abc import Collection, Mapping

import numpy as np
from numpy.typing import NDArray

from sparkrec.lake.files import Arrays
from sparkrec.recommend.ranker.booster import Booster, Text
from sparkrec.recommend.ranker.candidates import Candidates, candidates, retrievers
from sparkrec.recommend.ranker.pairs import columns, pair_features, scored_by
from sparkrec.recommend.ranker.recipes import Recipe
from sparkrec.recommend.users import Floats, UserBatch


def over(fitted: Collection[str]) -> tuple[str, ...]:
    """Models, among the fitted ones, that the ranker stands on."""
    return tuple(dict.fromkeys((*scored_by(fitted), *retrievers("reorder", fitted))))


class Ranker:
    """Arrays ``facts`` (items, facts) of the cut and ``depth`` (candidates of each retriever).

    For each shelf there are a booster and the places of the features that it sees.

    Unlike a `Scorer` it needs the scores of other models, and ranks each shelf by a booster of its own.
    """

    def __init__(self, arrays: Arrays) -> None:
        self.facts, self.depth = arrays["facts"], int(arrays["depth"])
        self._boosters = {
            name.removeprefix(_BOOSTER): Booster(text) for name, text in arrays.items() if name.startswith(_BOOSTER)
        }
        self._seen = {shelf: arrays[f"{_SEEN}{shelf}"] for shelf in self._boosters}

    @staticmethod
    def arrays(facts: Floats, depth: int, boosters: Mapping[str, Text], recipe: Recipe) -> Arrays:
        """The arrays of a cut from its item facts and each shelf's booster."""
        texts = {f"{_BOOSTER}{shelf}": text for shelf, text in boosters.items()}
        places = {f"{_SEEN}{shelf}": seen(recipe, shelf) for shelf in boosters}
        return {"facts": facts, "depth": np.array(depth), **texts, **places}

    def candidates(self, scores: Mapping[str, Floats], visible: NDArray[np.bool_], shelf: str) -> Candidates:
        """What it orders, with sources."""
        return candidates(scores, visible, shelf, self.depth)

    def features(
        self, found: Candidates, users: UserBatch, scores: Mapping[str, Floats], known: NDArray[np.bool_], shelf: str
    ) -> Floats:
        """`pair_features` of the candidates: all that any booster of the cut may see."""
        return pair_features(found, users, scores, known, self.facts, shelf)

    def score(self, found: Candidates, features: Floats, popular: Floats, shelf: str) -> Floats:
        """Scores, (users, items): candidates by the booster, all others below them as popular as they are now.

        Args:
            found: The candidates on the shelf.
            features: `features` of these.
            popular: Scores by recent popularity, (users, items).
            shelf: The shelf.
        """
        values = self._boosters[shelf].predict(features[:, self._seen[shelf]])
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


_BOOSTER, _SEEN = "booster_", "seen_"
