"""The second stage: candidates, facts, features, booster and the scores that come of them."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from dense_scores import DenseScores, as_matrix, check_same, lists_of
from item_weights import arrays_of
from pyspark.sql import DataFrame, SparkSession
from scipy import sparse

from sparkrec.config.settings import RankerSettings
from sparkrec.lake import files
from sparkrec.recommend.item_lists import ItemLists
from sparkrec.recommend.loaded import BatchScores, load_models
from sparkrec.recommend.models import MODELS
from sparkrec.recommend.ranker import booster, recipes
from sparkrec.recommend.ranker.backtest import backtest
from sparkrec.recommend.ranker.booster import Backtest, Booster
from sparkrec.recommend.ranker.candidates import Candidates, candidates, retrievers
from sparkrec.recommend.ranker.features import columns, pair_features
from sparkrec.recommend.ranker.item_facts import FACTS, item_facts
from sparkrec.recommend.ranker.ranker import Ranker, below_candidates, over, seen
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
TABLE = RANDOM.integers(0, 30, (ITEMS, len(FACTS))).astype(np.float32)
TABLE[:, FACTS.index("price")] = PRICES


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


LAST = datetime(2026, 5, 1, 12, tzinfo=UTC)


def test_facts_of_items_are_those_that_a_fold_knows(spark: SparkSession, tmp_path: Path) -> None:
    def event(user: int, item: int, days: float, price: float | None, window: int) -> tuple:
        return user, item, LAST - timedelta(days=days), price, window

    events = [
        event(2, 3, 0, 9.0, 0),
        event(2, 3, 28, 1.0, 1),
        event(3, 3, 28, 4.0, 1),
        event(4, 3, 35.5, 2.0, 1),
        event(4, 3, 150, None, 2),
        event(4, 5, 28 + 91, None, 2),
        event(4, 2, 0, 5.0, 0),
    ]
    schema = "user_index int, item_index int, event_time timestamp, unit_price double, window int"
    positives = spark.createDataFrame(events, schema)

    facts = item_facts(positives, ["test", "publish"], 6, str(tmp_path / "scratch"))

    def told(fold: str, item: int) -> dict[str, float]:
        return dict(zip(FACTS, facts[fold][item].tolist(), strict=True))

    counts = {"buyers_7": 2, "buyers_28": 3, "buyers_90": 3, "buyers": 3, "events": 4}
    assert told("test", 3) == {**counts, "age_days": 122, "days_since_sold": 0, "price": 2} | {"buyers_28": 3}
    assert told("publish", 3) == {
        **{"buyers_7": 1, "buyers_28": 2, "buyers_90": 3, "buyers": 3, "events": 5},
        **{"age_days": 150, "days_since_sold": 0, "price": 3},
    }
    none = dict.fromkeys(counts, 0)
    missing = {"age_days": float("nan"), "days_since_sold": float("nan"), "price": float("nan")}
    assert told("test", 2) == pytest.approx({**none, **missing}, nan_ok=True)
    old = {**none, "buyers": 1, "events": 1, "age_days": 91, "days_since_sold": 91, "price": float("nan")}
    assert told("test", 5) == pytest.approx(old, nan_ok=True)


def _feature(
    name: str, shelf: str = "reorder", scores: dict[str, UserScores] = SCORES
) -> tuple[Candidates, np.ndarray]:
    found = candidates(scores, ItemLists.none(USERS), shelf, 6, ITEMS)
    features = pair_features(found, BATCH, scores, TABLE, shelf)
    assert features.shape == (len(found.users), len(columns(shelf)))
    assert features.dtype == np.float32
    return found, features[:, columns(shelf).index(name)]


def _expected(name: str, user: int, item: int) -> float:
    events, since, first = EVENTS[user, item], DAYS[user, item], FIRST_DAYS[user, item]
    gap = (first - since) / (events - 1) if events > 1 else np.nan
    has = BOUGHT[user]
    prices = PRICES[has][~np.isnan(PRICES[has])]
    latest = DAYS[user, has].min()
    fact = dict(zip(FACTS, TABLE[item].astype(float), strict=True))
    return {
        "own_events": events,
        "days_since": since if events else np.nan,
        "days_since_first": first if events else np.nan,
        "own_gap_days": gap,
        "days_since_by_gap": since / max(gap, 0.5),
        "days_since_less_latest": since - latest if events else np.nan,
        "price_by_usual": PRICES[item] / np.median(prices) if len(prices) else np.nan,
        "price": PRICES[item],
        "buyers_28": fact["buyers_28"],
        "trend_7_28": fact["buyers_7"] / (fact["buyers_28"] + 1),
        "trend_28_90": fact["buyers_28"] / (fact["buyers_90"] + 1),
        "events_by_buyer": fact["events"] / max(fact["buyers"], 1),
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
    "buyers_28 trend_7_28 trend_28_90 events_by_buyer user_events user_items user_days_since user_days_since_first "
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
    assert "place_own_frequency_decayed" not in columns("discover")


def test_what_a_model_that_was_not_fitted_would_say_is_missing() -> None:
    few = {name: SCORES[name] for name in ("als", "recent_popularity")}

    for name in ("score_ease", "standard_ease_decayed", "place_ease", "score_recent_neighbours"):
        assert np.isnan(_feature(name, "discover", few)[1]).all()
    assert np.isfinite(_feature("score_als", "discover", few)[1]).all()


SETTINGS = RankerSettings(trees=30, leaves=4, min_rows=5, learning_rate=0.2, depth=4)
RECIPE = recipes.published(SETTINGS)


def _backtest(seed: int) -> Backtest:
    """Users whose relevant candidate is the one with the largest second feature."""
    random = np.random.default_rng(seed)
    features = random.normal(size=(60, 8, 3)).astype(np.float32)
    features[:, :, 2] = np.nan
    best = features[:, :, 1].argmax(axis=1)
    relevant = np.arange(8) == best[:, None]
    return Backtest(features.reshape(-1, 3), relevant.ravel(), np.full(60, 8))


def test_the_booster_puts_first_what_was_relevant_and_is_the_same_each_time() -> None:
    text = booster.fit([_backtest(1), _backtest(2)], RECIPE, np.arange(3), seed=5)

    unseen = _backtest(3)
    scores = Booster(text).predict(unseen.features).reshape(60, 8)
    first = np.take_along_axis(unseen.relevant.reshape(60, 8), scores.argmax(axis=1)[:, None], 1)
    assert first.mean() > 0.7

    all_three = np.arange(3)
    both = {
        "one": ([_backtest(1), _backtest(2)], RECIPE, all_three),
        "other": ([_backtest(4)], recipes.lambdamart(), all_three),
    }
    again = booster.fit_all(both, seed=5, at_once=2)
    assert again["one"].tobytes() == text.tobytes()
    assert again["other"].tobytes() == booster.fit(*both["other"], seed=5).tobytes() != text.tobytes()


def _booster(shelf: str, liked: str, most: int, sign: int) -> np.ndarray:
    """A booster that learned to prefer large values of a feature, or small ones."""
    names = columns(shelf)
    features = np.zeros((60, 8, len(names)), np.float32)
    values = features[:, :, names.index(liked)] = RANDOM.integers(0, most, (60, 8))
    relevant = sign * values == (sign * values).max(axis=1, keepdims=True)
    backtest = Backtest(features.reshape(-1, len(names)), relevant.ravel(), np.full(60, 8))
    return booster.fit([backtest], RECIPE, seen(RECIPE, shelf), seed=1)


# Cheap items on discover, own events on reorder; and cheap ones there, too.
BOOSTERS = {"discover": _booster("discover", "price", 20, -1), "reorder": _booster("reorder", "own_events", 4, 1)}
CHEAP = {"discover": BOOSTERS["discover"], "reorder": _booster("reorder", "price", 20, -1)}


POPULAR = np.arange(ITEMS, dtype=np.float32)
BELOW = below_candidates(SharedScores.of(POPULAR, KNOWN))


def test_the_ranker_orders_candidates_by_its_booster_and_puts_the_rest_behind_by_popularity() -> None:
    ranker = Ranker(Ranker.arrays(TABLE, 3, BOOSTERS, RECIPE))
    found = candidates(SCORES, lists_of(INTERACTED), "discover", 3, ITEMS)
    features = pair_features(found, BATCH, SCORES, TABLE, "discover")

    scores = ranker.scores(found, features, BELOW, BATCH, "discover")

    ranked = as_matrix(scores, USERS, ITEMS)
    np.testing.assert_array_equal(ranked[found.users, found.items], Booster(BOOSTERS["discover"]).predict(features))
    for user in range(USERS):
        named = found.items[found.users == user]
        others = np.setdiff1d(np.flatnonzero(KNOWN), named)
        assert ranked[user, others].max() < ranked[user, named].min()
        assert others[np.argsort(ranked[user, others])].tolist() == others.tolist()
    check_same(scores, DenseScores(ranked, KNOWN), lists_of(INTERACTED))


def test_a_booster_sees_the_features_of_its_recipe_alone() -> None:
    recipe = recipes.Recipe("rank_xendcg", 20, {"min_data_in_leaf": 5}, lambda shelf: ("price", "own_events"))
    places = seen(recipe, "discover")
    assert [columns("discover")[place] for place in places] == ["price", "own_events"]
    every = RANDOM.normal(size=(480, len(columns("discover")))).astype(np.float32)
    relevant = every[:, places[0]].reshape(60, 8) == every[:, places[0]].reshape(60, 8).max(axis=1, keepdims=True)
    text = booster.fit([Backtest(every, relevant.ravel(), np.full(60, 8))], recipe, places, seed=1)
    ranker = Ranker(Ranker.arrays(TABLE, 3, {"discover": text}, recipe))
    found = Candidates(np.repeat(np.arange(60), 8), np.tile(np.arange(8), 60), {})

    nothing = SharedScores.of(np.zeros(8, np.float32), np.ones(8, bool))
    nobody = pd.DataFrame({"user_index": np.arange(60)}).assign(
        **{name: [np.zeros(0)] * 60 for name in ROWS.columns.drop(["user_id", "user_index"])}
    )

    scores = ranker.scores(found, every, nothing, UserBatch.of(nobody, 8), "discover")

    ranked = as_matrix(scores, 60, 8)
    np.testing.assert_array_equal(ranked.ravel(), Booster(text).predict(every[:, places]))
    first = np.take_along_axis(relevant, ranked.argmax(axis=1)[:, None], 1)
    assert first.mean() > 0.9


def test_lambdamart_sees_nineteen_features_that_there_are_on_each_shelf() -> None:
    for shelf in ("discover", "reorder"):
        assert len(set(seen(recipes.lambdamart(), shelf))) == 19


def test_two_rankers_order_the_same_candidates(current: CurrentModels) -> None:
    files.write_arrays(f"{current.root}/lambdamart/v1/publish/arrays.npz", Ranker.arrays(TABLE, 3, CHEAP, RECIPE))
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
    ranker = Ranker(Ranker.arrays(TABLE, 3, BOOSTERS, RECIPE))
    found = candidates(SCORES, lists_of(np.ones((USERS, ITEMS), bool)), "discover", 3, ITEMS)
    features = pair_features(found, BATCH, SCORES, TABLE, "discover")

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
        "ranker": Ranker.arrays(TABLE, 3, BOOSTERS, RECIPE),
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
        features = pair_features(pairs, BATCH, found.plain, TABLE, shelf)
        values = sign * features[:, columns(shelf).index(liked)]
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


def test_a_backtest_tells_of_each_candidate_what_became_of_it(users: DataFrame, current: CurrentModels) -> None:
    names, shelves = ("ease", "recent_popularity", "own_frequency_decayed"), ("discover", "reorder")

    in_order = users.coalesce(1).sortWithinPartitions("user_id")
    found = backtest(in_order, current, "publish", names, TABLE, shelves, RankerSettings(depth=3), 5)

    plain = load_models(current, "publish", names).scores(BATCH).plain
    wanted = {row.user_id: row.targets for row in users.collect()}
    for shelf in shelves:
        pairs = candidates(plain, BATCH.hidden(shelf), shelf, 3, ITEMS)
        relevant = np.array(
            [
                item in wanted[f"u{user:02}"] and not (shelf == "discover" and BOUGHT[user, item])
                for user, item in zip(pairs.users, pairs.items, strict=True)
            ]
        )
        lucky = np.isin(pairs.users, pairs.users[relevant])
        assert 0 < lucky.mean() < 1
        np.testing.assert_array_equal(found[shelf].relevant, relevant[lucky])
        np.testing.assert_array_equal(found[shelf].sizes, np.unique(pairs.users[lucky], return_counts=True)[1])
        expected = pair_features(pairs.where(lucky), BATCH, plain, TABLE, shelf)
        np.testing.assert_allclose(found[shelf].features, expected, rtol=1e-4, atol=1e-5)


def test_a_backtest_without_users_is_empty(users: DataFrame, current: CurrentModels) -> None:
    found = backtest(
        users.where("false"), current, "publish", ("recent_popularity",), TABLE, ("discover",), SETTINGS, 5
    )

    assert found["discover"].features.shape == (0, len(columns("discover")))
    assert len(found["discover"].sizes) == 0


def test_of_many_candidates_that_came_to_nothing_some_teach(users: DataFrame, current: CurrentModels) -> None:
    names, in_order = ("ease", "recent_popularity"), users.coalesce(1).sortWithinPartitions("user_id")

    def backtested(negatives: int) -> Backtest:
        settings = RankerSettings(depth=6, negatives=negatives)
        return backtest(in_order, current, "publish", names, TABLE, ("reorder",), settings, 5)["reorder"]

    everything, few = backtested(1_000), backtested(2)
    of_user = np.repeat(np.arange(len(few.sizes)), few.sizes)
    negatives = np.bincount(of_user[~few.relevant], minlength=len(few.sizes))
    all_of_user = np.repeat(np.arange(len(everything.sizes)), everything.sizes)
    all_negatives = np.bincount(all_of_user[~everything.relevant], minlength=len(everything.sizes))
    np.testing.assert_array_equal(negatives, np.minimum(all_negatives, 2))
    assert all_negatives.max() > 2
    assert few.relevant.sum() == everything.relevant.sum()
    kept = {row.tobytes() for row in everything.features}
    assert all(row.tobytes() in kept for row in few.features)
