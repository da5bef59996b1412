from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from item_weights import arrays_of
from pyspark.sql import DataFrame, SparkSession
from scipy import sparse

from sparkrec.config.settings import SearchSettings
from sparkrec.lake import files
from sparkrec.recommend.neighbours import item_neighbours
from sparkrec.recommend.publish import ranked_lists, reason, searched_model
from sparkrec.recommend.search.top_items import PreparedSearch, prepare
from sparkrec.recommend.search.vectors import Askers
from sparkrec.registry.model_store import CurrentModels

USERS, ITEMS, TOP = 14, 11, 4
RANDOM = np.random.default_rng(12)
# The items 0 and 1 are none, and nobody has the last.
EVENTS = RANDOM.integers(1, 4, (USERS, ITEMS)) * (RANDOM.random((USERS, ITEMS)) < 0.25)
EVENTS[np.arange(USERS), 2 + np.arange(USERS) % 8] = 1
EVENTS[:, [0, 1, ITEMS - 1]] = 0
DAYS = np.where(EVENTS > 0, RANDOM.integers(0, 60, (USERS, ITEMS)) + 0.5, 0)
INTERACTED = (EVENTS > 0) | (RANDOM.random((USERS, ITEMS)) < 0.1) & (EVENTS.any(axis=0))
# The last user has interacted with all items that there are, the one before all but two.
INTERACTED[-1], INTERACTED[-2] = EVENTS.any(axis=0), EVENTS.any(axis=0)
INTERACTED[-2, np.flatnonzero(EVENTS[-2] == 0)[3:5]] = False
POPULARITY = (EVENTS > 0).sum(axis=0).astype(np.float32)
WEIGHTS = np.maximum(RANDOM.normal(size=(ITEMS, ITEMS)), 0).astype(np.float32)
np.fill_diagonal(WEIGHTS, 0)
VECTORS = RANDOM.normal(size=(ITEMS, 3)).astype(np.float32)
# Three items are alike.
VECTORS[[4, 6]] = VECTORS[3]
ARRAYS = {
    "popularity": {"scores": POPULARITY},
    "own_frequency": {"order": POPULARITY / (POPULARITY.max() + 1)},
    "item_knn": arrays_of(sparse.csr_matrix(WEIGHTS)),
    "two_tower": {"items": VECTORS},
}
USER_VECTORS = RANDOM.normal(size=(USERS, 3)).astype(np.float32)
BLENDS = {"discover": {"item_knn": 0.75, "popularity": 0.25}, "reorder": {"own_frequency": 1.0}}


@pytest.fixture(scope="module")
def current(tmp_path_factory: pytest.TempPathFactory) -> CurrentModels:
    root = str(tmp_path_factory.mktemp("models"))
    for name, content in ARRAYS.items():
        files.write_arrays(f"{root}/{name}/v1/publish/arrays.npz", content)
    return CurrentModels(root=root, versions=dict.fromkeys(ARRAYS, "v1"), folds=("publish",), items=ITEMS, left_out={})


@pytest.fixture(scope="module")
def sequences(spark: SparkSession) -> DataFrame:
    rows = []
    for user in range(USERS):
        items = np.flatnonzero(EVENTS[user])
        interacted = np.flatnonzero(INTERACTED[user] | (EVENTS[user] > 0))
        values = (items, EVENTS[user, items], DAYS[user, items], 2 * DAYS[user, items], interacted)
        rows.append((f"u{user:02}", user, *(value.tolist() for value in values), USER_VECTORS[user].tolist()))
    columns = "user_id string, user_index int, items array<int>, events array<int>, days_since array<float>, "
    columns += "first_days_since array<float>, interacted array<int>, vector_two_tower array<float>"
    return spark.createDataFrame(rows, columns).repartition(3)


@pytest.fixture(scope="module")
def lists(sequences: DataFrame, current: CurrentModels) -> pd.DataFrame:
    found = ranked_lists(sequences, current, BLENDS, TOP, TOP).toPandas()
    return found.assign(user=found["user_id"].str[1:].astype(int))


def _standard(scores: np.ndarray) -> np.ndarray:
    among = scores[:, POPULARITY > 0]
    return (scores - among.mean(axis=1, keepdims=True)) / among.std(axis=1, keepdims=True)


def _scores(shelf: str) -> np.ndarray:
    popularity = np.tile(POPULARITY.astype(float), (USERS, 1))
    if shelf == "reorder":
        return _standard(EVENTS + 1e-3 * ARRAYS["own_frequency"]["order"])
    return 0.75 * _standard((EVENTS > 0) @ WEIGHTS.astype(float)) + 0.25 * _standard(popularity)


@pytest.mark.parametrize("shelf", BLENDS)
def test_lists_hold_the_best_items_that_the_shelf_may_show(lists: pd.DataFrame, shelf: str) -> None:
    scores = _scores(shelf)
    visible = np.tile(POPULARITY > 0, (USERS, 1))
    if shelf == "discover":
        visible &= ~INTERACTED & (EVENTS == 0)

    for user in range(USERS):
        items = np.flatnonzero(visible[user])
        expected = sorted(items, key=lambda item: (-np.float32(scores[user, item]), item))[:TOP]
        found = lists[(lists["shelf"] == shelf) & (lists["user"] == user)].sort_values("rank")
        assert found["item_index"].tolist() == expected
        np.testing.assert_allclose(found["score"], scores[user, expected], rtol=1e-4, atol=1e-5)


def test_ranks_go_from_1_without_gaps_and_no_item_comes_twice(lists: pd.DataFrame) -> None:
    sizes = []
    for _, found in lists.groupby(["user_id", "shelf"]):
        assert sorted(found["rank"]) == list(range(1, len(found) + 1))
        assert found["item_index"].is_unique
        sizes.append(len(found))
    assert {2, TOP} <= set(sizes) <= {2, 3, TOP}


def test_discover_shows_nothing_interacted_with_and_no_list_where_that_is_all(lists: pd.DataFrame) -> None:
    discover = lists[lists["shelf"] == "discover"]

    assert not INTERACTED[discover["user"], discover["item_index"]].any()
    assert set(discover["user"]) == set(range(USERS - 1))
    assert set(lists.loc[lists["shelf"] == "reorder", "user"]) == set(range(USERS))


def test_the_item_that_speaks_for_another_is_the_one_with_the_largest_weight_that_the_user_has(
    lists: pd.DataFrame,
) -> None:
    discover = lists[lists["shelf"] == "discover"]

    for row in discover.itertuples():
        towards = np.where(EVENTS[row.user] > 0, WEIGHTS[:, row.item_index], 0)
        if towards.max() > 0:
            assert row.because_index == towards.argmax()
            assert EVENTS[row.user, int(row.because_index)] > 0
        else:
            assert pd.isna(row.because_index)
    assert discover["because_index"].notna().any()
    assert discover["because_index"].isna().any()


def test_without_an_item_to_item_model_nothing_speaks_for_an_item(lists: pd.DataFrame) -> None:
    assert lists.loc[lists["shelf"] == "reorder", "because_index"].isna().all()


def test_lists_tell_what_the_user_had_of_each_item(lists: pd.DataFrame) -> None:
    assert lists["events"].tolist() == EVENTS[lists["user"], lists["item_index"]].tolist()
    assert lists["days_since"].tolist() == DAYS[lists["user"], lists["item_index"]].tolist()
    assert (lists.loc[lists["shelf"] == "discover", "events"] == 0).all()


def test_how_users_are_spread_does_not_change_the_lists(
    sequences: DataFrame, current: CurrentModels, lists: pd.DataFrame
) -> None:
    again = ranked_lists(sequences.coalesce(1), current, BLENDS, TOP, TOP).toPandas()

    order = ["user_id", "shelf", "rank"]
    left, right = (frame.sort_values(order).reset_index(drop=True) for frame in (again, lists.drop(columns="user")))
    pd.testing.assert_frame_equal(left, right)


def test_reasons_in_words(spark: SparkSession) -> None:
    cases = [
        (1, 0.2, None, "bought once, last 0 days ago"),
        (1, 1.9, "a mug", "bought once, last 1 day ago"),
        (12, 30.0, None, "bought 12 times, last 30 days ago"),
        (0, 0.0, "a mug", "goes with a mug, bought before"),
        (0, 0.0, None, "popular now"),
    ]
    rows = spark.createDataFrame(cases, "events int, days_since double, title string, expected string")

    told = rows.select("expected", reason("title").alias("told")).collect()

    assert [row.told for row in told] == [row.expected for row in told]


def _search(spark: SparkSession, current: CurrentModels, askers: Askers) -> PreparedSearch:
    return prepare(spark, current, "two_tower", "publish", askers, TOP, SearchSettings(), seed=1)


@pytest.mark.parametrize("shelf", BLENDS)
def test_a_model_of_dot_products_alone_is_searched_and_published_with_its_own_scores(
    sequences: DataFrame, current: CurrentModels, shelf: str
) -> None:
    alone = {"two_tower": 1.0}
    scored = ranked_lists(sequences, current, {shelf: alone}, TOP, TOP)

    searched = ranked_lists(
        sequences, current, {shelf: alone}, TOP, TOP, {shelf: _search(sequences.sparkSession, current, "users")}
    )

    assert searched.dtypes == scored.dtypes
    one, other = (rows.toPandas().sort_values(["user_id", "rank"], ignore_index=True) for rows in (searched, scored))
    pd.testing.assert_frame_equal(one.drop(columns="score"), other.drop(columns="score"))
    users = one["user_id"].str[1:].astype(int)
    own = (USER_VECTORS[users] * VECTORS[one["item_index"]]).sum(axis=1)
    np.testing.assert_allclose(one["score"], own, rtol=1e-5, atol=1e-6)
    assert (one["events"] > 0).any() == (shelf == "reorder")


def test_users_and_items_that_training_never_saw_have_lists_by_popularity_and_no_place(
    spark: SparkSession, sequences: DataFrame, current: CurrentModels
) -> None:
    stranger = [("u99", 99, [2, ITEMS + 3], [1, 2], [4.0, 1.0], [4.0, 1.0], [2, ITEMS + 3], None)]
    search = {"discover": _search(spark, current, "users")}

    found = ranked_lists(
        spark.createDataFrame(stranger, sequences.schema).unionByName(sequences.limit(2)),
        *(current, {"discover": {"two_tower": 1.0}}, TOP, TOP, search),
    ).toPandas()

    lists = found.sort_values("rank").groupby("user_id")["item_index"].agg(list)
    popular = sorted(np.flatnonzero(POPULARITY > 0), key=lambda item: (-POPULARITY[item], item))
    assert lists["u99"] == [item for item in popular if item != 2][:TOP]
    assert len(lists) == 3


def test_shelves_that_are_searched_stand_beside_others(
    sequences: DataFrame, current: CurrentModels, lists: pd.DataFrame
) -> None:
    blends = BLENDS | {"discover": {"two_tower": 1.0}}

    found = ranked_lists(
        sequences, current, blends, TOP, TOP, {"discover": _search(sequences.sparkSession, current, "users")}
    ).toPandas()

    assert set(found["shelf"]) == set(BLENDS)
    one, other = (
        rows[rows["shelf"] == "reorder"].sort_values(["user_id", "rank"], ignore_index=True)
        for rows in (found, lists.drop(columns="user"))
    )
    pd.testing.assert_frame_equal(one, other)


def test_only_a_model_of_dot_products_alone_can_be_searched() -> None:
    assert searched_model({"als": 0.3}) == "als"
    assert searched_model({"two_tower": 1.0}) == "two_tower"
    assert searched_model({"als": 0.5, "two_tower": 0.5}) is None
    assert searched_model({"ease": 1.0}) is None
    assert searched_model({"ranker": 1.0}) is None


def _cosine(one: int, other: int) -> float:
    lengths = np.linalg.norm(VECTORS[one]) * np.linalg.norm(VECTORS[other])
    return float(VECTORS[one] @ VECTORS[other] / lengths)


@pytest.mark.parametrize("most", [3, 50])
def test_neighbours_of_an_item_are_the_other_known_items_by_their_cosine(
    spark: SparkSession, current: CurrentModels, most: int
) -> None:
    items = spark.range(2, ITEMS).selectExpr("cast(id as int) as item_index").repartition(2)

    found = item_neighbours(items, _search(spark, current, "items"), most).toPandas()

    known = np.flatnonzero(POPULARITY)
    assert set(found["item_index"]) == set(known)
    assert not (found["item_index"] == found["similar_index"]).any()
    for item, nearest in found.groupby("item_index"):
        ordered = nearest.sort_values("rank")
        others = [other for other in known if other != item]
        expected = sorted(others, key=lambda other: (-round(_cosine(item, other), 5), other))[:most]
        assert ordered["rank"].tolist() == list(range(1, len(expected) + 1))
        assert ordered["similar_index"].tolist() == expected
        assert ordered["score"].is_monotonic_decreasing
        np.testing.assert_allclose(ordered["score"], [_cosine(item, other) for other in expected], atol=1e-5)


def test_an_item_that_is_not_known_has_no_neighbours(spark: SparkSession, current: CurrentModels) -> None:
    items = spark.createDataFrame([(ITEMS - 1,), (0,)], "item_index int")

    assert item_neighbours(items, _search(spark, current, "items"), 3).count() == 0


def test_the_models_of_a_list_are_read_from_the_lake(sequences: DataFrame, tmp_path: Path) -> None:
    missing = CurrentModels(
        root=str(tmp_path), versions={"popularity": "v1"}, folds=("publish",), items=ITEMS, left_out={}
    )

    with pytest.raises(Exception, match="FileNotFoundError"):
        ranked_lists(sequences, missing, {"discover": {"popularity": 1.0}}, TOP, TOP).collect()
