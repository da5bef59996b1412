import numpy as np
import pytest
from pyspark.sql import SparkSession

from sparkrec.evaluation.exposure import exposure_metrics

KNOWN, K = 12, 4


def _gini(times: np.ndarray) -> float:
    """Half of the mean difference of two items, relative to the mean."""
    return float(np.abs(times[:, None] - times[None, :]).mean() / (2 * times.mean()))


def test_figures_are_those_of_all_known_items(spark: SparkSession) -> None:
    random = np.random.default_rng(5)
    lists = {
        # Of all items, few, one and the same ones, and some that are short.
        ("random", "discover"): [random.permutation(KNOWN)[:K] + 2 for _ in range(20)],
        ("few", "discover"): [random.permutation(5)[:K] + 2 for _ in range(20)],
        ("same", "discover"): [np.arange(K) + 2] * 7,
        ("random", "reorder"): [random.permutation(KNOWN)[: 1 + place % K] + 2 for place in range(9)],
        ("even", "reorder"): [np.arange(start, start + K) + 2 for start in (0, 4, 8)],
        ("empty", "reorder"): [np.zeros(0, int)] * 3,
    }
    rows = [
        (model, shelf, [*map(int, listed), *[0] * (K - len(listed))])
        for (model, shelf), all_lists in lists.items()
        for listed in all_lists
    ]
    frame = spark.createDataFrame(rows, "model string, shelf string, items array<int>").repartition(3)

    table = exposure_metrics(frame, KNOWN, K).toPandas()

    found = table.set_index(["model", "shelf", "metric"])
    assert set(found["segment"]) == {"all"}
    assert set(found.index) == {
        (*key, f"{of}@{K}") for key in lists if key[0] != "empty" for of in ("coverage", "gini")
    }
    for model, shelf, _ in found.index:
        all_lists = lists[model, shelf]
        times = np.bincount(np.concatenate(all_lists), minlength=KNOWN + 2)[2:]
        coverage, gini = (found.loc[(model, shelf, f"{of}@{K}")] for of in ("coverage", "gini"))
        assert coverage["value"] == pytest.approx((times > 0).mean(), abs=1e-12)
        assert gini["value"] == pytest.approx(_gini(times), abs=1e-12)
        assert (coverage["users"], gini["users"]) == (len(all_lists), len(all_lists))
    assert found.loc[("even", "reorder", f"gini@{K}"), "value"] == pytest.approx(0, abs=1e-12)
