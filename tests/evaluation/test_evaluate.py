from math import log2

import numpy as np
import pandas as pd
import pytest
from pyspark.sql import DataFrame, Row, SparkSession
from scipy import sparse

from sparkrec.evaluation.catalogue import Catalogue
from sparkrec.evaluation.evaluate import evaluated
from sparkrec.evaluation.measure import list_values
from sparkrec.recommend.targets import with_targets
from sparkrec.registry.model_store import CurrentModels

Dense = dict[str, np.ndarray]
Values = dict[tuple[str, str, str, str], float]
BLEND = {"ease": 0.75, "popularity": 0.25}
NO_TITLES = sparse.csr_matrix((24, 1))


def _metrics(listed: list[int], targets: set[int], k: int) -> dict[str, float]:
    places = [place for place, item in enumerate(listed[:k], start=1) if item in targets]
    ideal = sum(1 / log2(place + 1) for place in range(1, min(len(targets), k) + 1))
    return {
        f"ndcg@{k}": sum(1 / log2(place + 1) for place in places) / ideal,
        f"hit_rate@{k}": float(bool(places)),
        f"recall@{k}": len(places) / len(targets),
        f"precision@{k}": len(places) / k,
        f"mrr@{k}": 1 / places[0] if places else 0.0,
        f"map@{k}": sum(n / place for n, place in enumerate(places, start=1)) / min(len(targets), k),
    }


def _expected(shop: Dense, scores: Dense, k: int) -> Values:
    """All figures, user by user, by sorting all items."""
    ranked = {**scores, "blend": sum(weight * scores[name] for name, weight in BLEND.items())}
    values: Values = {}
    for shelf in ("discover", "reorder"):
        for name, of_users in ranked.items():
            for user, row in enumerate(of_users):
                targets = set(np.flatnonzero(shop["targets"][user] & shop["known"]))
                visible = shop["known"].copy()
                if shelf == "discover":
                    targets -= set(np.flatnonzero(shop["bought"][user]))
                    visible &= ~shop["interacted"][user]
                if not targets or (name == "blend" and shelf == "reorder"):
                    continue
                order = sorted(np.flatnonzero(visible), key=lambda item: (-np.float32(row[item]), item))
                for metric, value in _metrics(order, targets, k).items():
                    values[f"u{user:02}", name, shelf, metric] = value
                holders = shop["bought"].sum(axis=0)
                bits = [-log2(holders[item] / holders.sum()) for item in order[:k]]
                values[f"u{user:02}", name, shelf, f"novelty@{k}"] = float(np.mean(bits))
    return values


def _lists(users: DataFrame, current: CurrentModels, k: int) -> DataFrame:
    """Lists of which the first eleven items are the head."""
    blends = {"blend": {"discover": BLEND}}
    return evaluated(users, current, "validation", blends, ["discover", "reorder"], 24, k, np.arange(24) < 11)


def _evaluated(users: DataFrame, current: CurrentModels, k: int) -> Values:
    catalogue = Catalogue.of(current.arrays("popularity", "validation")["scores"], NO_TITLES)
    lists = _lists(users, current, k).toPandas().rename(columns={"user_id": "user_hash"})
    if lists.empty:
        return {}
    table = list_values(lists, catalogue, k)
    values = table[table["segment"] == "all"].set_index(["user_hash", "model", "shelf", "metric"])["value"]
    assert values.index.is_unique
    return values.to_dict()


# With 40 places a list holds all items that may be shown, and the hidden ones must not fill it up.
@pytest.mark.parametrize("k", [3, 10, 40])
def test_figures_are_those_of_a_full_ranking_of_every_user(
    users: DataFrame, current: CurrentModels, shop: Dense, scores: Dense, k: int
) -> None:
    expected = _expected(shop, scores, k)

    found = _evaluated(users, current, k)

    assert found.keys() == expected.keys()
    assert found == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("k", [3, 40])
def test_lists_are_the_best_items_with_their_hits_and_no_others(
    users: DataFrame, current: CurrentModels, shop: Dense, scores: Dense, k: int
) -> None:
    rows = _lists(users, current, k).where("model = 'als' and shelf = 'discover'").toPandas().set_index("user_id")

    targets = shop["targets"] & shop["known"] & ~shop["bought"]
    counted = np.flatnonzero(targets.any(axis=1))
    assert list(rows.sort_index().index) == [f"u{user:02}" for user in counted]
    for user in counted:
        row = rows.loc[f"u{user:02}"]
        visible = np.flatnonzero(shop["known"] & ~shop["interacted"][user])
        order = sorted(visible, key=lambda item: (-np.float32(scores["als"][user, item]), item))[:k]
        padding = [0] * (k - len(order))
        assert list(row["items"]) == [*order, *padding]
        assert list(row["hits"]) == [*targets[user, order], *[False] * len(padding)]
        assert (row["targets"], row["head_targets"]) == (targets[user].sum(), targets[user, :11].sum())


def test_users_whose_targets_are_unknown_or_had_before_do_not_count(users: DataFrame, current: CurrentModels) -> None:
    columns = ("user_id", "segments", "user_index", "items", "events", "days_since", "first_days_since", "interacted")
    columns += ("vector_als",)
    unknown = users.limit(1).selectExpr(*columns, f"array({current.items - 1}) as targets")
    had = users.limit(1).selectExpr(*columns, "slice(items, 1, 1) as targets")

    assert _evaluated(unknown, current, 10) == {}
    assert {shelf for _, _, shelf, _ in _evaluated(had, current, 10)} == {"reorder"}


def test_how_users_are_spread_does_not_change_the_figures(users: DataFrame, current: CurrentModels) -> None:
    assert _evaluated(users.coalesce(1), current, 10) == _evaluated(users, current, 10)


def test_targets_are_the_different_items_of_the_folds_own_window(spark: SparkSession) -> None:
    sequences = spark.createDataFrame([("u1", 2), ("u2", 3), ("u3", 4)], "user_id string, user_index int")
    events = [("u1", 5, 0), ("u1", 3, 0), ("u1", 5, 0), ("u1", 9, 2), ("u2", 7, 1)]
    positives = spark.createDataFrame([*events, ("u9", 3, 0)], "user_id string, item_index int, window int")

    assert with_targets(sequences, positives, 0).collect() == [Row(user_id="u1", user_index=2, targets=[3, 5])]


def test_the_shop_has_all_cases(shop: Dense) -> None:
    targets, known = shop["targets"], shop["known"]
    assert pd.Series(known).value_counts().to_dict() == {True: 21, False: 3}
    assert (targets & ~known).any()
    assert (targets & shop["bought"]).any()
    assert (targets & shop["interacted"] & ~shop["bought"]).any()
