"""Models of one cut in an executor's memory."""

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sparkrec.recommend.models import model_named
from sparkrec.recommend.ranking import standardised
from sparkrec.recommend.scorers.scorer import Scorer
from sparkrec.recommend.users import Floats, UserBatch
from sparkrec.registry.model_store import CurrentModels

Weights = dict[str, float]
"""A blend: weight of each model's standardised scores."""

_USERS_AT_ONCE = 256


class LoadedModels:
    """Scorers of some models at one cut.

    Attributes:
        known: Items that may be shown, (items,).
        items: Size of the item vocabulary.
    """

    def __init__(self, current: CurrentModels, cut: str, names: Sequence[str]) -> None:
        self.known: NDArray[np.bool_] = current.known_items(cut)
        self.items = current.items
        self.scorers: dict[str, Scorer] = {name: model_named(name).scorer(current.arrays(name, cut)) for name in names}

    def batches(self, partitions: Iterable[pd.DataFrame]) -> Iterator[tuple[pd.DataFrame, UserBatch]]:
        """Users in batches small enough that a score matrix a model stays in memory."""
        for rows in partitions:
            for start in range(0, len(rows), _USERS_AT_ONCE):
                part = rows.iloc[start : start + _USERS_AT_ONCE]
                yield part, UserBatch.of(part, self.items)

    def standard_scores(self, users: UserBatch) -> dict[str, Floats]:
        """Standardised scores of each model; they rank as the model's own scores do."""
        return {name: standardised(scorer.score(users), self.known) for name, scorer in self.scorers.items()}


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
