"""Models of one vector a user and one an item."""

import numpy as np

from sparkrec.recommend.scorers.scorer import Scorer
from sparkrec.recommend.users import Floats, UserBatch


class DotProduct(Scorer):
    """Arrays ``users`` (users, size) and ``items`` (items, size), by vocabulary index."""

    def score(self, users: UserBatch) -> Floats:
        """Dot products of the users' vectors and all items'."""
        return np.asarray(self.arrays["users"][users.index] @ self.arrays["items"].T, np.float32)
