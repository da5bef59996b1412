"""Features of items and users at a fold, from the tables that own them, as a ranker takes them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from sparkrec.contracts.features import ranking_tables
from sparkrec.lake.by_files import collected
from sparkrec.recommend.users import Floats, feature_column

Read = Callable[[str], DataFrame]
"""Gives a table by name."""


@dataclass(frozen=True)
class ItemFeatures:
    """What is known of each item at a fold.

    Attributes:
        names: Names of the features.
        values: NaN where there is nothing to tell, (items, names).
    """

    names: tuple[str, ...]
    values: Floats

    def column(self, name: str) -> Floats:
        """One feature, (items,); NaN throughout where it is not among them."""
        if name not in self.names:
            return np.full(len(self.values), np.nan, np.float32)
        return self.values[:, self.names.index(name)]


def item_features(read: Read, at: Sequence[str], items: int, scratch: str) -> dict[str, ItemFeatures]:
    """All features of items that rankers see, by fold.

    Args:
        read: Gives the tables.
        at: The folds.
        items: Size of the item vocabulary.
        scratch: Folder for files that are gone afterwards.
    """
    tables = ranking_tables("item")
    names = tuple(name for columns in tables.values() for name in columns)
    values = {fold: np.full((items, len(names)), np.nan, np.float32) for fold in at}
    place = 0
    for table, columns in tables.items():
        numbers = [F.col(name).cast("float") for name in columns]
        rows = read(table).where(F.col("fold").isin(list(at))).select("fold", "item_index", *numbers)
        found = collected(rows, scratch).to_pandas()
        for fold, of_fold in found.groupby("fold"):
            values[str(fold)][of_fold["item_index"], place : place + len(columns)] = of_fold[list(columns)]
        place += len(columns)
    return {fold: ItemFeatures(names, told) for fold, told in values.items()}


def with_user_features(users: DataFrame, read: Read, fold: str) -> DataFrame:
    """The users with a column for each feature of users that rankers see (`feature_column`).

    Args:
        users: At least ``user_index``.
        read: Gives the tables.
        fold: The fold.
    """
    further = [
        read(table)
        .where(F.col("fold") == fold)
        .select("user_index", *[F.col(name).cast("float").alias(feature_column(name)) for name in columns])
        for table, columns in ranking_tables("user").items()
    ]
    return reduce(lambda known, more: known.join(more, "user_index", "left"), further, users)
