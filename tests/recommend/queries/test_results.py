from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from sparkrec.recommend.queries.fusion import orders
from sparkrec.recommend.queries.results import NOTHING, OUT_OF_PRICE, results, with_nearest_query
from sparkrec.recommend.queries.retrievers import RETRIEVERS


def candidates(spark: SparkSession, rows: list[dict[str, Any]]) -> DataFrame:
    """Rows of features.query_items; what a row does not say is 0, and no place."""
    numbers = ("bm25", "text_bm25", "clicks", "neighbour_clicks")
    names = ["normalised_query", "item_id", *numbers, *(f"place_{name}" for name in RETRIEVERS)]
    values = [
        (
            *(row.get(name, 0.0 if name in numbers else None) for name in names),
            sum((1 / (60 + place) for name, place in row.items() if name.startswith("place_")), 0.0),
        )
        for row in rows
    ]
    names.append("rank_fusion")
    kinds = ["string", "string", *["float"] * len(numbers), *["int"] * len(RETRIEVERS), "double"]
    return spark.createDataFrame(values, ", ".join(f"{name} {kind}" for name, kind in zip(names, kinds, strict=True)))


def test_a_retriever_alone_goes_by_its_places_and_what_nobody_names_is_in_no_list(spark: SparkSession) -> None:
    rows = candidates(
        spark, [{"item_id": "a", "place_bm25": 2}, {"item_id": "b", "place_embedding": 2}, {"item_id": "missed"}]
    )

    found = rows.select("item_id", *[order.alias(name) for name, order in orders().items()]).collect()

    assert {row.item_id: row.bm25 for row in found} == {"a": -2.0, "b": None, "missed": None}
    assert {row.item_id: row.rank_fusion for row in found} == pytest.approx({"a": 1 / 62, "b": 1 / 62, "missed": None})


@pytest.fixture(scope="module")
def published(spark: SparkSession) -> dict[tuple[str, int], Any]:
    rows = candidates(
        spark,
        [
            {"normalised_query": "mug", "item_id": "b", "place_bm25": 1, "place_clicks": 1, "bm25": 3.0, "clicks": 1.0},
            {"normalised_query": "mug", "item_id": "c", "place_bm25": 2, "bm25": 2.0, "text_bm25": 2.0},
            {"normalised_query": "mug", "item_id": "a", "place_text_bm25": 2, "text_bm25": 1.0},
            {"normalised_query": "mug", "item_id": "e", "place_embedding": 9},
            {"normalised_query": "mug", "item_id": "d", "place_neighbour_clicks": 8, "neighbour_clicks": 1.0},
            {"normalised_query": "cheap mug", "item_id": "a", "place_bm25": 2, "bm25": 1.0},
            {"normalised_query": "cheap mug", "item_id": "b", "place_bm25": 1, "bm25": 2.0},
            {"normalised_query": "gold mug", "item_id": "b", "place_bm25": 1, "bm25": 2.0},
            {"normalised_query": "of one person", "item_id": "a", "place_bm25": 1, "bm25": 2.0},
        ],
    )
    queries = spark.createDataFrame(
        [
            ("mug", 9, None, None),
            ("cheap mug", 4, None, 5.0),
            ("gold mug", 3, 100.0, None),
            ("asdf", 2, None, None),
        ],
        "normalised_query string, searches long, price_min double, price_max double",
    )
    # Of the others no price is known.
    prices = spark.createDataFrame([("a", 5.0), ("b", 7.0)], "item_id string, price double")
    listed = results(rows, orders()["rank_fusion"], queries, prices, most=4)
    vectors = spark.createDataFrame(
        [("mug", [1.0, 0.0]), ("asdf", [0.8, 0.6]), ("gold mug", [-1.0, 0.0]), ("cheap mug", None)],
        "normalised_query string, vector array<float>",
    )
    found = with_nearest_query(listed, vectors, min_cosine=0.3).collect()
    assert len({(row.normalised_query, row["rank"]) for row in found}) == len(found)
    return {(row.normalised_query, row["rank"]): row for row in found}


def test_a_list_holds_the_first_items_ties_by_item(published: dict[tuple[str, int], Any]) -> None:
    assert {rank: row.item_id for (query, rank), row in published.items() if query == "mug"} == {
        # Two that stand second, by their ids.
        **{1: "b", 2: "a", 3: "c", 4: "d"}
    }
    assert published["mug", 1].score == pytest.approx(2 / 61)
    assert published["mug", 1].sources == ["bm25", "clicks"]
    assert {row.searches for (query, _), row in published.items() if query == "mug"} == {9}
    assert "of one person" not in {query for query, _ in published}


def test_the_reason_is_the_strongest_there_is(published: dict[tuple[str, int], Any]) -> None:
    assert [published["mug", rank].reason for rank in (1, 2, 3, 4)] == [
        "chosen once after this search",
        "words of the query in its texts",
        "words of the query in its title",
        "chosen after similar searches",
    ]


def test_only_items_of_a_price_that_is_asked_for_are_listed(published: dict[tuple[str, int], Any]) -> None:
    assert {rank: row.item_id for (query, rank), row in published.items() if query == "cheap mug"} == {1: "a"}
    row = published["gold mug", 1]
    assert (row.item_id, row.reason, row.nearest_query) == (None, OUT_OF_PRICE, None)


def test_a_query_that_nothing_answers_says_so_and_names_the_nearest_that_has_results(
    published: dict[tuple[str, int], Any],
) -> None:
    row = published["asdf", 1]

    assert (row.item_id, row.reason, row.sources, row.nearest_query) == (None, NOTHING, None, "mug")
    assert published["mug", 1].nearest_query is None


def test_without_a_candidate_every_query_says_so(spark: SparkSession) -> None:
    queries = spark.createDataFrame(
        [("mug", 1, None, None)], "normalised_query string, searches long, price_min double, price_max double"
    )
    prices = spark.createDataFrame([], "item_id string, price double")
    vectors = spark.createDataFrame([("mug", [1.0])], "normalised_query string, vector array<float>")

    listed = results(candidates(spark, []), F.lit(1.0), queries, prices, most=4)

    (row,) = with_nearest_query(listed, vectors, min_cosine=0.3).collect()
    assert (row.normalised_query, row["rank"], row.reason, row.nearest_query) == ("mug", 1, NOTHING, None)
