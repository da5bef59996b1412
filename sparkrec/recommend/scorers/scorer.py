"""The interface of everything that ranks."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyspark.sql import DataFrame

from sparkrec.lake import files
from sparkrec.lake.files import Arrays
from sparkrec.lake.model_tables import ARRAYS, ITEMS, USERS
from sparkrec.recommend.item_lists import ItemLists
from sparkrec.recommend.pairs import Indices
from sparkrec.recommend.users import Floats, UserBatch

_MIN_DEVIATION = 1e-9


@dataclass(frozen=True)
class Best:
    """The best items of each user.

    Attributes:
        items: Highest score first, ties by the lower item, (users, most); -1 behind the last.
        scores: Their scores, (users, most); -inf behind the last.
    """

    items: NDArray[np.int32]
    scores: Floats

    @property
    def pairs(self) -> tuple[Indices, Indices, Indices]:
        """User, item and rank from 0 of each, by user and rank."""
        users, rank = np.nonzero(self.items >= 0)
        return users, self.items[users, rank].astype(np.int64), rank

    @classmethod
    def of(cls, users: Indices, items: Indices, rank: Indices, scores: Floats, shape: tuple[int, int]) -> "Best":
        """Of pairs with their ranks; ``shape`` is (users, most)."""
        listed, values = np.full(shape, -1, np.int32), np.full(shape, -np.inf, np.float32)
        listed[users, rank], values[users, rank] = items, scores
        return cls(listed, values)


@dataclass(frozen=True)
class Fitted:
    """What a fit gives.

    Attributes:
        arrays: Small parameters that a `Scorer` is made from, such as a number an item.
        users: Vectors of users, ``user_index`` and ``vector``; None where a model has none.
        items: What a `Scorer` holds of each item besides: ``item_index`` and ``vector``, or the items that it has
            weights to (`sparkrec.lake.model_tables.NEIGHBOURS`); None where that is nothing.
    """

    arrays: Arrays
    users: DataFrame | None = None
    items: DataFrame | None = None

    def write(self, folder: str) -> None:
        """Write it; `is_written` from then on."""
        for table, rows in ((USERS, self.users), (ITEMS, self.items)):
            if rows is not None:
                rows.write.mode("overwrite").parquet(f"{folder}/{table}")
        files.write_arrays(f"{folder}/{ARRAYS}", self.arrays)

    @staticmethod
    def is_written(folder: str) -> bool:
        """Whether the folder holds all of what a fit gave."""
        return files.exists(f"{folder}/{ARRAYS}")


class UserScores(ABC):
    """What a model thinks of every known item for a batch of users; never held as a matrix of users and items."""

    @property
    @abstractmethod
    def moments(self) -> tuple[NDArray[Any], NDArray[Any]]:
        """Mean and deviation of each user's scores over all known items, (users,) each."""

    @abstractmethod
    def at(self, users: Indices, items: Indices) -> Floats:
        """Scores of some pairs of a row of the batch and a known item, (pairs,)."""

    @abstractmethod
    def best(self, hidden: ItemLists, most: int) -> Best:
        """The known items with each user's highest scores, without those that are hidden from the user."""

    def standard(self, users: Indices, items: Indices) -> Floats:
        """`at`, with mean 0 and deviation 1 over all known items of the user, so that scores of models add up."""
        mean, deviation = self.moments
        values = (self.at(users, items) - mean[users]) / np.maximum(deviation[users], _MIN_DEVIATION)
        return np.asarray(values, np.float32)


class Scorer(ABC):
    """Scores items for users. It is made from the arrays of its fit alone, so that an executor can load it.

    Args:
        name: The model's.
        arrays: What its fit gave.
        known: Items that may be recommended, (items,).
    """

    def __init__(self, name: str, arrays: Arrays, known: NDArray[np.bool_]) -> None:
        self.name, self.arrays, self.known = name, arrays, known

    @abstractmethod
    def of(self, users: UserBatch) -> UserScores:
        """Scores for these users: higher ranks first."""
