"""Models of one fold in an executor's memory."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property, lru_cache

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pyspark.sql import DataFrame

from sparkrec.recommend.models import model_named
from sparkrec.recommend.pairs import Indices, first_of_each, keys
from sparkrec.recommend.ranker.candidates import Candidates, candidates
from sparkrec.recommend.ranker.features import pair_features
from sparkrec.recommend.ranker.inputs import Read, with_user_features
from sparkrec.recommend.ranker.ranker import LoadedRanker, below_candidates, over
from sparkrec.recommend.ranker.rankers import rankers_named
from sparkrec.recommend.scorers.dot_product import DotProduct
from sparkrec.recommend.scorers.popularity import Popularity
from sparkrec.recommend.scorers.scorer import Best, Scorer, UserScores
from sparkrec.recommend.scorers.sparse_scores import SharedScores
from sparkrec.recommend.users import Floats, UserBatch
from sparkrec.registry.model_store import CurrentModels
from sparkrec.registry.user_vectors import with_user_vectors

Weights = dict[str, float]
"""A blend: weight of each model's standardised scores."""

_USERS_AT_ONCE = 512


def _first_stages(current: CurrentModels, names: Sequence[str]) -> list[str]:
    """Of the models asked for, those that score by themselves, and those that the rankers among them stand on."""
    rankers = rankers_named()
    below = over(current.versions) if {*names} & {*rankers} else ()
    return list(dict.fromkeys([*(name for name in names if name not in rankers), *below]))


def with_model_inputs(
    sequences: DataFrame, current: CurrentModels, fold: str, names: Sequence[str], read: Read
) -> DataFrame:
    """The users of a fold with all that these models and rankers read of them besides.

    Args:
        sequences: features.behaviour_sequences of the fold.
        current: The models.
        fold: The fold.
        names: Models and rankers.
        read: Gives the tables that features of users are in.
    """
    first = _first_stages(current, names)
    vectors = [name for name in first if issubclass(model_named(name).scorer, DotProduct)]
    users = with_user_vectors(sequences, current, fold, vectors)
    return with_user_features(users, read, fold) if {*names} - {*first} else users


class LoadedModels:
    """Scorers of some models at one fold.

    Attributes:
        known: Items that may be shown, (items,).
        items: Size of the item vocabulary.
        below: The models that the rankers stand on, if one is asked for.
        scorers: Of these models, and of those that the rankers stand on, by name.
        rankers: Those that order their candidates, by name, as far as they were asked for.
        seen: Names of the features that any of these sees.
    """

    def __init__(self, current: CurrentModels, fold: str, names: Sequence[str]) -> None:
        self.known: NDArray[np.bool_] = current.known_items(fold)
        self.items = current.items
        self.rankers = {
            name: LoadedRanker(ranker, current.arrays(name, fold))
            for name, ranker in rankers_named().items()
            if name in names
        }
        self.seen = tuple(dict.fromkeys(name for ranker in self.rankers.values() for name in ranker.seen))
        self.below = over(current.versions) if self.rankers else ()
        self.scorers: dict[str, Scorer] = {
            name: model_named(name).scorer(name, current.arrays(name, fold), self.known)
            for name in _first_stages(current, names)
        }

    def batches(self, partitions: Iterable[pd.DataFrame]) -> Iterator[tuple[pd.DataFrame, UserBatch]]:
        """Users in batches of a bounded size."""
        for rows in partitions:
            for start in range(0, len(rows), _USERS_AT_ONCE):
                part = rows.iloc[start : start + _USERS_AT_ONCE]
                yield part, UserBatch.of(part, self.items)

    def scores(self, users: UserBatch) -> "BatchScores":
        """The models' scores for these users."""
        return BatchScores(self, users)

    @cached_property
    def below_candidates(self) -> SharedScores:
        """What a ranker's order goes on with behind its candidates."""
        popular = self.scorers["recent_popularity"]
        assert isinstance(popular, Popularity)
        return below_candidates(popular.shared)


class BatchScores:
    """Scores of loaded models for a batch of users. What the shelves share is computed once.

    Attributes:
        plain: The scorers' own scores by name.
    """

    def __init__(self, models: LoadedModels, users: UserBatch) -> None:
        self._models, self._users = models, users
        self.plain: dict[str, UserScores] = {name: scorer.of(users) for name, scorer in models.scorers.items()}
        self._candidates: dict[str, Candidates] = {}
        self._features: dict[str, Floats] = {}
        self._ranked: dict[tuple[str, str], UserScores] = {}

    def of(self, name: str, shelf: str) -> UserScores:
        """A model's scores on a shelf."""
        if name in self.plain:
            return self.plain[name]
        if (name, shelf) not in self._ranked:
            ranker, found = self._models.rankers[name], self.candidates(shelf)
            names = self._models.seen
            if shelf not in self._features:
                # All rankers order the same candidates, and each sees some of the same features.
                self._features[shelf] = pair_features(found, self._users, self.plain, ranker.of_items, names)
            seen = self._features[shelf][:, [*map(names.index, ranker.seen)]]
            self._ranked[name, shelf] = ranker.scores(found, seen, self._models.below_candidates, self._users, shelf)
        return self._ranked[name, shelf]

    def best(self, name: str, shelf: str, most: int) -> Best:
        """The model's first items that the shelf may show each user."""
        return self.of(name, shelf).best(self._users.hidden(shelf), most)

    def united(self, names: Iterable[str], shelf: str, depth: int) -> tuple[Indices, Indices]:
        """User and item of each pair that stands among some model's first ``depth`` on the shelf, in this order."""
        catalogue = self._models.items
        pairs = [keys(*self.best(name, shelf, depth).pairs[:2], catalogue) for name in names]
        users, items = np.divmod(np.unique(np.concatenate([np.zeros(0, np.int64), *pairs])), catalogue)
        return users, items

    def blended(self, weights: Mapping[str, float], shelf: str, depth: int, most: int) -> Best:
        """The items of the weighted sum of the models' standardised scores that come first on the shelf.

        Args:
            weights: Of the models.
            shelf: The shelf.
            depth: How many of its first items each model names; no others are looked at.
            most: Length of a list.
        """
        users, items = self.united(weights, shelf, max(depth, most))
        parts = [
            np.float32(weight) * self.of(name, shelf).standard(users, items) for name, weight in sorted(weights.items())
        ]
        scores = np.sum(parts, axis=0, dtype=np.float32)
        chosen, rank = first_of_each(users, items, scores, most)
        shape = (len(self._users.index), most)
        return Best.of(users[chosen], items[chosen], rank, scores[chosen], shape)

    def candidates(self, shelf: str) -> Candidates:
        """What the ranker orders on the shelf, with sources.

        Raises:
            ValueError: There is no ranker among the models.
        """
        rankers = self._models.rankers
        if not rankers:
            raise ValueError("there are candidates only where a ranker was loaded")
        if shelf not in self._candidates:
            depth = next(iter(rankers.values())).depth
            self._candidates[shelf] = candidates(
                self.plain, self._users.hidden(shelf), shelf, depth, self._models.items
            )
        return self._candidates[shelf]


@lru_cache(maxsize=1)
def _load(current_json: str, fold: str, names: tuple[str, ...]) -> LoadedModels:
    return LoadedModels(CurrentModels.model_validate_json(current_json), fold, names)


def load_models(current: CurrentModels, fold: str, names: Sequence[str]) -> LoadedModels:
    """The models, read once by each Python worker that stays."""
    return _load(current.model_dump_json(), fold, tuple(names))
