"""What is typed for what, without clicks and with them."""

from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession

from sparkrec.features.queries.catalogue import catalogue
from sparkrec.features.queries.spelling import corrected_queries
from sparkrec.features.queries.vocabulary import vocabulary

CLICKS = [("cup", 400), ("blue cup", 60), ("cpu", 7), ("mug", 300), ("lamp", 90), ("lam", 6), ("jumper", 30)]

WITHOUT_CLICKS = {
    # A letter left out, swapped, too much, another one.
    "headphnes": "headphones",
    "haedphones": "headphones",
    "creamm": "cream",
    "brightwall lamp": "brightwell lamp",
    "balck lamp": "black lamp",
    # Two slips from eight letters on.
    "hedphnes": "headphones",
    "bightwll mug": "brightwell mug",
    "gren": "green",
    "gxxen lamp": "gxxen lamp",
    # Too short to tell.
    "mgu": "mgu",
    "rd mug": "rd mug",
    "lighr": "light",
    # What the catalogue has, everyday words, digits and scripts without case.
    "soft mug for her": "soft mug for her",
    "rote lamp unter 20": "rote lamp unter 20",
    "mug 350ml": "mug 350ml",
    "红色台打": "红色台打",
    "ørsted": "ørsted",
    "orsted": "ørsted",
    # Blanks left out, too many, in the wrong place.
    "facecream": "face cream",
    "classicface cream": "classic face cream",
    "brightwelllamp": "brightwell lamp",
    "redmug": "red mug",
    "blackmug": "blackmug",
    "bri ghtwell": "brightwell",
    "re dmug": "red mug",
    "softb lue mug": "soft blue mug",
    # The last word may be unfinished; another may not.
    "soft headp": "soft headphones",
    "headp soft": "headp soft",
    "he": "he",
    "": "",
}


@pytest.fixture(scope="module")
def without_clicks(spark: SparkSession, items: DataFrame) -> dict[str, tuple[str, int]]:
    return corrected(spark, items, list(WITHOUT_CLICKS), [])


def corrected(
    spark: SparkSession, items: DataFrame, queries: list[str], clicks: list[tuple[str, int]]
) -> dict[str, tuple[str, int]]:
    """Corrected query and edits by query."""
    known = vocabulary(catalogue(items, 1_000), spark.createDataFrame(clicks, "normalised_query string, clicks long"))
    asked = spark.createDataFrame([(query,) for query in queries], "normalised_query string")
    rows = corrected_queries(asked, known.localCheckpoint()).collect()
    assert len(rows) == len(queries)
    return {row.normalised_query: (row.corrected_query, row.edits) for row in rows}


@pytest.mark.parametrize("query", WITHOUT_CLICKS)
def test_queries_are_corrected_by_the_catalogue(without_clicks: dict[str, tuple[str, int]], query: str) -> None:
    assert without_clicks[query][0] == WITHOUT_CLICKS[query]


def test_edits_count_the_words_that_were_replaced(without_clicks: dict[str, tuple[str, int]]) -> None:
    edits = {query: without_clicks[query][1] for query in ("soft mug for her", "creamm", "facecream", "re dmug")}
    assert edits == {"soft mug for her": 0, "creamm": 1, "facecream": 1, "re dmug": 2}
    assert without_clicks["bightwll mug"][1] == 1


@pytest.fixture(scope="module")
def with_clicks(spark: SparkSession, items: DataFrame) -> dict[str, Any]:
    queries = ["cup", "mgu", "cpu", "cap", "blue cpu", "lam", "jumper", "jumpr", "bluecup", "purplec up", "blu ecup"]
    return {query: found for query, (found, _) in corrected(spark, items, queries, CLICKS).items()}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        # Clicked words are right, and others are corrected to them.
        ("cup", "cup"),
        ("jumper", "jumper"),
        ("jumpr", "jumper"),
        # Short words: a letter swapped or missing, where clicks speak for it; another letter may be another word.
        ("mgu", "mug"),
        ("cap", "cap"),
        # Clicked itself, but the other is clicked ten times as often; also where it is the first part of a word.
        ("cpu", "cup"),
        ("blue cpu", "blue cup"),
        ("lam", "lamp"),
        ("bluecup", "blue cup"),
        ("blu ecup", "blue cup"),
        # Nobody sells purple things here: its colour is right by itself, but no word of the shop.
        ("purplec up", "purplec up"),
    ],
)
def test_queries_are_corrected_by_clicks(with_clicks: dict[str, Any], query: str, expected: str) -> None:
    assert with_clicks[query] == expected


def test_equally_near_words_go_by_slip_then_clicks_then_items_then_alphabet(spark: SparkSession) -> None:
    titles = ["hose", "home home", "home", "rose", "tame", "time", "grey", "grey", "green"]
    shop = spark.createDataFrame(
        [(str(number), title, None, None) for number, title in enumerate(titles)],
        "item_id string, title string, category_path string, brand string",
    )
    assert corrected(spark, shop, ["hoxe", "txme"], []) == {"hoxe": ("home", 1), "txme": ("tame", 1)}
    clicks = [("hose", 1), ("grey", 9)]
    assert corrected(spark, shop, ["hoxe", "gren"], clicks) == {"hoxe": ("hose", 1), "gren": ("green", 1)}
