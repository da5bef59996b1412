"""The second stage: candidates, facts, features, booster and the scores that come of them."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from dense_scores import DenseScores, as_matrix, check_same, lists_of
from item_weights import arrays_of
from pyspark.sql import DataFrame, SparkSession
from scipy import sparse

from sparkrec.config.settings import RankerSettings
from sparkrec.contracts.features import RANKING_SAMPLES, model_inputs, ranking_columns, ranking_tables
from sparkrec.lake import files
from sparkrec.recommend.item_lists import ItemLists
from sparkrec.recommend.loaded import BatchScores, load_models
from sparkrec.recommend.models import MODELS
from sparkrec.recommend.ranker.backtest import backtest
from sparkrec.recommend.ranker.booster import Booster
from sparkrec.recommend.ranker.candidates import Candidates, candidates, retrievers
from sparkrec.recommend.ranker.features import pair_features
from sparkrec.recommend.ranker.inputs import ItemFeatures
from sparkrec.recommend.ranker.ranker import LoadedRanker, below_candidates, over, ranker_arrays
from sparkrec.recommend.ranker.rankers import Ranker, rankers_named
from sparkrec.recommend.ranker.samples import Samples
from sparkrec.recommend.scorers.scorer import UserScores
from sparkrec.recommend.scorers.sparse_scores import SharedScores
from sparkrec.recommend.users import UserBatch
from sparkrec.registry.model_store import CurrentModels

USERS, ITEMS = 40, 16
RANDOM = np.random.default_rng(31)
KNOWN = np.arange(ITEMS) >= 2
# Every third user has nothing but one item; nobody has the last.
BOUGHT = RANDOM.random((USERS, ITEMS)) < 0.2
BOUGHT[::3] = False
BOUGHT[np.arange(USERS), 2 + np.arange(USERS) % 10] = True
BOUGHT[:, ~KNOWN] = BOUGHT[:, -1:] = False
EVENTS = BOUGHT * RANDOM.integers(1, 4, (USERS, ITEMS))
DAYS = BOUGHT * (RANDOM.integers(0, 50, (USERS, ITEMS)) + 0.25)
FIRST_DAYS = np.where(EVENTS > 1, DAYS + RANDOM.integers(0, 50, (USERS, ITEMS)), DAYS)
INTERACTED = BOUGHT | (RANDOM.random((USERS, ITEMS)) < 0.1) & KNOWN
ROWS = pd.DataFrame(
    {
        "user_id": [f"u{user:02}" for user in range(USERS)],
        "user_index": np.arange(USERS, dtype=np.int32) + 2,
        "items": [np.flatnonzero(row) for row in BOUGHT],
        "events": [row[row > 0] for row in EVENTS],
        "days_since": [row[has] for row, has in zip(DAYS, BOUGHT, strict=True)],
        "first_days_since": [row[has] for row, has in zip(FIRST_DAYS, BOUGHT, strict=True)],
        "interacted": [np.flatnonzero(row) for row in INTERACTED],
    }
)
BATCH = UserBatch.of(ROWS, ITEMS)
FITTED = over([model.name for model in MODELS])
MATRICES = {name: RANDOM.normal(size=(USERS, ITEMS)).astype(np.float32) for name in FITTED}
SCORES: dict[str, UserScores] = {name: DenseScores(matrix, KNOWN) for name, matrix in MATRICES.items()}
PRICES = np.where(np.arange(ITEMS) % 5 == 0, np.nan, RANDOM.integers(1, 20, ITEMS)).astype(np.float32)
COLUMNS = ranking_columns()
FACTS = ranking_tables("item")["features.item_activity"]
OF_ITEMS = ItemFeatures(FACTS, RANDOM.integers(0, 30, (ITEMS, len(FACTS))).astype(np.float32))
OF_ITEMS.values[:, FACTS.index("price")] = PRICES


def test_candidates_are_the_first_items_of_each_retriever_with_their_places() -> None:
    visible = KNOWN & ~INTERACTED
    depth = 3

    found = candidates(SCORES, lists_of(INTERACTED), "reorder", depth, ITEMS)

    expected: dict[tuple[int, int], dict[str, int]] = {}
    for name in retrievers("reorder", SCORES):
        for user in range(USERS):
            listed = sorted(np.flatnonzero(visible[user]), key=lambda item: -MATRICES[name][user, item])[:depth]
            for place, item in enumerate(listed, 1):
                expected.setdefault((user, int(item)), {})[name] = place
    assert list(zip(found.users.tolist(), found.items.tolist(), strict=True)) == sorted(expected)
    for pair, places in enumerate(expected[key] for key in sorted(expected)):
        named = {name: place[pair] for name, place in found.places.items() if not np.isnan(place[pair])}
        assert named == places
    assert max(len(places) for places in expected.values()) > 1


def test_a_shelf_has_its_retrievers_and_those_that_were_not_fitted_name_nothing() -> None:
    assert set(retrievers("reorder", SCORES)) - set(retrievers("discover", SCORES)) == {"own_frequency_decayed"}
    few = {name: SCORES[name] for name in ("recent_popularity", "own_frequency_decayed", "title_similarity")}

    found = candidates(few, ItemLists.none(USERS), "discover", 2, ITEMS)

    assert list(found.places) == ["recent_popularity"]
    assert np.bincount(found.users).tolist() == [2] * USERS


def test_where_a_catalogue_is_too_large_for_ease_its_neighbours_stand_in() -> None:
    large = {name: values for name, values in SCORES.items() if "ease" not in name}
    knn = DenseScores(RANDOM.normal(size=(USERS, ITEMS)), KNOWN)

    assert "item_knn" not in over({**SCORES, "item_knn": knn})
    assert {"item_knn", "recent_neighbours"} <= set(over({**large, "item_knn": knn}))
    assert retrievers("discover", {**large, "item_knn": knn}) == (
        *("recent_neighbours", "item_knn", "als", "recent_popularity"),
    )
    found, values = _feature("place_item_knn", "discover", {**large, "item_knn": knn})
    np.testing.assert_array_equal(values, found.places["item_knn"])
    assert np.isfinite(_feature("standard_item_knn", "discover", {**large, "item_knn": knn})[1]).all()
    # Where EASE is there, they are no features: a booster leaves out what is always missing.
    with_ease = {**SCORES, "item_knn": knn}
    for name in ("place_item_knn", "place_recent_neighbours", "score_item_knn"):
        assert np.isnan(_feature(name, "discover", with_ease)[1]).all()


def test_there_are_as_many_candidates_as_may_be_shown_at_most() -> None:
    visible = np.zeros((USERS, ITEMS), bool)
    visible[1, 4] = True

    found = candidates(SCORES, lists_of(~visible), "discover", 5, ITEMS)

    assert (found.users.tolist(), found.items.tolist()) == ([1], [4])


def _feature(
    name: str, shelf: str = "reorder", scores: dict[str, UserScores] = SCORES
) -> tuple[Candidates, np.ndarray]:
    found = candidates(scores, ItemLists.none(USERS), shelf, 6, ITEMS)
    features = pair_features(found, BATCH, scores, OF_ITEMS, COLUMNS)
    assert features.shape == (len(found.users), len(COLUMNS))
    assert features.dtype == np.float32
    return found, features[:, COLUMNS.index(name)]


def _expected(name: str, user: int, item: int) -> float:
    events, since, first = EVENTS[user, item], DAYS[user, item], FIRST_DAYS[user, item]
    gap = (first - since) / (events - 1) if events > 1 else np.nan
    has = BOUGHT[user]
    prices = PRICES[has][~np.isnan(PRICES[has])]
    latest = DAYS[user, has].min()
    return {
        "own_events": events,
        "days_since": since if events else np.nan,
        "days_since_first": first if events else np.nan,
        "own_gap_days": gap,
        "days_since_by_gap": since / max(gap, 0.5),
        "days_since_less_latest": since - latest if events else np.nan,
        "price_by_usual": PRICES[item] / np.median(prices) if len(prices) else np.nan,
        "price": PRICES[item],
        "buyers_28": OF_ITEMS.column("buyers_28")[item],
        "user_events": EVENTS[user].sum(),
        "user_items": has.sum(),
        "user_days_since": latest,
        "user_days_since_first": FIRST_DAYS[user, has].max(),
        "score_als": MATRICES["als"][user, item],
        "standard_ease": (MATRICES["ease"][user, item] - MATRICES["ease"][user, KNOWN].mean())
        / MATRICES["ease"][user, KNOWN].std(),
    }[name]


@pytest.mark.parametrize(
    "name",
    "own_events days_since days_since_first own_gap_days days_since_by_gap days_since_less_latest price_by_usual price "
    "buyers_28 user_events user_items user_days_since user_days_since_first "
    "score_als standard_ease".split(),
)
def test_a_feature_is_what_its_name_says(name: str) -> None:
    found, values = _feature(name)

    expected = [_expected(name, user, item) for user, item in zip(found.users, found.items, strict=True)]
    np.testing.assert_allclose(values, np.array(expected, float), rtol=2e-4, atol=1e-5)
    assert np.isfinite(values).any()


def test_the_place_with_a_retriever_is_a_feature() -> None:
    found, values = _feature("place_own_frequency_decayed")

    np.testing.assert_array_equal(values, found.places["own_frequency_decayed"])
    assert np.isnan(_feature("place_own_frequency_decayed", "discover")[1]).all()


def test_every_registered_feature_of_a_pair_is_told_and_no_other() -> None:
    registered = {feature.column for feature in model_inputs("ranking", RANKING_SAMPLES)}
    knn = {"item_knn": DenseScores(RANDOM.normal(size=(USERS, ITEMS)), KNOWN)}
    large = {name: values for name, values in SCORES.items() if "ease" not in name} | knn

    told = {
        name
        for scores in (SCORES, large)
        for name in COLUMNS
        if np.isfinite(_feature(name, "reorder", scores)[1]).any()
    }

    assert told == set(COLUMNS) == registered | set(FACTS)
    assert registered.isdisjoint(FACTS)


def test_features_of_users_are_those_of_their_rows() -> None:
    rows = ROWS.assign(feature_tenure=np.where(np.arange(USERS) % 4, np.arange(USERS), np.nan))
    found = candidates(SCORES, ItemLists.none(USERS), "reorder", 2, ITEMS)

    values = pair_features(found, UserBatch.of(rows, ITEMS), SCORES, OF_ITEMS, ["tenure", "unknown"])

    np.testing.assert_array_equal(values[:, 0], np.where(found.users % 4, found.users, np.nan))
    assert np.isnan(values[:, 1]).all()


def test_what_a_model_that_was_not_fitted_would_say_is_missing() -> None:
    few = {name: SCORES[name] for name in ("als", "recent_popularity")}

    for name in ("score_ease", "standard_ease_decayed", "place_ease", "score_recent_neighbours"):
        assert np.isnan(_feature(name, "discover", few)[1]).all()
    assert np.isfinite(_feature("score_als", "discover", few)[1]).all()


SETTINGS = RankerSettings(trees=30, leaves=4, min_rows=5, learning_rate=0.2, depth=4)
TREES = rankers_named()["ranker"]


def _samples(features: np.ndarray, relevant: np.ndarray, names: tuple[str, ...]) -> Samples:
    """Of 60 users with 8 candidates each."""
    windows = np.ones(480, np.int32)
    return Samples(names, features.reshape(480, -1).astype(np.float32), relevant.ravel(), windows, np.full(60, 8))


def _largest(seed: int) -> Samples:
    """Users whose relevant candidate is the one with the largest second feature."""
    features = np.random.default_rng(seed).normal(size=(60, 8, 3))
    features[:, :, 2] = np.nan
    best = features[:, :, 1].argmax(axis=1)
    return _samples(features, np.arange(8) == best[:, None], ("a", "b", "c"))


def _fit(ranker: Ranker, samples: Samples, names: tuple[str, ...]) -> np.ndarray:
    assert ranker.fit is not None
    return ranker.fit(samples, names, SETTINGS, 5)


@pytest.mark.parametrize("name", ["ranker", "lambdamart"])
def test_trees_put_first_what_was_relevant_and_are_the_same_each_time(name: str) -> None:
    ranker, samples = rankers_named()[name], _largest(1)
    text = _fit(ranker, samples, samples.names)

    unseen = _largest(3)
    scores = ranker.load(text).predict(unseen.features).reshape(60, 8)
    first = np.take_along_axis(unseen.relevant.reshape(60, 8), scores.argmax(axis=1)[:, None], 1)
    assert first.mean() > 0.7
    assert _fit(ranker, samples, samples.names).tobytes() == text.tobytes()
    assert _fit(ranker, _largest(4), samples.names).tobytes() != text.tobytes()


def _booster(liked: str, most: int, sign: int) -> np.ndarray:
    """A booster that learned to prefer large values of a feature, or small ones."""
    features = np.zeros((60, 8, len(COLUMNS)), np.float32)
    values = features[:, :, COLUMNS.index(liked)] = RANDOM.integers(0, most, (60, 8))
    relevant = sign * values == (sign * values).max(axis=1, keepdims=True)
    return _fit(TREES, _samples(features, relevant, COLUMNS), COLUMNS)


# Cheap items on discover, own events on reorder; and cheap ones there, too.
BOOSTERS = {"discover": _booster("price", 20, -1), "reorder": _booster("own_events", 4, 1)}
CHEAP = {"discover": BOOSTERS["discover"], "reorder": _booster("price", 20, -1)}


POPULAR = np.arange(ITEMS, dtype=np.float32)
BELOW = below_candidates(SharedScores.of(POPULAR, KNOWN))


def test_the_ranker_orders_candidates_by_its_booster_and_puts_the_rest_behind_by_popularity() -> None:
    ranker = LoadedRanker(TREES, ranker_arrays(OF_ITEMS, 3, BOOSTERS, COLUMNS))
    found = candidates(SCORES, lists_of(INTERACTED), "discover", 3, ITEMS)
    features = pair_features(found, BATCH, SCORES, OF_ITEMS, COLUMNS)

    scores = ranker.scores(found, features, BELOW, BATCH, "discover")

    ranked = as_matrix(scores, USERS, ITEMS)
    np.testing.assert_array_equal(ranked[found.users, found.items], Booster(BOOSTERS["discover"]).predict(features))
    for user in range(USERS):
        named = found.items[found.users == user]
        others = np.setdiff1d(np.flatnonzero(KNOWN), named)
        assert ranked[user, others].max() < ranked[user, named].min()
        assert others[np.argsort(ranked[user, others])].tolist() == others.tolist()
    check_same(scores, DenseScores(ranked, KNOWN), lists_of(INTERACTED))


def test_a_ranker_sees_its_own_features_alone(current: CurrentModels) -> None:
    seen = ("price", "own_events")
    every = RANDOM.normal(size=(60, 8, len(COLUMNS)))
    values = every[:, :, COLUMNS.index("price")]
    text = _fit(TREES, _samples(every, values == values.max(axis=1, keepdims=True), COLUMNS), seen)
    learned = dict.fromkeys(BOOSTERS, text)
    files.write_arrays(f"{current.root}/lambdamart/v2/publish/arrays.npz", ranker_arrays(OF_ITEMS, 3, learned, seen))
    both = current.model_copy(update={"versions": {**current.versions, "lambdamart": "v2"}})

    found = load_models(both, "publish", ("ranker", "lambdamart")).scores(BATCH)

    pairs = found.candidates("reorder")
    features = pair_features(pairs, BATCH, found.plain, OF_ITEMS, seen)
    ranked = found.of("lambdamart", "reorder").at(pairs.users, pairs.items)
    np.testing.assert_array_equal(ranked, Booster(text).predict(features))


def test_lambdamart_sees_nineteen_features() -> None:
    assert len(rankers_named()["lambdamart"].sees(COLUMNS)) == 19


def test_two_rankers_order_the_same_candidates(current: CurrentModels) -> None:
    files.write_arrays(f"{current.root}/lambdamart/v1/publish/arrays.npz", ranker_arrays(OF_ITEMS, 3, CHEAP, COLUMNS))
    both = current.model_copy(update={"versions": {**current.versions, "lambdamart": "v1"}})

    scored = load_models(both, "publish", ("ranker", "lambdamart")).scores(BATCH)
    alone = load_models(both, "publish", ("lambdamart",)).scores(BATCH)

    def every(found: BatchScores, name: str, shelf: str) -> np.ndarray:
        return as_matrix(found.of(name, shelf), USERS, ITEMS)

    np.testing.assert_array_equal(every(scored, "lambdamart", "reorder"), every(alone, "lambdamart", "reorder"))
    assert (every(scored, "lambdamart", "reorder") != every(scored, "ranker", "reorder")).any()
    np.testing.assert_array_equal(every(scored, "lambdamart", "discover"), every(scored, "ranker", "discover"))


def test_a_model_may_be_fitted_at_some_folds_alone(current: CurrentModels) -> None:
    compared = current.model_copy(update={"folds": ("test", "publish"), "only_at": {"ease": ("test",)}})

    assert set(compared.at("test")) == set(current.versions)
    assert set(compared.at("test")) - set(compared.at("publish")) == {"ease"}


def test_users_without_candidates_are_ranked_by_popularity() -> None:
    ranker = LoadedRanker(TREES, ranker_arrays(OF_ITEMS, 3, BOOSTERS, COLUMNS))
    found = candidates(SCORES, lists_of(np.ones((USERS, ITEMS), bool)), "discover", 3, ITEMS)
    features = pair_features(found, BATCH, SCORES, OF_ITEMS, COLUMNS)

    best = ranker.scores(found, features, BELOW, BATCH, "discover").best(ItemLists.none(USERS), ITEMS)

    assert best.items[:, : KNOWN.sum()].tolist() == [np.flatnonzero(KNOWN)[::-1].tolist()] * USERS


@pytest.fixture(scope="module")
def current(tmp_path_factory: pytest.TempPathFactory) -> CurrentModels:
    """Three of the models that the ranker stands on, and the ranker."""
    root = str(tmp_path_factory.mktemp("models"))
    popularity = {"scores": np.where(KNOWN, BOUGHT.sum(axis=0) + 0.5, 0).astype(np.float32)}
    weights = np.abs(RANDOM.normal(size=(ITEMS, ITEMS))).astype(np.float32)
    arrays = {
        "popularity": popularity,
        "recent_popularity": popularity,
        "ease": arrays_of(sparse.csr_matrix(weights)),
        "own_frequency_decayed": {"order": popularity["scores"] / 100, "half_life_days": np.array(30.0)},
        "ranker": ranker_arrays(OF_ITEMS, 3, BOOSTERS, COLUMNS),
    }
    for name, content in arrays.items():
        files.write_arrays(f"{root}/{name}/v1/publish/arrays.npz", content)
    return CurrentModels(root=root, versions=dict.fromkeys(arrays, "v1"), folds=("publish",), items=ITEMS, left_out={})


def test_the_ranker_alone_loads_what_it_stands_on_and_ranks_each_shelf_by_its_booster(current: CurrentModels) -> None:
    found = load_models(current, "publish", ("ranker",)).scores(BATCH)

    assert set(found.plain) == {"recent_popularity", "ease", "own_frequency_decayed"}
    # What the boosters tell apart: prices up to 2 from those from 5 on, three events from fewer.
    for shelf, liked, sign, best, rest in (("discover", "price", -1, -2, -5), ("reorder", "own_events", 1, 3, 2)):
        pairs = found.candidates(shelf)
        scores = as_matrix(found.of("ranker", shelf), USERS, ITEMS)
        features = pair_features(pairs, BATCH, found.plain, OF_ITEMS, COLUMNS)
        values = sign * features[:, COLUMNS.index(liked)]
        high, low = values >= best, values <= rest
        pairs_of_user = [
            (scores[user, pairs.items[mine & high]], scores[user, pairs.items[mine & low]])
            for user in range(USERS)
            for mine in [pairs.users == user]
        ]
        compared = [ones.min() > others.max() for ones, others in pairs_of_user if len(ones) and len(others)]
        assert len(compared) > 5
        assert all(compared)
    assert not INTERACTED[found.candidates("discover").users, found.candidates("discover").items].any()


def test_there_are_no_candidates_without_a_ranker(current: CurrentModels) -> None:
    found = load_models(current, "publish", ("ease",)).scores(BATCH)

    assert set(found.plain) == {"ease"}
    with pytest.raises(ValueError, match="ranker"):
        found.candidates("reorder")


@pytest.fixture(scope="module")
def users(spark: SparkSession) -> DataFrame:
    """The users, each with targets, in three partitions."""
    targets = [[int(item) for item in np.flatnonzero(RANDOM.random(ITEMS) < 0.2)] or [2] for _ in range(USERS)]
    rows = [
        (row.user_id, row.user_index, *([value.item() for value in values] for values in row[3:]), mine)
        for row, mine in zip(ROWS.itertuples(), targets, strict=True)
    ]
    schema = "user_id string, user_index int, items array<int>, events array<int>, days_since array<double>, "
    schema += "first_days_since array<double>, interacted array<int>, targets array<int>"
    return spark.createDataFrame(rows, schema).repartition(3).cache()


def _backtest(users: DataFrame, current: CurrentModels, names: tuple[str, ...], **options: int) -> pd.DataFrame:
    in_order = users.coalesce(1).sortWithinPartitions("user_id")
    shelves, settings = ("discover", "reorder"), RankerSettings(**options)
    return backtest(in_order, current, 2, "publish", names, OF_ITEMS, COLUMNS, shelves, settings, 5).toPandas()


def test_a_backtest_tells_of_each_candidate_what_became_of_it(users: DataFrame, current: CurrentModels) -> None:
    names = ("ease", "recent_popularity", "own_frequency_decayed")

    samples = _backtest(users, current, names, depth=3)

    assert set(samples["window"]) == {2}
    assert set(samples["fold"]) == {"publish"}
    plain = load_models(current, "publish", names).scores(BATCH).plain
    wanted = {row.user_id: row.targets for row in users.collect()}
    for shelf in ("discover", "reorder"):
        pairs = candidates(plain, BATCH.hidden(shelf), shelf, 3, ITEMS)
        relevant = np.array(
            [
                item in wanted[f"u{user:02}"] and not (shelf == "discover" and BOUGHT[user, item])
                for user, item in zip(pairs.users, pairs.items, strict=True)
            ]
        )
        lucky = np.isin(pairs.users, pairs.users[relevant])
        assert 0 < lucky.mean() < 1
        found = samples[samples["shelf"] == shelf]
        np.testing.assert_array_equal(found["label"], relevant[lucky])
        np.testing.assert_array_equal(found["user_index"], BATCH.index[pairs.users[lucky]])
        np.testing.assert_array_equal(found["item_index"], pairs.items[lucky])
        expected = pair_features(pairs.where(lucky), BATCH, plain, OF_ITEMS, COLUMNS)
        np.testing.assert_allclose(found[list(COLUMNS)], expected, rtol=1e-4, atol=1e-5)


def test_a_backtest_without_users_is_empty(users: DataFrame, current: CurrentModels) -> None:
    found = _backtest(users.where("false"), current, ("recent_popularity",))

    assert len(found) == 0
    assert set(COLUMNS) < set(found.columns)


def test_of_many_candidates_without_an_event_some_are_kept(users: DataFrame, current: CurrentModels) -> None:
    names = ("ease", "recent_popularity")

    everything, few = (_backtest(users, current, names, depth=6, negatives=number) for number in (1_000, 2))

    key = ["shelf", "user_index"]
    all_negatives, negatives = (rows[rows["label"] == 0].groupby(key).size() for rows in (everything, few))
    pd.testing.assert_series_equal(negatives, all_negatives.clip(upper=2))
    assert all_negatives.max() > 2
    assert (everything["label"] == 1).sum() == (few["label"] == 1).sum()
    assert len(few.merge(everything)) == len(few)


def test_samples_are_read_by_window_and_user(spark: SparkSession, tmp_path: Path) -> None:
    rows = [
        (window, shelf, user, item, float(item == 3), None if item == 2 else 10.0 * user + item, 0.0)
        for window in (2, 1)
        for shelf in ("discover", "reorder")
        for user in (5, 4)
        for item in range(2, 4 + window % 2)
    ]
    schema = "window int, shelf string, user_index int, item_index int, label float, a float, b float"
    table = spark.createDataFrame(rows, schema)

    samples = Samples.read(table, "reorder", ("a",), str(tmp_path / "scratch"))

    assert samples.windows.tolist() == [1] * 6 + [2] * 4
    assert samples.sizes.tolist() == [3, 3, 2, 2]
    np.testing.assert_array_equal(samples.features[:, 0], [np.nan, 43, 44, np.nan, 53, 54, np.nan, 43, np.nan, 53])
    assert samples.relevant.tolist() == [False, True, False, False, True, False, False, True, False, True]
    older = samples.of([2])
    assert (older.sizes.tolist(), older.windows.tolist()) == ([2, 2], [2] * 4)
    np.testing.assert_array_equal(older.features, samples.features[6:])
    assert len(samples.of([]).sizes) == 0
