"""The user's own frequency: what was bought most often comes first."""

import numpy as np

from sparkrec.recommend.scorers.scorer import Scorer
from sparkrec.recommend.users import Floats, UserBatch


class OwnFrequency(Scorer):
    """Array ``scores`` (items,): popularity, which breaks ties; optional ``half_life_days``.

    With a half-life, the count of an item is weighted by the age of its latest event.
    """

    def score(self, users: UserBatch) -> Floats:
        """Events of each user and item, plus a popularity below one event."""
        popularity = self.arrays["scores"].astype(np.float32)
        counts = users.events
        if "half_life_days" in self.arrays:
            counts = counts.multiply(users.decayed(float(self.arrays["half_life_days"])))
        return np.asarray(counts.todense(), np.float32) + 1e-3 * popularity / (popularity.max() + 1)
