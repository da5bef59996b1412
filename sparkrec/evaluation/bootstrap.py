"""Means over users with bootstrap intervals, and paired tests against what is published, on Spark."""

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from operator import add
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from scipy import sparse

GROUP = ("model", "shelf", "metric", "segment")
_SIDE_BY_SIDE = GROUP[1:]

Floats = NDArray[np.float64]
Measure = Callable[[pd.DataFrame], pd.DataFrame]


def means_with_intervals(
    rows: DataFrame, measure: Measure, published: Mapping[str, str], samples: int, seed: int
) -> DataFrame:
    """Mean of each group with its 95 % percentile interval by the Poisson bootstrap over users.

    Beside it stands by how much it is above the published model's mean, with an interval from the same resamples,
    and the p-value of no difference (two-sided; Davison and Hinkley, "Bootstrap methods and their application",
    1997), corrected for all the models of a shelf, metric and segment (Holm, Scandinavian Journal of Statistics 6,
    1979). Both means are over the same users: what makes a user easy or hard for all models falls out.

    Every user weighs Poisson(1) in each of ``samples`` resamples (Chamandy et al., "Estimating
    uncertainty for massive data streams", Google, 2012). The weights follow from the seed and the user
    alone: models are compared on the same resamples, and the result does not depend on how Spark
    spreads the rows. Executors add up; no user comes to the driver.

    Args:
        rows: What is measured, with its ``user_id``; in one order (`in_one_order`), so that a second run gives the same
            figures to the last digit.
        measure: Gives the values of some of the rows, which have a ``user_hash`` in the place of ``user_id``:
            ``user_hash, value`` and `GROUP`, one row a user and group. On a shelf all models have the same users.
        published: By shelf, the model whose lists are published.
        samples: Resamples.
        seed: Seed of the weights.

    Returns:
        `GROUP`, ``value, low, high, users, difference, difference_low, difference_high, p_value``; the last four are
        null for the published model itself.
    """

    def add_up(batches: Iterable[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        # One row a group and partition, however many batches: a row carries two numbers a resample.
        totals: dict[tuple[Hashable, ...], tuple[Any, ...]] = {}
        for batch in batches:
            values = measure(batch)
            users, place = np.unique(values["user_hash"].to_numpy(), return_inverse=True)
            weights = np.stack([_weights(seed, int(user), samples) for user in users])
            keys = values[list(GROUP)].drop_duplicates()
            where = (values.groupby(list(GROUP), sort=False).ngroup().to_numpy(), place)
            shape = (len(keys), len(users))
            # All groups at once: matrices of groups and users by one of users and resamples.
            valued = sparse.csr_matrix((values["value"].to_numpy(), where), shape)
            there = sparse.csr_matrix((np.ones(len(values)), where), shape)
            sums, counts = np.asarray(valued.sum(axis=1)).ravel(), np.diff(there.indptr)
            parts = zip(valued @ weights, there @ weights, sums, counts, strict=True)
            for key, part in zip(keys.itertuples(index=False, name=None), parts, strict=True):
                totals[key] = tuple(map(add, totals[key], part)) if key in totals else part
        yield pd.DataFrame(
            [(*key, *total) for key, total in totals.items()], columns=[*GROUP, "sums", "weights", "sum", "users"]
        )

    def finish(parts: pd.DataFrame) -> pd.DataFrame:
        shelf, metric, segment = parts[list(_SIDE_BY_SIDE)].iloc[0]
        resampled, rows = {}, []
        for model, of_model in parts.sort_values("place").groupby("model"):
            sums, weights = np.sum(of_model["sums"].to_list(), axis=0), np.sum(of_model["weights"].to_list(), axis=0)
            # A resample without any user says nothing.
            resampled[model] = np.where(weights > 0, sums / np.maximum(weights, 1e-12), np.nan)
            users = of_model["users"].sum()
            value = of_model["sum"].sum() / users
            rows.append((model, shelf, metric, segment, value, *_interval(resampled[model]), users))
        found = pd.DataFrame(rows, columns=[*GROUP, "value", "low", "high", "users"])
        return _with_differences(found, resampled, published[shelf])

    keys = ", ".join(f"{name} string" for name in GROUP)
    partial = (
        rows.withColumn("user_hash", F.xxhash64("user_id"))
        .drop("user_id")
        .mapInPandas(add_up, f"{keys}, sums array<double>, weights array<double>, sum double, users long")
        .withColumn("place", F.monotonically_increasing_id())
    )
    told = "value double, low double, high double, users long, "
    told += "difference double, difference_low double, difference_high double, p_value double"
    return partial.groupBy(*_SIDE_BY_SIDE).applyInPandas(finish, f"{keys}, {told}")


def _with_differences(means: pd.DataFrame, resampled: Mapping[Any, Floats], published: str) -> pd.DataFrame:
    """Add what each model's mean is above the published model's."""
    nothing = (np.nan,) * 4
    told = dict.fromkeys(resampled, nothing)
    if published in resampled:
        mean_of = dict(zip(means["model"], means["value"], strict=True))
        apart = {model: values - resampled[published] for model, values in resampled.items() if model != published}
        p_values = holm({model: _p_value(values) for model, values in apart.items()})
        for model, values in apart.items():
            told[model] = (mean_of[model] - mean_of[published], *_interval(values), p_values[model])
    columns = ["difference", "difference_low", "difference_high", "p_value"]
    return means.assign(**pd.DataFrame([told[model] for model in means["model"]], columns=columns))


def _interval(resampled: Floats) -> tuple[float, float]:
    low, high = np.nanpercentile(resampled, [2.5, 97.5])
    return float(low), float(high)


def _p_value(differences: Floats) -> float:
    """Of no difference, by the share of resamples in which it is on the other side of 0."""
    # Resamples that differ by no more than rounding are alike: they lie on both sides.
    there = np.round(differences[~np.isnan(differences)], 12)
    rarer = min(np.count_nonzero(there <= 0), np.count_nonzero(there >= 0))
    return min(1.0, 2 * (1 + rarer) / (1 + len(there)))


def holm(p_values: Mapping[str, float]) -> dict[str, float]:
    """p-values corrected for their number (Holm, 1979).

    >>> holm({"a": 0.01, "b": 0.04, "c": 0.03})
    {'a': 0.03, 'c': 0.06, 'b': 0.06}
    """
    corrected, largest = {}, 0.0
    for place, name in enumerate(sorted(p_values, key=lambda name: (p_values[name], name))):
        largest = max(largest, min(1.0, (len(p_values) - place) * p_values[name]))
        corrected[name] = largest
    return corrected


def _weights(seed: int, user: int, samples: int) -> NDArray[np.float64]:
    generator = np.random.Generator(np.random.Philox(key=np.array([seed % 2**64, user % 2**64], np.uint64)))
    return generator.poisson(1.0, samples).astype(np.float64)
