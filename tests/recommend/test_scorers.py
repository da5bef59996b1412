from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from dense_scores import as_matrix
from item_weights import arrays_of, dense
from pyspark.sql import DataFrame, SparkSession
from scipy import sparse

from sparkrec.config.settings import BaselineSettings
from sparkrec.recommend.models import MODELS, FitData, model_named
from sparkrec.recommend.scorers import als, co_occurrence, ease, own_frequency, popularity
from sparkrec.recommend.scorers.item_item import ItemItem
from sparkrec.recommend.scorers.own_frequency import OwnFrequency
from sparkrec.recommend.scorers.popularity import Popularity
from sparkrec.recommend.scorers.scorer import Fitted, Scorer
from sparkrec.recommend.scorers.titles import Titles, nearest_titles, title_similarity, title_vectors
from sparkrec.recommend.users import UserBatch
from sparkrec.registry.model_store import CurrentModels

USERS, ITEMS = 25, 12
LAST = datetime(2011, 12, 9, 12)


def _purchases() -> pd.DataFrame:
    """Purchases of all users and items but the first two, which are no items, and the last, which nobody bought."""
    random = np.random.default_rng(6)
    size = 200
    return pd.DataFrame(
        {
            "user_index": random.integers(2, USERS, size).astype("int32"),
            "item_index": random.integers(2, ITEMS - 1, size).astype("int32"),
            "days": random.integers(0, 90, size).astype(float),
        }
    )


PURCHASES = _purchases()


def _dense(values: pd.Series) -> np.ndarray:
    """(users, items) of values by user and item."""
    dense = np.zeros((USERS, ITEMS))
    for (user, item), value in values.items():
        dense[user, item] = value
    return dense[2:]


BY_PAIR = PURCHASES.groupby(["user_index", "item_index"])["days"]
EVENTS, DAYS, FIRST_DAYS = _dense(BY_PAIR.count()), _dense(BY_PAIR.min()), _dense(BY_PAIR.max())
BOUGHT = (EVENTS > 0).astype(float)
DECAYED = BOUGHT * 0.5 ** (DAYS / 30)


def _sequences() -> pd.DataFrame:
    rows = []
    for user in range(USERS - 2):
        items = np.flatnonzero(BOUGHT[user])
        rows.append(
            (user + 2, items, EVENTS[user, items].astype(int), DAYS[user, items], FIRST_DAYS[user, items], items)
        )
    return pd.DataFrame(rows, columns=["user_index", "items", "events", "days_since", "first_days_since", "interacted"])


SEQUENCES = _sequences()
BATCH = UserBatch.of(SEQUENCES, ITEMS)


@pytest.fixture(scope="module")
def known(spark: SparkSession) -> DataFrame:
    times = [LAST - timedelta(days=days) for days in PURCHASES["days"] - PURCHASES["days"].min()]
    return spark.createDataFrame(PURCHASES.assign(event_time=times)).repartition(3).cache()


@pytest.fixture(scope="module")
def sequences(spark: SparkSession) -> DataFrame:
    columns = "user_index int, items array<int>, events array<int>, days_since array<float>, "
    columns += "first_days_since array<float>, interacted array<int>"
    rows = [tuple(value if isinstance(value, int) else value.tolist() for value in row) for row in _plain(SEQUENCES)]
    return spark.createDataFrame(rows, columns).repartition(3).cache()


# Two families of titles, and the last item without one.
TITLES = {item: ([2 + item % 2, 4 + item], [0.8, 0.6]) for item in range(2, ITEMS - 1)} | {ITEMS - 1: ([], [])}


@pytest.fixture(scope="module")
def titles(spark: SparkSession) -> DataFrame:
    rows = [(item, words, weights) for item, (words, weights) in TITLES.items()]
    return spark.createDataFrame(rows, "item_index int, word_indices array<int>, weights array<float>").cache()


def _plain(rows: pd.DataFrame) -> list[tuple]:
    return list(rows.itertuples(index=False, name=None))


ALL = np.ones(ITEMS, bool)


def _scored(scorer: Scorer) -> np.ndarray:
    """Every score of the batch, (users, items)."""
    return as_matrix(scorer.of(BATCH), USERS - 2, ITEMS)


def _item_item(weights: np.ndarray, **others: float) -> ItemItem:
    return ItemItem("item_item", arrays_of(sparse.csr_matrix(weights), **others), ALL)


def test_popularity_counts_different_users(known: DataFrame) -> None:
    buyers = popularity.buyers_per_item(known, ITEMS)

    assert buyers.tolist() == BOUGHT.sum(axis=0).tolist()
    assert EVENTS.sum() > BOUGHT.sum()
    np.testing.assert_array_equal(
        _scored(Popularity("popularity", {"scores": buyers}, ALL)), np.tile(buyers, (USERS - 2, 1))
    )


def test_recent_popularity_counts_the_days_before_the_last_event(spark: SparkSession) -> None:
    times = {
        2: [LAST],
        3: [LAST - timedelta(days=28), LAST - timedelta(days=2)],
        4: [LAST - timedelta(days=28, seconds=1)],
    }
    rows = [(2 + user, item, time) for item, found in times.items() for user, time in enumerate(found)]
    known = spark.createDataFrame([*rows, (2, 2, LAST)], "user_index int, item_index int, event_time timestamp")

    assert popularity.buyers_per_item(known, 6, days=28).tolist() == [0, 0, 1, 2, 0, 0]
    assert popularity.buyers_per_item(known, 6).tolist() == [0, 0, 1, 2, 1, 0]


def _ranked(scores: np.ndarray) -> list[list[int]]:
    return np.argsort(-scores, axis=1, kind="stable").tolist()


def test_own_frequency_ranks_by_the_count_of_events_alone() -> None:
    buyers = BOUGHT.sum(axis=0).astype(np.float32)
    arrays = own_frequency.fit(buyers)

    scores = _scored(OwnFrequency("own_frequency", arrays, ALL))

    np.testing.assert_allclose(scores, EVENTS, atol=1e-3)
    order = arrays["order"]
    assert len(np.unique(order)) == ITEMS
    assert _ranked(scores) == [sorted(range(ITEMS), key=lambda item: (-row[item], -order[item])) for row in EVENTS]
    # Popularity has no say, and the order is always the same.
    np.testing.assert_array_equal(own_frequency.fit(buyers[::-1])["order"], order)


def test_decayed_own_frequency_weighs_events_by_the_age_of_the_latest_and_breaks_ties_by_popularity() -> None:
    buyers = BOUGHT.sum(axis=0).astype(np.float32)

    scores = _scored(OwnFrequency("own_frequency", own_frequency.fit_decayed(buyers, 30.0), ALL))

    weighed = EVENTS * DECAYED
    np.testing.assert_allclose(scores, weighed + 1e-3 * buyers / (buyers.max() + 1), atol=1e-6)
    nothing = [np.flatnonzero(row == 0) for row in EVENTS]
    for row, items in zip(scores, nothing, strict=True):
        assert sorted(items, key=lambda item: -row[item]) == sorted(items, key=lambda item: -buyers[item])


def _gram(sequences: DataFrame, half_life_days: float | None = None) -> np.ndarray:
    found = np.zeros((ITEMS, ITEMS))
    for block in co_occurrence.gram(sequences, ITEMS, half_life_days).toArrow().to_pylist():
        start, rows = co_occurrence.rows_of_block(block, ITEMS)
        found[start : start + rows.shape[0]] = rows.toarray()
    return found


@pytest.mark.parametrize(("half_life", "matrix"), [(None, BOUGHT), (30.0, DECAYED)])
def test_gram_is_the_product_of_the_user_item_matrix(
    sequences: DataFrame, half_life: float | None, matrix: np.ndarray
) -> None:
    np.testing.assert_allclose(_gram(sequences, half_life), matrix.T @ matrix, rtol=1e-6, atol=1e-6)


def test_gram_adds_up_many_partitions_and_the_pieces_of_a_task_that_holds_few_pairs(
    sequences: DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(co_occurrence, "_PAIRS_AT_ONCE", 30)
    monkeypatch.setattr(co_occurrence, "_PAIRS_HELD", 40)
    monkeypatch.setattr(co_occurrence, "_BLOCK", 5)
    for partitions in (1, 9):
        np.testing.assert_array_equal(_gram(sequences.repartition(partitions, "user_index")), BOUGHT.T @ BOUGHT)


def test_a_partition_without_users_adds_nothing_to_gram(sequences: DataFrame) -> None:
    one = sequences.where("user_index = 4").repartition(3)

    np.testing.assert_array_equal(_gram(one), np.outer(BOUGHT[2], BOUGHT[2]))


def test_of_a_user_with_very_many_items_the_latest_go_together(
    sequences: DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(co_occurrence, "_LARGEST_HISTORY", 3)
    recent = np.zeros_like(BOUGHT)
    for user, row in enumerate(BOUGHT):
        items = np.flatnonzero(row)
        recent[user, items[np.argsort(DAYS[user, items], kind="stable")[:3]]] = 1
    assert recent.sum() < BOUGHT.sum()

    np.testing.assert_array_equal(_gram(sequences), recent.T @ recent)


def _cosines() -> np.ndarray:
    expected = np.zeros((ITEMS, ITEMS))
    for one in range(ITEMS):
        for other in range(ITEMS):
            length = np.linalg.norm(BOUGHT[:, one]) * np.linalg.norm(BOUGHT[:, other])
            expected[one, other] = BOUGHT[:, one] @ BOUGHT[:, other] / length if length and one != other else 0
    return expected


def _votes() -> np.ndarray:
    """Weights of what was bought of late towards all that the same users have."""
    recent = (BOUGHT > 0) & (DAYS <= 28)
    assert recent.any()
    assert not recent[BOUGHT > 0].all()
    return (BOUGHT / np.sqrt(BOUGHT.sum(axis=1))[:, None]).T @ recent


def _heaviest(weights: np.ndarray, most: int) -> np.ndarray:
    """The weights, with 0 for all but the heaviest of each row."""
    kept = np.zeros_like(weights)
    for row, values in enumerate(weights):
        columns = np.argsort(-values, kind="stable")[:most]
        kept[row, columns] = values[columns]
    return kept


@pytest.mark.parametrize("most", [ITEMS, 3])
def test_each_item_keeps_the_nearest_others_by_the_cosine_of_columns_and_by_the_votes_of_those_who_have_it(
    sequences: DataFrame, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    # Several blocks of items, and several partitions of users.
    monkeypatch.setattr(co_occurrence, "_BLOCK", 5)
    knn = co_occurrence.item_knn(sequences, BOUGHT.sum(axis=0).astype(np.float32), most)
    recent = co_occurrence.recent_neighbours(sequences, ITEMS, 28, most)

    np.testing.assert_allclose(dense(knn, ITEMS), _heaviest(_cosines(), most), rtol=1e-5)
    np.testing.assert_allclose(dense(recent, ITEMS), _heaviest(_votes(), most), rtol=1e-5)
    scores = _scored(_item_item(dense(recent, ITEMS)))
    np.testing.assert_allclose(scores, BOUGHT @ _heaviest(_votes(), most), rtol=1e-5)
    assert max(map(len, knn.toPandas()["others"])) <= most


def test_ease_is_the_ridge_regression_of_each_item_on_the_others() -> None:
    regularisation = 5.0
    expected = np.zeros((ITEMS, ITEMS))
    for item in range(ITEMS):
        others = np.arange(ITEMS) != item
        matrix = BOUGHT[:, others]
        squares = matrix.T @ matrix + regularisation * np.eye(ITEMS - 1)
        expected[others, item] = np.linalg.solve(squares, matrix.T @ BOUGHT[:, item])

    weights = ease.fit(BOUGHT.T @ BOUGHT, regularisation, ITEMS).toarray()

    np.testing.assert_allclose(weights, expected, atol=1e-6)
    assert not np.diag(weights).any()
    few = ease.fit(BOUGHT.T @ BOUGHT, regularisation, 3).toarray()
    for row, kept in zip(weights, few, strict=True):
        strongest = np.argsort(-np.abs(row), kind="stable")[: np.count_nonzero(kept)]
        assert sorted(strongest) == np.flatnonzero(kept).tolist()
        np.testing.assert_array_equal(kept[strongest], row[strongest])
    assert (few != 0).sum(axis=1).max() == 3


def test_ease_is_solved_on_an_executor_from_the_blocks_of_products(
    sequences: DataFrame, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(co_occurrence, "_BLOCK", 5)
    products = co_occurrence.gram(sequences, ITEMS)

    weights = ease.nearest(products, str(tmp_path / "scratch"), ITEMS, 5.0, 4)

    np.testing.assert_allclose(dense(weights, ITEMS), ease.fit(BOUGHT.T @ BOUGHT, 5.0, 4).toarray(), atol=1e-6)


def test_decayed_ease_learns_and_scores_on_what_is_decayed() -> None:
    inverse = np.linalg.inv(DECAYED.T @ DECAYED + 5 * np.eye(ITEMS))
    expected = np.eye(ITEMS) - inverse / np.diag(inverse)

    weights = ease.fit(DECAYED.T @ DECAYED, 5.0, ITEMS).toarray()

    np.testing.assert_allclose(weights, expected, atol=1e-6)
    np.testing.assert_allclose(_scored(_item_item(weights, half_life_days=30.0)), DECAYED @ expected, atol=1e-5)


def test_titles_are_as_similar_as_their_cosine_to_the_power(
    titles: DataFrame, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    # Several parts, and several products in a part.
    monkeypatch.setattr("sparkrec.recommend.scorers.titles._TITLES_AT_ONCE", 5)
    monkeypatch.setattr("sparkrec.recommend.scorers.titles._PAIRS_AT_ONCE", 4)
    found = dense(nearest_titles(titles, str(tmp_path / "all"), ITEMS, 4, ITEMS), ITEMS)

    expected = np.zeros((ITEMS, ITEMS))
    for one in range(2, ITEMS - 1):
        for other in range(2, ITEMS - 1):
            if one != other and one % 2 == other % 2:
                expected[one, other] = (0.8 * 0.8) ** 4
    np.testing.assert_allclose(found, expected, atol=1e-6)
    # Of equals the lower ones.
    few = dense(nearest_titles(titles, str(tmp_path / "few"), ITEMS, 4, 2), ITEMS)
    np.testing.assert_array_equal(few, _heaviest(found, 2))


def test_a_fit_compares_its_own_titles_though_those_of_another_lay_in_the_folder(
    titles: DataFrame, tmp_path: Path
) -> None:
    scratch = str(tmp_path / "titles")
    assert dense(nearest_titles(titles, scratch, ITEMS, 4, ITEMS), ITEMS).any()

    assert not dense(nearest_titles(titles.where("item_index = 11"), scratch, ITEMS, 4, ITEMS), ITEMS).any()


def test_a_word_of_very_many_titles_makes_none_alike(titles: DataFrame, monkeypatch: pytest.MonkeyPatch) -> None:
    vectors, rows = title_vectors(titles, ITEMS), np.arange(ITEMS)
    assert title_similarity(Titles.of(vectors), rows, 4, ITEMS, 1_000).nnz
    monkeypatch.setattr("sparkrec.recommend.scorers.titles._MAX_SHARED", 2)

    assert not title_similarity(Titles.of(vectors), rows, 4, ITEMS, 1_000).nnz


def test_without_titles_nothing_is_similar(titles: DataFrame) -> None:
    vectors = title_vectors(titles.where("item_index = 11"), ITEMS)

    assert not title_similarity(Titles.of(vectors), np.arange(ITEMS), 4, ITEMS, 1_000).nnz


def test_an_own_weight_adds_to_an_item_for_every_event_with_it() -> None:
    weights = ease.fit(BOUGHT.T @ BOUGHT, 5.0, ITEMS).toarray()

    scores = _scored(_item_item(weights, own_weight=2.5))

    np.testing.assert_allclose(scores, BOUGHT @ weights + 2.5 * EVENTS, atol=1e-5)


def test_the_item_that_speaks_most_for_another_is_the_heaviest_that_the_user_has() -> None:
    weights = np.random.default_rng(2).integers(-1, 3, (ITEMS, ITEMS)).astype(np.float32)
    row, item = np.divmod(np.random.default_rng(3).permutation((USERS - 2) * ITEMS)[:150], ITEMS)

    found = _item_item(weights).heaviest(BATCH, row, item)

    expected = []
    for user, wanted in zip(row, item, strict=True):
        has = [int(one) for one in np.flatnonzero(BOUGHT[user]) if weights[one, wanted] > 0]
        expected.append(min(has, key=lambda one: (-weights[one, wanted], one)) if has else 0)
    assert found.tolist() == expected
    assert 0 in expected
    assert len(set(expected)) > 5


def test_a_large_catalogue_goes_without_ease() -> None:
    assert {model.name for model in MODELS if model.whole_catalogue} == {"ease", "frequency_ease", "ease_decayed"}


def test_als_ranks_the_items_of_the_users_own_block_first_and_the_same_each_time(spark: SparkSession) -> None:
    block = np.arange(20) % 2
    pairs = [
        (user + 2, 2 + 2 * place + int(block[user]))
        for user in range(20)
        for place in range(6)
        # Each user lacks two of the six items of the block.
        if place not in (user // 2 % 6, (user // 2 + 3) % 6)
    ]
    known = spark.createDataFrame([*pairs, *pairs[:9]], "user_index int, item_index int")

    def fit() -> dict[str, np.ndarray]:
        fitted = als.fit(known, factors=4, alpha=10.0, regularisation=0.05, iterations=4, seed=5)
        rows = fitted.users.toPandas()
        users = np.zeros((23, 4))
        users[rows["user_index"]] = rows["vector"].to_list()
        items = np.zeros((15, 4))
        vectors = fitted.items.toPandas()
        items[vectors["item_index"]] = vectors["vector"].to_list()
        return {"users": users, "items": items}

    arrays, again = fit(), fit()

    assert arrays["items"].shape == (15, 4)
    # Nobody is user 0, 1 or 22, and nothing item 0, 1 or 14.
    assert not arrays["users"][[0, 1, 22]].any()
    assert not arrays["items"][[0, 1, 14]].any()
    scores = arrays["users"] @ arrays["items"].T
    for user in range(20):
        order = np.argsort(-scores[user + 2])
        assert {int(item) % 2 for item in order[:6]} == {block[user]}
    for name, vectors in arrays.items():
        np.testing.assert_allclose(again[name], vectors, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", [model.name for model in MODELS if not model.deep and model.name != "als"])
def test_every_baseline_is_fitted_and_scores_every_item(
    known: DataFrame, sequences: DataFrame, titles: DataFrame, name: str, tmp_path: Path
) -> None:
    settings = BaselineSettings(neighbours=4, recent_days=14, ease_regularisation=3.0, ease_half_life_days=30.0)
    data = FitData(known, sequences, titles, USERS, ITEMS, settings, 1, str(tmp_path / "scratch"))
    model = model_named(name)
    current = CurrentModels(root=str(tmp_path), versions={name: "v1"}, folds=("test",), items=ITEMS, left_out={})
    assert not Fitted.is_written(current.folder_at(name, "test"))
    model.fit(data).write(current.folder_at(name, "test"))
    data.release()

    scores = _scored(model.scorer(name, current.arrays(name, "test"), ALL))

    assert scores.shape == (USERS - 2, ITEMS)
    assert scores.dtype == np.float32
    assert np.isfinite(scores).all()
    # What nobody bought comes behind what many did.
    assert (scores[:, 2 : ITEMS - 1].max(axis=1) > scores[:, -1]).all()


def test_there_is_no_model_of_another_name() -> None:
    assert [model.name for model in MODELS if model.deep] == [
        "two_tower",
        "matrix_factorisation",
        "self_attention",
        "gru",
    ]
    with pytest.raises(KeyError, match="no_model"):
        model_named("no_model")
