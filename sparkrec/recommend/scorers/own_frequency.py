"""The user's own frequency: what was bought most often comes first."""

import numpy as np

from sparkrec.lake.files import Arrays
from sparkrec.recommend.scorers.scorer import Scorer
from sparkrec.recommend.users import Floats, UserBatch


class OwnFrequency(Scorer):
    """Array ``order`` (items,), between 0 and 1, which ranks items of the same count; optional ``half_life_days``.

    With a half-life, the count of an item is weighted by the age of its latest event.
    """

    def score(self, users: UserBatch) -> Floats:
        """Events of each user and item, plus far less than one event for the order among equals."""
        counts = users.events
        if "half_life_days" in self.arrays:
            counts = counts.multiply(users.decayed(float(self.arrays["half_life_days"])))
        return np.asarray(counts.todense(), np.float32) + np.float32(1e-3) * self.arrays["order"]


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
