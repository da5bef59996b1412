import numpy as np
import pytest
from pyspark.sql import DataFrame, SparkSession

from sparkrec.config.settings import SearchSettings
from sparkrec.lake import files
from sparkrec.lake.model_tables import USERS as USERS_FOLDER
from sparkrec.lake.model_tables import user_vectors
from sparkrec.recommend.ranking import top_k
from sparkrec.recommend.search.top_items import prepare, ranked, top_items
from sparkrec.registry.model_store import CurrentModels

USERS, ITEMS, MAX = 60, 900, 7
RANDOM = np.random.default_rng(8)
# Sixteenths: their products are exact.
VECTORS = {
    name: np.round(16 * RANDOM.standard_normal((rows, 5))).astype(np.float32) / 16
    for name, rows in (("users", USERS), ("items", ITEMS))
}
VECTORS["users"][5] = 0
KNOWN = RANDOM.random(ITEMS) < 0.8
SCORES = np.where(KNOWN, VECTORS["users"] @ VECTORS["items"].T, -np.inf).astype(np.float32)
# The first has seen nothing, the last all but three.
SEEN = [np.argsort(-SCORES[user])[: 3 * user].tolist() for user in range(USERS)]
SEEN[-1] = np.flatnonzero(KNOWN)[:-3].tolist()
SETTINGS = SearchSettings()


@pytest.fixture(scope="module")
def current(tmp_path_factory: pytest.TempPathFactory) -> CurrentModels:
    root = str(tmp_path_factory.mktemp("models"))
    versions = {"popularity": "v1", "als": "v2"}
    files.write_arrays(f"{root}/popularity/v1/publish/arrays.npz", {"scores": KNOWN.astype(np.float32)})
    files.write_arrays(f"{root}/als/v2/publish/arrays.npz", {"items": VECTORS["items"]})
    vectors = user_vectors(np.arange(USERS, dtype=np.int32), VECTORS["users"])
    files.write_table(f"{root}/als/v2/publish/{USERS_FOLDER}/part-0.parquet", [vectors])
    return CurrentModels(root=root, versions=versions, folds=("publish",), items=ITEMS, left_out={})


@pytest.fixture(scope="module")
def users(spark: SparkSession) -> DataFrame:
    rows = [(f"u{user:02}", user, SEEN[user] if user else None, _vector(user)) for user in range(USERS)]
    # More partitions than rows, so that some are empty.
    schema = "user_id string, query_index int, seen array<int>, query_vector array<float>"
    return spark.createDataFrame(rows, schema).repartition(80)


def _vector(user: int) -> list[float] | None:
    """The user's vector; that of 0 stands for one that is missing."""
    vector: list[float] = VECTORS["users"][user].tolist()
    return vector if any(vector) else None


def test_lists_are_those_of_every_score_and_their_scores_the_models_own(
    spark: SparkSession, users: DataFrame, current: CurrentModels
) -> None:
    search = prepare(spark, current, "als", "publish", "users", MAX, SETTINGS, seed=1)

    lists = top_items(users, search, MAX)
    found = {row.query_index: row for row in lists.collect()}

    assert lists.columns == ["user_id", "query_index", "top_items", "top_scores"]
    assert (search.cells, search.recall, search.items) == (None, 1.0, KNOWN.sum())
    assert search.told == f"als: {KNOWN.sum()} items are searched exactly"
    assert set(found) == set(range(USERS))
    masked = SCORES.copy()
    for user, row in found.items():
        masked[user, SEEN[user]] = -np.inf
        expected = top_k(masked[[user]], MAX)[0]
        expected = expected[masked[user, expected] > -np.inf].tolist()
        assert row.user_id == f"u{user:02}"
        assert row.top_items == expected
        assert row.top_scores == SCORES[user, expected].tolist()
    assert len(found[USERS - 1].top_items) == 3


def test_one_row_an_item(spark: SparkSession, users: DataFrame, current: CurrentModels) -> None:
    lists = top_items(users, prepare(spark, current, "als", "publish", "users", MAX, SETTINGS, seed=1), MAX)

    rows = ranked(lists).toPandas().sort_values(["query_index", "rank"])

    assert list(rows.columns) == ["user_id", "query_index", "rank", "item_index", "score"]
    assert rows.groupby("query_index")["rank"].apply(list).tolist() == [[*range(1, MAX + 1)]] * (USERS - 1) + [
        [1, 2, 3]
    ]
    np.testing.assert_array_equal(rows["score"], SCORES[rows["query_index"], rows["item_index"]])


def test_nobody_asks(spark: SparkSession, users: DataFrame, current: CurrentModels) -> None:
    search = prepare(spark, current, "als", "publish", "users", MAX, SETTINGS, seed=1)

    assert top_items(users.where("false"), search, MAX).count() == 0


def test_above_the_size_that_is_searched_exactly_the_recall_is_measured_and_told(
    spark: SparkSession, users: DataFrame, current: CurrentModels
) -> None:
    settings = SearchSettings(exact_items=int(KNOWN.sum()) - 1, min_recall=0.6, recall_sample=40)
    search = prepare(spark, current, "als", "publish", "users", MAX, settings, seed=3)
    everybody = users.selectExpr("query_index", "cast(array() as array<int>) as seen", "query_vector")

    found = {row.query_index: row for row in top_items(everybody, search, MAX).collect()}

    drawn = users.where("query_index != 5").selectExpr("query_index", "xxhash64(3, query_index) as lot").toPandas()
    asked = drawn.sort_values("lot")["query_index"].tolist()[:40]
    exact = top_k(SCORES, MAX)
    hits = [len(set(exact[user]) & set(found[user].top_items)) for user in asked]
    assert search.recall == sum(hits) / (40 * MAX)
    assert 0.6 <= search.recall < 1
    assert search.told == f"als: {KNOWN.sum()} items are searched approximately, recall {search.recall:.3f}"
    for user, row in found.items():
        assert row.top_scores == SCORES[user, row.top_items].tolist()


def test_at_the_size_itself_the_search_is_exact(spark: SparkSession, current: CurrentModels) -> None:
    settings = SearchSettings(exact_items=int(KNOWN.sum()))

    assert prepare(spark, current, "als", "publish", "users", MAX, settings, seed=3).cells is None


def test_cells_go_with_the_version_of_their_model(spark: SparkSession, current: CurrentModels) -> None:
    search = prepare(spark, current, "als", "publish", "items", MAX, SearchSettings(exact_items=0), seed=3)

    assert search.cells is not None
    assert search.cells.startswith(current.folder("als") + "/")
    assert files.exists(search.cells)
