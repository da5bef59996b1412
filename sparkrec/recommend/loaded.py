"""Models of one cut in an executor's memory."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import lru_cache

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sparkrec.recommend.models import SECOND_STAGES, model_named
from sparkrec.recommend.ranker.candidates import Candidates
from sparkrec.recommend.ranker.ranker import Ranker, over
from sparkrec.recommend.ranking import standardised, visible
from sparkrec.recommend.scorers.scorer import Scorer
from sparkrec.recommend.users import Floats, UserBatch
from sparkrec.registry.model_store import CurrentModels

Weights = dict[str, float]
"""A blend: weight of each model's standardised scores."""

_USERS_AT_ONCE = 256
# Scores of a model for users that are looked at together.
_SCORES_AT_ONCE = 4_000_000


class LoadedModels:
    """Scorers of some models at one cut.

    Attributes:
        known: Items that may be shown, (items,).
        items: Size of the item vocabulary.
        names: The models asked for.
        below: The models that the ranker stands on, if it is asked for.
        scorers: Of these models, and of those that the ranker stands on, by name.
        rankers: Those that order their candidates, by name, as far as they were asked for.
    """

    def __init__(self, current: CurrentModels, cut: str, names: Sequence[str]) -> None:
        self.known: NDArray[np.bool_] = current.known_items(cut)
        self.items = current.items
        self.names = tuple(names)
        self.rankers = {name: Ranker(current.arrays(name, cut)) for name in SECOND_STAGES if name in names}
        self.below = over(current.versions) if self.rankers else ()
        wanted = dict.fromkeys([*(name for name in names if name not in SECOND_STAGES), *self.below])
        self.scorers: dict[str, Scorer] = {name: model_named(name).scorer(current.arrays(name, cut)) for name in wanted}

    def batches(self, partitions: Iterable[pd.DataFrame]) -> Iterator[tuple[pd.DataFrame, UserBatch]]:
        """Users in batches small enough that a score matrix a model stays in memory."""
        users = max(1, min(_USERS_AT_ONCE, _SCORES_AT_ONCE // self.items))
        for rows in partitions:
            for start in range(0, len(rows), users):
                part = rows.iloc[start : start + users]
                yield part, UserBatch.of(part, self.items)

    def scores(self, users: UserBatch) -> "BatchScores":
        """The models' scores for these users."""
        return BatchScores(self, users)


class BatchScores:
    """Scores of loaded models for a batch of users. What the shelves share is computed once.

    Attributes:
        plain: The scorers' own scores, (users, items) by name.
    """

    def __init__(self, models: LoadedModels, users: UserBatch) -> None:
        self._models, self._users = models, users
        self.plain: dict[str, Floats] = {name: scorer.score(users) for name, scorer in models.scorers.items()}
        self._standard = {
            name: standardised(self.plain[name], models.known) for name in models.names if name in models.scorers
        }
        self._candidates: dict[str, Candidates] = {}

    def standard(self, shelf: str, names: Collection[str] | None = None) -> dict[str, Floats]:
        """Standardised scores of these models, or of all that were asked for; they rank as the models' own do."""
        models = self._models
        rankers = {name: ranker for name, ranker in models.rankers.items() if names is None or name in names}
        if not rankers:
            return self._standard
        found = self.candidates(shelf)
        # They order the same candidates, and each sees some of the same features.
        features = next(iter(rankers.values())).features(found, self._users, self.plain, models.known, shelf)
        popular = self.plain["recent_popularity"]
        ranked = {name: ranker.score(found, features, popular, shelf) for name, ranker in rankers.items()}
        return self._standard | {name: standardised(scores, models.known) for name, scores in ranked.items()}

    def candidates(self, shelf: str) -> Candidates:
        """What the ranker orders on the shelf, with sources.

        Raises:
            ValueError: There is no ranker among the models.
        """
        models = self._models
        if not models.rankers:
            raise ValueError("there are candidates only where a ranker was loaded")
        if shelf not in self._candidates:
            shows = visible(models.known, self._users.touched, shelf)
            ranker = next(iter(models.rankers.values()))
            self._candidates[shelf] = ranker.candidates(self.plain, shows, shelf)
        return self._candidates[shelf]


def blended(scores: dict[str, Floats], weights: Weights) -> Floats:
    """Weighted sum of models' standardised scores."""
    parts = [np.float32(weight) * scores[name] for name, weight in sorted(weights.items())]
    return np.asarray(np.sum(parts, axis=0, dtype=np.float32))


@lru_cache(maxsize=1)
def _load(current_json: str, cut: str, names: tuple[str, ...]) -> LoadedModels:
    return LoadedModels(CurrentModels.model_validate_json(current_json), cut, names)


def load_models(current: CurrentModels, cut: str, names: Sequence[str]) -> LoadedModels:
    """The models, read once by each Python worker that stays."""
    return _load(current.model_dump_json(), cut, tuple(names))
