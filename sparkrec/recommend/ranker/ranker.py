"""A ranker of one fold in memory, as scores over other models'."""

from collections.abc import Collection, Mapping, Sequence

import numpy as np
from scipy import sparse

from sparkrec.lake.files import Arrays
from sparkrec.recommend.ranker.booster import Text
from sparkrec.recommend.ranker.candidates import Candidates, retrievers
from sparkrec.recommend.ranker.features import scored_by
from sparkrec.recommend.ranker.inputs import ItemFeatures
from sparkrec.recommend.ranker.rankers import Ranker
from sparkrec.recommend.scorers.scorer import UserScores
from sparkrec.recommend.scorers.sparse_scores import SharedScores, SparseScores
from sparkrec.recommend.users import Floats, UserBatch

_LEARNED = "learned_"


def over(fitted: Collection[str]) -> tuple[str, ...]:
    """Models, among the fitted ones, that the rankers stand on."""
    return tuple(dict.fromkeys((*scored_by(fitted), *retrievers("reorder", fitted))))


def ranker_arrays(of_items: ItemFeatures, depth: int, learned: Mapping[str, Text], seen: Sequence[str]) -> Arrays:
    """What a fold keeps of a ranker.

    Args:
        of_items: Features of items at the fold.
        depth: Candidates of each retriever.
        learned: By shelf, what its fit gave.
        seen: Names of the features that it sees.
    """
    return {
        "item_features": of_items.values,
        "item_feature_names": np.array(of_items.names),
        "depth": np.array(depth),
        "seen": np.array(seen),
        **{f"{_LEARNED}{shelf}": text for shelf, text in learned.items()},
    }


class LoadedRanker:
    """A ranker of one fold, made from its `ranker_arrays`.

    Unlike a `Scorer` it needs the scores of other models, and ranks each shelf by what was learned on it.

    Attributes:
        of_items: Features of items at the fold.
        depth: Candidates of each retriever.
        seen: Names of the features that it sees.
    """

    def __init__(self, ranker: Ranker, arrays: Arrays) -> None:
        names = tuple(arrays["item_feature_names"].tolist())
        self.of_items = ItemFeatures(names, arrays["item_features"])
        self.depth, self.seen = int(arrays["depth"]), tuple(arrays["seen"].tolist())
        self._learned = {
            name.removeprefix(_LEARNED): ranker.load(text) for name, text in arrays.items() if name.startswith(_LEARNED)
        }

    def scores(
        self, found: Candidates, features: Floats, below: SharedScores, users: UserBatch, shelf: str
    ) -> UserScores:
        """Scores of the candidates by what was learned; all others below them as popular as they are now.

        Args:
            found: The candidates on the shelf.
            features: `pair_features` of these, of the names in ``seen``.
            below: `below_candidates`.
            users: The users.
            shelf: The shelf.
        """
        values = self._learned[shelf].predict(features)
        lowest = np.full(len(users.index), np.inf, np.float32)
        np.minimum.at(lowest, found.users, values)
        lowest[np.isinf(lowest)] = 0
        own = sparse.csr_matrix((values, (found.users, found.items)), users.events.shape)
        return SparseScores(below, own, lowest)


def below_candidates(popular: SharedScores) -> SharedScores:
    """Scores between -1 and 0 that order items by popularity: added to a user's lowest candidate, all are below it."""
    return SharedScores.of((popular.values / (popular.values.max(initial=0) + 1) - 1).astype(np.float32), popular.known)
