from pathlib import Path

import numpy as np
import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from sparkrec.config.settings import RankerSettings
from sparkrec.recommend.queries.query_ranker import (
    fit_query_ranker,
    fitted_at,
    learnable,
    query_columns,
    seen,
    version_of,
    with_query_ranker,
    write_query_ranker,
)

_SETTINGS = RankerSettings(min_users=10, trees=20, min_rows=5)


def rows(spark: SparkSession, folds: tuple[str, ...], queries: int) -> DataFrame:
    """Ten candidates a query, of which the ones of a brand are clicked; `same_brand` says so, `bm25` says nothing."""
    chance = np.random.default_rng(5)
    found = spark.createDataFrame(
        [
            (fold, f"q{query}", f"i{item}", float(item % 5 == query % 5), float(chance.random()), item)
            for fold in folds
            for query in range(queries)
            for item in range(10)
        ],
        "fold string, normalised_query string, item_id string, label float, bm25 float, place_bm25 int",
    )
    places = {name: F.lit(None).cast("int") for name in query_columns() if name.startswith("place_")} | {
        "place_bm25": F.col("place_bm25")
    }
    missing = {name: F.lit(0.0).cast("float") for name in seen() if name not in {*found.columns, *places}}
    half = F.pmod(F.xxhash64("normalised_query"), F.lit(2)).cast("int")
    return found.withColumns({**places, **missing, "same_brand": F.col("label"), "half": half})


def test_it_learns_what_makes_candidates_chosen(spark: SparkSession, tmp_path: Path) -> None:
    known = rows(spark, ("validation", "test"), 60)
    uri = str(tmp_path / "ranker.npz")

    write_query_ranker(uri, fit_query_ranker(known, ("test", "publish"), _SETTINGS, 1, str(tmp_path / "scratch")))

    assert fitted_at(uri) == {"test", "publish"}
    scored = with_query_ranker(known.where("fold = 'test'"), uri, "test").toPandas()
    assert scored["query_ranker"].notna().all()
    best = scored.sort_values("query_ranker", ascending=False).groupby("normalised_query").head(2)
    assert (best["label"] == 1).all()
    # What the ranker alone needs is gone again.
    assert set(scored) == {"fold", "normalised_query", "item_id", "label", "query_ranker", *query_columns()}


def test_queries_are_ranked_by_what_others_taught_but_for_those_published(spark: SparkSession, tmp_path: Path) -> None:
    known = rows(spark, ("back_3", "validation", "test"), 60)
    scratch = str(tmp_path / "scratch")

    trees = fit_query_ranker(known, ("validation", "test", "publish"), _SETTINGS, 1, scratch)

    assert set(trees) == {f"{fold}/{half}" for fold in ("validation", "test", "publish") for half in (0, 1)}
    np.testing.assert_array_equal(trees["publish/0"], trees["publish/1"])
    assert trees["test/0"].tobytes() != trees["test/1"].tobytes()
    # The half that is asked for, and the fold's own window, make no difference to what was learned.
    other = known.where("fold in ('back_3', 'validation') and half = 1").union(
        known.where("half = 0 or fold = 'test'").withColumn("same_brand", F.rand(3).cast("float"))
    )
    again = fit_query_ranker(other.select(known.columns), ("test",), _SETTINGS, 1, scratch)
    np.testing.assert_array_equal(again["test/0"], trees["test/0"])


def test_too_few_queries_leave_a_fold_without_a_ranker(spark: SparkSession, tmp_path: Path) -> None:
    trees = fit_query_ranker(rows(spark, ("test",), 8), ("test", "publish"), _SETTINGS, 1, str(tmp_path / "scratch"))

    assert trees == {}
    uri = str(tmp_path / "ranker.npz")
    write_query_ranker(uri, trees)
    assert fitted_at(uri) == set()
    assert version_of(uri) == version_of(uri)
    assert fitted_at(str(tmp_path / "nowhere.npz")) == set()


def test_only_queries_with_a_candidate_that_was_clicked_teach(spark: SparkSession) -> None:
    found = spark.createDataFrame(
        [
            ("test", "clicked", "a", 1.0, 1),
            ("test", "clicked", "b", 0.0, 2),
            ("test", "clicked", "missed", 1.0, None),
            ("test", "not clicked", "a", 0.0, 1),
            ("test", "missed alone", "a", 0.0, 1),
            ("test", "missed alone", "b", 1.0, None),
            ("publish", "clicked", "a", None, 1),
            *[("validation", f"q{number}", "a", 1.0, 1) for number in range(5)],
        ],
        "fold string, normalised_query string, item_id string, label float, place_bm25 int",
    )
    others = [name for name in query_columns() if name.startswith("place_") and name != "place_bm25"]
    found = found.withColumns({name: F.lit(None).cast("int") for name in others})

    kept = learnable(found, most=3, seed=1).collect()

    assert {(row.normalised_query, row.item_id) for row in kept if row.fold == "test"} == {
        ("clicked", "a"),
        ("clicked", "b"),
    }
    assert len({row.normalised_query for row in kept if row.fold == "validation"}) == 3


@pytest.mark.parametrize("name", ["label", "fold", "item_id"])
def test_it_does_not_see_what_it_is_to_tell(name: str) -> None:
    assert name not in seen()
    assert {"bm25", "category_share", "place_clicks", "buyers_28"} <= {*seen()}
