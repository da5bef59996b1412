"""The user's own frequency: what was bought most often comes first."""

from functools import cached_property

import numpy as np
from scipy import sparse

from sparkrec.lake.files import Arrays
from sparkrec.recommend.scorers.scorer import Scorer, UserScores
from sparkrec.recommend.scorers.sparse_scores import SharedScores, SparseScores
from sparkrec.recommend.users import Floats, UserBatch

_LESS_THAN_AN_EVENT = np.float32(1e-3)


class OwnFrequency(Scorer):
    """Array ``order`` (items,), between 0 and 1, which ranks items of the same count; optional ``half_life_days``.

    With a half-life, the count of an item is weighted by the age of its latest event.
    """

    @cached_property
    def _shared(self) -> SharedScores:
        return SharedScores.of(_LESS_THAN_AN_EVENT * self.arrays["order"].astype(np.float32), self.known)

    def of(self, users: UserBatch) -> UserScores:
        """Events of each user and item, plus far less than one event for the order among equals."""
        counts = users.events.data
        if "half_life_days" in self.arrays:
            counts = counts * users.decayed(float(self.arrays["half_life_days"])).data
        scores = (counts + self._shared.values[users.events.indices]).astype(np.float32)
        own = sparse.csr_matrix((scores, users.events.indices, users.events.indptr), users.events.shape)
        return SparseScores(self._shared, own)


def fit(buyers: Floats) -> Arrays:
    """The plain baseline: nothing but the user's counts speaks, so equals stand in an arbitrary, fixed order.

    Args:
        buyers: Different users of each item, (items,).
    """
    return {"order": np.random.default_rng(0).random(len(buyers), np.float32)}


def fit_decayed(buyers: Floats, half_life_days: float) -> Arrays:
    """Counts that fade, equals ordered by popularity.

    Args:
        buyers: Different users of each item, (items,).
        half_life_days: Age at which a count is worth half.
    """
    return {"order": buyers / (buyers.max() + 1), "half_life_days": np.array(half_life_days)}
