from math import log2

import numpy as np
import pandas as pd
import pytest
from pyspark.sql import DataFrame, Row, SparkSession

from sparkrec.evaluation.judge import judged
from sparkrec.recommend.targets import with_targets
from sparkrec.registry.model_store import CurrentModels

Dense = dict[str, np.ndarray]
Values = dict[tuple[str, str, str, str], float]
BLEND = {"ease": 0.75, "popularity": 0.25}


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
                    visible &= ~shop["touched"][user]
                if not targets or (name == "blend" and shelf == "reorder"):
                    continue
                order = sorted(np.flatnonzero(visible), key=lambda item: (-np.float32(row[item]), item))
                for metric, value in _metrics(order, targets, k).items():
                    values[f"u{user:02}", name, shelf, metric] = value
    return values


def _found(rows: DataFrame) -> Values:
    table = rows.toPandas()
    values = table.set_index(["user_id", "model", "shelf", "metric"])["value"]
    assert values.index.is_unique
    return values.to_dict()


def _judged(users: DataFrame, current: CurrentModels, k: int) -> Values:
    blends = {"blend": {"discover": BLEND}}
    return _found(judged(users, current, "validation", blends, ["discover", "reorder"], k))


# With 40 places a list holds all items that may be shown, and the hidden ones must not fill it up.
@pytest.mark.parametrize("k", [3, 10, 40])
def test_figures_are_those_of_a_full_ranking_of_every_user(
    users: DataFrame, current: CurrentModels, shop: Dense, scores: Dense, k: int
) -> None:
    expected = _expected(shop, scores, k)

    found = _judged(users, current, k)

    assert found.keys() == expected.keys()
    assert found == pytest.approx(expected, abs=1e-12)


def test_users_whose_targets_are_unknown_or_had_before_do_not_count(users: DataFrame, current: CurrentModels) -> None:
    columns = ("user_id", "user_index", "items", "events", "days_since", "first_days_since", "touched")
    unknown = users.limit(1).selectExpr(*columns, f"array({current.items - 1}) as targets")
    had = users.limit(1).selectExpr(*columns, "slice(items, 1, 1) as targets")

    assert _judged(unknown, current, 10) == {}
    assert {shelf for _, _, shelf, _ in _judged(had, current, 10)} == {"reorder"}


def test_how_users_are_spread_does_not_change_the_figures(users: DataFrame, current: CurrentModels) -> None:
    assert _judged(users.coalesce(1), current, 10) == _judged(users, current, 10)


def test_targets_are_the_different_items_of_the_cuts_own_window(spark: SparkSession) -> None:
    sequences = spark.createDataFrame([("u1", 2), ("u2", 3), ("u3", 4)], "user_id string, user_index int")
    events = [("u1", 5, 0), ("u1", 3, 0), ("u1", 5, 0), ("u1", 9, 2), ("u2", 7, 1)]
    positives = spark.createDataFrame([*events, ("u9", 3, 0)], "user_id string, item_index int, window int")

    assert with_targets(sequences, positives, 0).collect() == [Row(user_id="u1", user_index=2, targets=[3, 5])]


def test_the_shop_has_all_cases(shop: Dense) -> None:
    targets, known = shop["targets"], shop["known"]
    assert pd.Series(known).value_counts().to_dict() == {True: 21, False: 3}
    assert (targets & ~known).any()
    assert (targets & shop["bought"]).any()
    assert (targets & shop["touched"] & ~shop["bought"]).any()
