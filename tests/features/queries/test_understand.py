from typing import Any

import pytest
from pyspark.sql import DataFrame, Row, SparkSession

from sparkrec.config.settings import TextSettings
from sparkrec.contracts import load_contract
from sparkrec.contracts.spark import conform
from sparkrec.features.queries.examples import made_queries
from sparkrec.features.queries.understand import asked_queries, understood
from sparkrec.text import normalised


def test_queries_are_counted_and_shown_as_most_often_typed(spark: SparkSession) -> None:
    typed = ["Red Mug", "red mug", "red mug", "RED MUG", "RED MUG", "lamp!", "lamp?"]
    rows = [(normalised(text), text) for text in typed]
    searches = spark.createDataFrame(rows, "normalised_query string, query string")
    found = asked_queries(searches, 256).orderBy("normalised_query").collect()
    assert [tuple(row) for row in found] == [("lamp", "lamp!", 2), ("red mug", "RED MUG", 5)]


def read(items: DataFrame, texts: list[str], clicks: DataFrame | None = None) -> dict[str, Row]:
    """What is understood of each text, by the text."""
    listed = [(normalised(text), text, 1) for text in texts]
    queries = items.sparkSession.createDataFrame(listed, "normalised_query string, query string, searches long")
    rows = conform(understood(queries, items, TextSettings(), clicks), load_contract("features.query_text")).collect()
    assert len(rows) == len(texts)
    by_query = {row.normalised_query: row for row in rows}
    return {text: by_query[normalised(text)] for text in texts}


def test_a_list_of_queries_is_understood_without_a_log(items: DataFrame) -> None:
    found = read(items, ["Ｒed BRIGHTWEL mug 250ml under £9.50", "bri ghtwell lam", "红色台灯 30 cm", "xyzzy", "!?"])

    row = found["Ｒed BRIGHTWEL mug 250ml under £9.50"]
    assert row.normalised_query == "red brightwel mug 250ml under 9 50"
    assert row.corrected_query == "red brightwell mug 250ml under 9 50"
    assert row.categories[0].category == "Kitchen > Mugs"
    told: list[Any] = [row.edits, row.brand, row.colour, row.size, row.price_min, row.price_max]
    assert told == [1, "Brightwell", "red", "250 ml", None, 9.5]
    row = found["bri ghtwell lam"]
    assert (row.corrected_query, row.edits, row.brand) == ("brightwell lamps", 3, "Brightwell")
    assert row.categories[0].category == "Home > Lamps"
    row = found["红色台灯 30 cm"]
    assert (row.corrected_query, row.colour, row.size) == ("红色台灯 30 cm", "red", "30 cm")
    assert row.categories[0].category == "Home > Lamps"
    for text in ("xyzzy", "!?"):
        row = found[text]
        assert tuple(row) == (normalised(text), 1, normalised(text), 0, [], None, None, None, None, None)


def test_clicks_after_misspelt_queries_count_for_the_right_one(spark: SparkSession, items: DataFrame) -> None:
    clicks = spark.createDataFrame(
        [("flowerpot", "Home > Lamps", 60, 60.0), ("flowrepot", "Home > Lamps", 4, 4.0)],
        "normalised_query string, category string, clicks long, weight double",
    )
    found = read(items, ["flowerpto", "flowrepot"], clicks)
    assert {row.corrected_query for row in found.values()} == {"flowerpot"}
    first, second = (row.categories for row in found.values())
    assert first == second
    assert first[0].category == "Home > Lamps"
    # Five clicks' worth of prior is nearly sure, too.
    assert first[0].probability > 0.95


@pytest.fixture(scope="module")
def popular(spark: SparkSession) -> DataFrame:
    titles = [
        "WHITE HANGING HEART",  # 0: a letter left out of "hanging"
        "Set of 3 Cake Tins",  # 1: "set", "cake": two letters swapped
        "Party Bunting",  # 2: cut off
        "party bunting!",  # the same words
        "Red T-Mug",  # its words are too short
        "Mug Jar",
        "红色台灯",
        None,
        "Slate Fan",  # 8: the last word is too short to be cut off
    ]
    return spark.createDataFrame(
        [(f"i{place}", title, place) for place, title in enumerate(titles)], "item_id string, title string, place int"
    )


def test_queries_are_made_from_titles_by_one_slip_each(popular: DataFrame) -> None:
    rows = made_queries(popular, seed=7, longest=1_000).orderBy("place").collect()
    assert [(row.place, row.made_from) for row in rows] == [(0, "white hanging"), (1, "set cake"), (2, "party bunting")]
    missing, swapped, cut = (row["query"] for row in rows)
    assert missing in {"white hnging", "white haging", "white haning", "white hangng", "white hangig"}
    assert swapped == "set ckae"
    assert cut == "party bunt"
    assert all(row.normalised_query == row["query"] and row.searches == 0 for row in rows)
    assert made_queries(popular, seed=7, longest=1_000).orderBy("place").collect() == rows
    others = {made_queries(popular, seed, 1_000).orderBy("place").collect()[0]["query"] for seed in range(8)}
    assert len(others) > 1
