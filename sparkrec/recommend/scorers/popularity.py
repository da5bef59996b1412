"""Popularity: one score an item, the same for everybody."""

from functools import cached_property

import numpy as np
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from sparkrec.recommend.scorers.scorer import Scorer, UserScores
from sparkrec.recommend.scorers.sparse_scores import SharedScores, SparseScores, nothing_own
from sparkrec.recommend.users import Floats, UserBatch


def buyers_per_item(known: DataFrame, items: int, days: int | None = None) -> Floats:
    """Different users of each item, (items,); of the last ``days`` before the last known event, if given."""
    if days is not None:
        last = known.agg(F.max("event_time").alias("_last"))
        start = F.col("_last") - F.make_dt_interval(F.lit(days))
        known = known.crossJoin(F.broadcast(last)).where(F.col("event_time") >= start)
    counted = known.groupBy("item_index").agg(F.count_distinct("user_index").alias("buyers")).toPandas()
    scores = np.zeros(items, np.float32)
    scores[counted["item_index"].to_numpy()] = counted["buyers"].to_numpy()
    return scores


class Popularity(Scorer):
    """Array ``scores`` (items,)."""

    @cached_property
    def shared(self) -> SharedScores:
        """The items' scores."""
        return SharedScores.of(self.arrays["scores"].astype(np.float32), self.known)

    def of(self, users: UserBatch) -> UserScores:
        """The items' scores for each user."""
        return SparseScores(self.shared, nothing_own(len(users.index), len(self.known)))
