"""Lists measured together and on Spark, beside the figures of each list by itself."""

from functools import partial

import numpy as np
import pandas as pd
import pytest
from pyspark.sql import SparkSession
from scipy import sparse

from sparkrec.evaluation.bootstrap import GROUP, means_with_intervals
from sparkrec.evaluation.catalogue import Catalogue, list_properties
from sparkrec.evaluation.measure import list_values
from sparkrec.evaluation.metrics import list_metrics

LISTS, ITEMS, K = 60, 20, 5
SEGMENTS = [["country=France", "activity=new"], ["activity=old"], []]
WHOSE = ["user_hash", "model", "shelf"]


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    random = np.random.default_rng(3)
    holders = random.integers(1, 9, ITEMS).astype(np.float32)
    holders[:2] = 0
    titles = random.integers(0, 2, (ITEMS, 6))
    titles[:2] = 0
    return Catalogue.of(holders, sparse.csr_matrix(titles))


@pytest.fixture(scope="module")
def lists(catalogue: Catalogue) -> pd.DataFrame:
    """Lists with the wanted items, most with targets that no list holds."""
    random = np.random.default_rng(4)
    rows = []
    for place in range(LISTS):
        items = random.permutation(np.arange(2, ITEMS))[:K]
        wanted = random.random(ITEMS) < 0.3
        wanted[:2] = False
        wanted[2 + place % (ITEMS - 2)] = True
        if place % 7 == 0:
            items[3:] = 0
        rows.append(
            {
                "user_hash": place // 4,
                "segments": SEGMENTS[place // 4 % 3],
                "model": ("ease", "als")[place % 2],
                "shelf": ("discover", "reorder")[place // 2 % 2],
                "items": items.tolist(),
                "hits": wanted[items].tolist(),
                "targets": int(wanted.sum()),
                "head_targets": int((wanted & catalogue.head).sum()),
                "wanted": wanted,
            }
        )
    return pd.DataFrame(rows)


@pytest.fixture(scope="module")
def found(lists: pd.DataFrame, catalogue: Catalogue) -> pd.Series:
    return list_values(lists, catalogue, K).set_index([*WHOSE, "metric", "segment"])["value"]


def test_metrics_and_properties_are_those_of_each_list_by_itself(
    found: pd.Series, lists: pd.DataFrame, catalogue: Catalogue
) -> None:
    expected = {}
    for row in lists.itertuples():
        values = list_metrics(np.array([row.hits]), np.array([row.targets]), K)
        values |= list_properties(np.array([row.items]), catalogue, K)
        for metric, (value,) in values.items():
            expected[row.user_hash, row.model, row.shelf, metric] = value

    of_all = found.xs("all", level="segment")

    assert len(expected) == 8 * LISTS
    assert of_all.index.is_unique
    assert of_all.to_dict() == pytest.approx(expected, abs=1e-12)


def test_ndcg_is_told_of_each_segment_of_the_user(found: pd.Series, lists: pd.DataFrame) -> None:
    by_user = found[[("=" in segment) and "items" not in segment for segment in found.index.get_level_values(4)]]
    expected = {
        (row.user_hash, row.model, row.shelf, f"ndcg@{K}", segment): found[
            row.user_hash, row.model, row.shelf, f"ndcg@{K}", "all"
        ]
        for row in lists.itertuples()
        for segment in row.segments
    }

    assert by_user.to_dict() == expected


def test_of_head_and_tail_only_their_own_targets_count(
    found: pd.Series, lists: pd.DataFrame, catalogue: Catalogue
) -> None:
    expected = {}
    for row in lists.itertuples():
        for segment, group in (("items=head", catalogue.head), ("items=tail", ~catalogue.head)):
            wanted = row.wanted & group
            if wanted.any():
                ideal = sum(1 / np.log2(place + 2) for place in range(min(K, wanted.sum())))
                gain = sum(1 / np.log2(place + 2) for place, item in enumerate(row.items) if wanted[item])
                expected[row.user_hash, row.model, row.shelf, f"ndcg@{K}", segment] = gain / ideal

    of_items = found[[segment.startswith("items=") for segment in found.index.get_level_values(4)]]

    # Some have no target in the head.
    assert LISTS < len(expected) < 2 * LISTS
    assert of_items.to_dict() == pytest.approx(expected, abs=1e-12)


def test_means_on_spark_are_those_of_the_values(
    spark: SparkSession, found: pd.Series, lists: pd.DataFrame, catalogue: Catalogue
) -> None:
    columns = "user_id string, segments array<string>, model string, shelf string, items array<int>, "
    columns += "hits array<boolean>, targets int, head_targets int"
    rows = lists.drop(columns="wanted").rename(columns={"user_hash": "user_id"}).astype({"user_id": str})
    frame = spark.createDataFrame(rows, columns).repartition(3)

    measure = partial(list_values, catalogue=catalogue, k=K)
    means = means_with_intervals(frame, measure, {"discover": "ease", "reorder": "ease"}, 50, 1).toPandas()

    of_group = found.groupby(list(GROUP))
    means = means.set_index(list(GROUP))
    assert means["value"].to_dict() == pytest.approx(of_group.mean().to_dict(), abs=1e-12)
    assert means["users"].to_dict() == of_group.size().to_dict()
