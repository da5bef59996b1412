"""Candidates of queries and the published results, as the two jobs make them from tables of a lake."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from sparkrec.config import load_settings
from sparkrec.lake import Lake
from sparkrec.recommend.queries.fusion import SEARCH
from sparkrec.recommend.queries.live import LiveSearch
from sparkrec.recommend.queries.query_ranker import RANKER_FILE, write_query_ranker
from sparkrec.registry.chosen import Chosen, ChosenList
from sparkrec.steps import match, search
from sparkrec.steps.query_evaluation import evaluate_queries

DAY = datetime(2026, 1, 1, 12, tzinfo=UTC)
Row = dict[str, object]


def searched(number: int, query: str, user: str, day: datetime, clicked: str | None) -> tuple[Row, list[Row]]:
    """A search that showed the items a and b, and what came of it."""
    key = f"s{number}"
    issued: Row = {"search_id": key, "user_id": user, "session_id": f"of {user}", "event_date": day.date()}
    issued |= {"query": query, "normalised_query": query, "is_bot": False}
    event: Row = {"search_id": key, "user_id": user, "event_date": day.date(), "known_time": day, "is_bot": False}
    shown: list[Row] = [
        {**event, "item_id": item, "event_type": "impression", "position": place}
        for place, item in enumerate(["a", "b"], 1)
    ]
    return issued, shown + ([{**event, "item_id": clicked, "event_type": "click"}] if clicked else [])


@pytest.fixture(scope="module")
def shop(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory, filled: Callable[[Lake], Any]) -> Lake:
    lake = Lake(spark, str(tmp_path_factory.mktemp("shop")))
    fill = filled(lake)
    back = [timedelta(days=days) for days in (0, 10, 40, 70, 120)]
    # The mug is found for "mug" all along; what means something else, "rake", is clicked in the test window only.
    happened = [searched(n, "mug", f"u{n % 2}", DAY - ago, "b") for n, ago in enumerate(back)]
    happened += [searched(10, "rake", "u1", DAY, "a"), searched(11, "rake", "u2", DAY, None)]
    happened += [searched(20, "secret", "u1", DAY, "a"), searched(21, "xyzzy", "u1", DAY, None)]
    happened += [searched(22, "xyzzy", "u2", DAY, None)]
    fill("silver.searches", [issued for issued, _ in happened])
    fill("silver.interactions", [event for _, events in happened for event in events])
    titles = {"a": "Blue mugs", "b": "Red lamp", "c": None}
    fill("silver.items", [{"item_id": item, "title": title, "brand": "Acme"} for item, title in titles.items()])
    asked = {"mug": 5, "rake": 2, "secret": 1, "xyzzy": 2}
    fill(
        "features.query_text",
        [
            {"normalised_query": query, "corrected_query": query, "searches": searches, "edits": 0}
            for query, searches in asked.items()
        ],
    )
    vectors = {"mug": [1.0, 0.0], "xyzzy": [0.5, -0.866], "Blue mugs": [0.9, 0.436], "Red lamp": [0.0, 1.0]}
    fill("features.text_vectors", [{"text": text, "vector": vector} for text, vector in vectors.items()])
    fill(
        "features.positives",
        [{"user_id": "u", "event_time": DAY - ago, "known_time": DAY - ago} for ago in back],
    )
    fill("features.vocabulary", [{"feature": "item", "value": item, "index": n} for n, item in enumerate("abc", 2)])
    fill("features.item_activity", [{"fold": "publish", "item_index": 2, "price": 4.0}])
    return lake


@pytest.fixture(scope="module")
def matched(shop: Lake, steps: Callable[[Lake], Any]) -> dict[tuple[str, str, str], Any]:
    steps(shop)(match)
    rows = shop.read("features.query_items").collect()
    return {(row.fold, row.normalised_query, row.item_id): row for row in rows}


def test_queries_of_a_window_have_candidates_at_the_fold_before_with_what_was_clicked(
    matched: dict[tuple[str, str, str], Any],
) -> None:
    assert {(fold, query) for fold, query, _ in matched} == {
        *(("back_3", query) for query in ["mug"]),
        *(("validation", query) for query in ["mug"]),
        *(("test", query) for query in ["mug", "rake", "secret"]),
        # What one person alone typed has no results; nothing answers xyzzy.
        *(("publish", query) for query in ["mug", "rake"]),
    }
    labels = {key: row.label for key, row in matched.items() if key[0] == "test"}
    assert labels["test", "mug", "b"] == 1.0
    assert labels["test", "mug", "a"] == 0.0
    # Clicked, and no candidate: it counts against every list.
    missed = matched["test", "rake", "a"]
    assert (missed.label, missed.place_bm25, missed.click_score) == (1.0, None, 1.0)
    assert {row.label for (fold, _, _), row in matched.items() if fold == "publish"} == {None}


def test_a_fold_knows_the_clicks_before_its_window_alone(matched: dict[tuple[str, str, str], Any]) -> None:
    known = {fold: matched[fold, "mug", "b"].clicks for fold in ("back_3", "validation", "test", "publish")}
    # 120 days back; 70; 40; 10 and 0.
    assert known == {"back_3": 1, "validation": 2, "test": 3, "publish": 5}
    assert matched["publish", "mug", "b"].impressions == 5
    assert matched["publish", "mug", "a"].bm25 > 0
    assert matched["publish", "mug", "a"].embedding_cosine == pytest.approx(0.9)


def test_nothing_is_left_of_what_the_executors_were_handed(
    shop: Lake, matched: dict[tuple[str, str, str], Any]
) -> None:
    assert not list(Path(shop.root).glob("models/_scratch/*"))


def test_orders_are_measured_on_the_clicks_of_the_next_window_and_the_best_is_chosen(
    shop: Lake, matched: dict[tuple[str, str, str], Any], contexts: Callable[[Lake], Any]
) -> None:
    write_query_ranker(shop.path(RANKER_FILE), {})

    chosen, figures = evaluate_queries(contexts(shop)("evaluate", "evaluation.bootstrap_samples=20"))

    assert figures is not None
    rows = figures.where("segment = 'all' and metric = 'ndcg@10'").toPandas()
    ndcg = rows.set_index(["split", "model"])["value"].round(6).to_dict()
    # "mug" asks for the lamp: its own clicks know it, the words in titles do not. At the test fold "rake" and "secret",
    # which nothing answers, count against all.
    assert ndcg["validation", "clicks"] == 1.0
    assert ndcg["validation", "bm25"] == 0.0
    assert ndcg["test", "clicks"] == pytest.approx(1 / 3)
    assert set(rows["users"]) == {1, 3}
    assert chosen is not None
    assert (chosen.model, chosen.weights, chosen.validation) == ("clicks", {"clicks": 1.0}, 1.0)
    assert set(rows.loc[rows["chosen"], "model"]) == {"clicks"}


def test_results_are_ordered_by_what_was_chosen(
    shop: Lake, matched: dict[tuple[str, str, str], Any], steps: Callable[[Lake], Any]
) -> None:
    write_query_ranker(shop.path(RANKER_FILE), {})
    lists = {SEARCH: ChosenList(model="clicks", version="1", weights={"clicks": 1.0}, validation=None)}
    Chosen(run_date=date(2026, 1, 1), metric="ndcg@10", shelves=lists).write(shop.path("models/chosen.json"))

    counts = steps(shop)(search)

    found = {(row.normalised_query, row["rank"]): row for row in shop.read("gold.search_results").collect()}
    assert {key: row.item_id for key, row in found.items()} == {
        ("mug", 1): "b",
        ("rake", 1): "a",
        ("xyzzy", 1): None,
    }
    assert counts == {"search_results": 3, "queries": 3, "without_results": 1}
    assert (found["xyzzy", 1].nearest_query, found["xyzzy", 1].reason) == ("mug", "nothing answers this query")
    assert {row.model for row in found.values()} == {"clicks"}
    assert {row.run_date for row in found.values()} == {date(2026, 1, 1)}


def test_a_query_at_the_terminal_is_answered_as_the_published_ones(
    shop: Lake, matched: dict[tuple[str, str, str], Any], steps: Callable[[Lake], Any]
) -> None:
    write_query_ranker(shop.path(RANKER_FILE), {})
    lists = {SEARCH: ChosenList(model="rank_fusion", version="1", weights={"rank_fusion": 1.0}, validation=None)}
    Chosen(run_date=date(2026, 1, 1), metric="ndcg@10", shelves=lists).write(shop.path("models/chosen.json"))
    steps(shop)(search)
    settings = load_settings("test", "online_retail", lake=shop.root, overrides=["encoder.preset=null"])

    live = LiveSearch.open(shop.root, settings)

    columns = ["rank", "item_id", "score", "reason", "sources"]
    for query in ("mug", "rake"):
        rows = shop.read("gold.search_results").where(F.col("normalised_query") == query).orderBy("rank")
        pd.testing.assert_frame_equal(
            live.search(query.upper(), 50)[columns].astype({"rank": "int32"}), rows.select(columns).toPandas()
        )
    # One that nobody has typed yet.
    assert live.search("the lamps!", 1)[["item_id", "title"]].to_numpy().tolist() == [["b", "Red lamp"]]
    assert live.search("?!", 5).empty


def test_a_shop_without_searches_has_no_candidates_and_no_results(
    lake: Lake, fill: Any, run_step: Callable[..., Any]
) -> None:
    fill("features.query_text", [])
    assert run_step(match) == {"query_items": 0}
    Chosen(run_date=date(2026, 1, 1), metric="ndcg@10", shelves={}).write(lake.path("models/chosen.json"))

    assert run_step(search) == {"search_results": 0}
