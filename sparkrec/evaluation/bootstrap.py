"""Means over users with bootstrap intervals, on Spark."""

from collections.abc import Hashable, Iterable, Iterator
from operator import add
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from sparkrec.lake.order import in_one_order

GROUP = ("model", "shelf", "metric", "segment")


def means_with_intervals(values: DataFrame, samples: int, seed: int) -> DataFrame:
    """Mean of each group with its 95 % percentile interval by the Poisson bootstrap over users.

    Every user weighs Poisson(1) in each of ``samples`` resamples (Chamandy et al., "Estimating
    uncertainty for massive data streams", Google, 2012). The weights follow from the seed and the user
    alone: models are compared on the same resamples, and the result does not depend on how Spark
    spreads the rows. Executors add up; no user comes to the driver.

    Args:
        values: ``user_id, value`` and `GROUP`, one row a user and group.
        samples: Resamples.
        seed: Seed of the weights.

    Returns:
        `GROUP`, ``value, low, high, users``.
    """

    def add_up(batches: Iterable[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        # One row a group and partition, however many batches: a row carries two numbers a resample.
        totals: dict[tuple[Hashable, ...], tuple[Any, ...]] = {}
        for rows in batches:
            users, place = np.unique(rows["user_hash"].to_numpy(), return_inverse=True)
            weights = np.stack([_weights(seed, int(user), samples) for user in users])
            for key, group in rows.assign(place=place).groupby(list(GROUP), sort=False):
                weight = weights[group["place"].to_numpy()]
                value = group["value"].to_numpy()
                part = (value @ weight, weight.sum(axis=0), value.sum(), len(value))
                totals[key] = tuple(map(add, totals[key], part)) if key in totals else part
        yield pd.DataFrame(
            [(*key, *total) for key, total in totals.items()], columns=[*GROUP, "sums", "weights", "sum", "users"]
        )

    def finish(parts: pd.DataFrame) -> pd.DataFrame:
        parts = parts.sort_values("place")
        sums, weights = np.sum(parts["sums"].to_list(), axis=0), np.sum(parts["weights"].to_list(), axis=0)
        means = sums / np.maximum(weights, 1e-12)
        low, high = np.percentile(means[weights > 0], [2.5, 97.5])
        users = parts["users"].sum()
        summed = parts[list(GROUP)].iloc[:1].assign(value=parts["sum"].sum() / users, low=low, high=high, users=users)
        return summed.reset_index(drop=True)

    keys = ", ".join(f"{name} string" for name in GROUP)
    hashed = values.select(*GROUP, "value", F.xxhash64("user_id").alias("user_hash"))
    # Added up in one order, so that a second run gives the same figures to the last digit; each user's values lie side
    # by side, so that its weights are drawn once.
    parts = int(values.sparkSession.conf.get("spark.sql.shuffle.partitions") or 1)
    partial = (
        in_one_order(hashed, parts, "user_hash", *GROUP)
        .mapInPandas(add_up, f"{keys}, sums array<double>, weights array<double>, sum double, users long")
        .withColumn("place", F.monotonically_increasing_id())
    )
    return partial.groupBy(*GROUP).applyInPandas(finish, f"{keys}, value double, low double, high double, users long")


def _weights(seed: int, user: int, samples: int) -> NDArray[np.float64]:
    generator = np.random.Generator(np.random.Philox(key=np.array([seed % 2**64, user % 2**64], np.uint64)))
    return generator.poisson(1.0, samples).astype(np.float64)
