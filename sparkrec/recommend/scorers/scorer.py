"""The interface of everything that ranks."""

from abc import ABC, abstractmethod

from sparkrec.lake.files import Arrays
from sparkrec.recommend.users import Floats, UserBatch


class Scorer(ABC):
    """Scores every item for a batch of users.

    A scorer is made from the arrays of its fit alone, so that an executor can load it from the lake.
    """

    def __init__(self, arrays: Arrays) -> None:
        self.arrays = arrays

    @abstractmethod
    def score(self, users: UserBatch) -> Floats:
        """Scores, (users, items): higher ranks first. Items that nobody may be shown are masked by the caller."""
