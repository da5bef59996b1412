"""The ranker as a scorer over other models."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from sparkrec.lake.files import Arrays
from sparkrec.recommend.ranker.booster import Booster, Text
from sparkrec.recommend.ranker.candidates import Candidates, candidates, retrievers
from sparkrec.recommend.ranker.pairs import SCORED_BY, pair_features
from sparkrec.recommend.users import Floats, UserBatch

OVER = tuple(dict.fromkeys((*SCORED_BY, *retrievers("reorder"))))
"""Models that the ranker stands on, as far as they are fitted."""


class Ranker:
    """Arrays ``facts`` (items, facts) of the cut, ``depth`` (candidates of each retriever) and a booster a shelf.

    Unlike a `Scorer` it needs the scores of other models, and ranks each shelf by a booster of its own.
    """

    def __init__(self, arrays: Arrays) -> None:
        self.facts, self.depth = arrays["facts"], int(arrays["depth"])
        self._boosters = {
            name.removeprefix(_BOOSTER): Booster(text) for name, text in arrays.items() if _BOOSTER in name
        }

    @staticmethod
    def arrays(facts: Floats, depth: int, boosters: Mapping[str, Text]) -> Arrays:
        """The arrays of a cut from its item facts and each shelf's booster."""
        texts = {f"{_BOOSTER}{shelf}": text for shelf, text in boosters.items()}
        return {"facts": facts, "depth": np.array(depth), **texts}

    def candidates(self, scores: Mapping[str, Floats], visible: NDArray[np.bool_], shelf: str) -> Candidates:
        """What it orders, with sources."""
        return candidates(scores, visible, shelf, self.depth)

    def score(
        self,
        found: Candidates,
        users: UserBatch,
        scores: Mapping[str, Floats],
        known: NDArray[np.bool_],
        shelf: str,
    ) -> Floats:
        """Scores, (users, items): candidates by the booster, all others below them as popular as they are now.

        Args:
            found: The candidates on the shelf.
            users: The users.
            scores: Of the models in `OVER`, (users, items) by name.
            known: Items that may be shown, (items,).
            shelf: The shelf.
        """
        values = self._boosters[shelf].predict(pair_features(found, users, scores, known, self.facts, shelf))
        lowest = np.full(len(users.index), np.inf, np.float32)
        np.minimum.at(lowest, found.users, values)
        lowest[np.isinf(lowest)] = 0
        popular = scores["recent_popularity"]
        below = popular / (popular.max(axis=1, keepdims=True) + 1) - 1
        ranked = np.asarray(lowest[:, None] + below, np.float32)
        ranked[found.users, found.items] = values
        return ranked


_BOOSTER = "booster_"
