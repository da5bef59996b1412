import numpy as np
import pandas as pd
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from sparkrec.recommend.targets import bounded, targets_of
from sparkrec.recommend.users import UserBatch


def test_bounded_takes_the_same_users_in_the_same_order_however_they_are_spread(spark: SparkSession) -> None:
    users = spark.range(100).select(F.concat(F.lit("u"), "id").alias("user_id"))

    def taken(parts: int, seed: int) -> list[str]:
        return [row.user_id for row in bounded(users.repartition(parts), 40, seed).collect()]

    assert len(set(taken(1, 5))) == 40
    assert taken(1, 5) == taken(7, 5)
    assert set(taken(1, 5)) != set(taken(1, 6))


def test_bounded_keeps_all_of_fewer_users_in_several_tasks(spark: SparkSession) -> None:
    users = spark.range(100).select(F.concat(F.lit("u"), "id").alias("user_id"))

    few = bounded(users, 1_000, 5)

    assert few.count() == 100
    assert few.rdd.getNumPartitions() > 1


def test_targets_are_known_and_on_discover_new_to_the_user() -> None:
    has, nothing = [np.array([1, 3]), np.array([2])], [np.array([0.0, 0.0]), np.array([0.0])]
    rows = pd.DataFrame({"user_index": [4, 2], "items": has, "events": nothing, "days_since": nothing})
    rows = rows.assign(first_days_since=nothing, interacted=has, targets=[np.array([1, 2, 4]), np.array([3])])
    users, known = UserBatch.of(rows, 5), np.array([False, True, True, True, False])

    reorder, discover = (targets_of(rows, users, known, shelf) for shelf in ("reorder", "discover"))

    assert (reorder.starts.tolist(), reorder.items.tolist()) == ([0, 2, 3], [1, 2, 3])
    assert (discover.starts.tolist(), discover.items.tolist()) == ([0, 1, 2], [2, 3])
