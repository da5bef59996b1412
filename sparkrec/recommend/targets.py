"""What each user came to have after a fold."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from sparkrec.lake.order import in_one_order
from sparkrec.recommend.item_lists import ItemLists
from sparkrec.recommend.users import UserBatch

_TASKS = 8


def with_targets(sequences: DataFrame, positives: DataFrame, window: int) -> DataFrame:
    """Users of a fold who have events in its target window, with those events' items in ``targets``."""
    held_out = positives.where(F.col("window") == window)
    targets = held_out.groupBy("user_id").agg(F.array_sort(F.collect_set("item_index")).alias("targets"))
    return sequences.join(targets, "user_id", "inner")


def bounded(users: DataFrame, most: int, seed: int) -> DataFrame:
    """The users, or always the same ``most`` of them where there are more, in an order that is always the same.

    They are so few that Spark would score them in one task; it gets `_TASKS`.
    """
    return in_one_order(users.orderBy(F.xxhash64(F.lit(seed), "user_id")).limit(most), _TASKS, "user_id")


def targets_of(rows: pd.DataFrame, users: UserBatch, known: NDArray[np.bool_], shelf: str) -> ItemLists:
    """Items that each user should be shown on the shelf: known ones, and on discover none that the user has."""
    targets = ItemLists.of_pandas(rows["targets"])
    kept = known[targets.items]
    if shelf == "discover":
        kept &= ~users.owned.holds(targets.owners, targets.items, len(known))
    return targets.where(kept)
