from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession

from sparkrec.features.queries.clicks import no_clicks, query_clicks

EVENTS = "search_id string, item_id string, event_type string, position int"


@pytest.fixture
def searches(spark: SparkSession) -> DataFrame:
    return spark.createDataFrame(
        [("s1", "mug"), ("s2", "mug"), ("s3", "lamp")], "search_id string, normalised_query string"
    )


def clicks(searches: DataFrame, items: DataFrame, events: list[tuple[Any, ...]]) -> dict[tuple[str, str], Any]:
    interactions = searches.sparkSession.createDataFrame(events, EVENTS)
    rows = query_clicks(searches, interactions, items).collect()
    return {(row.normalised_query, row.category): (row.clicks, row.weight) for row in rows}


def test_each_item_counts_once_a_search_by_its_category(searches: DataFrame, items: DataFrame) -> None:
    found = clicks(
        searches,
        items,
        [
            ("s1", "i1", "click", None),
            ("s1", "i1", "cart", None),
            ("s1", "i1", "purchase", None),
            ("s2", "i2", "click", None),
            ("s2", "i3", "purchase", None),
            ("s2", "i8", "click", None),
            ("s3", "i3", "return", None),
            ("s9", "i3", "click", None),
            (None, "i3", "click", None),
        ],
    )
    assert found == {
        ("mug", "Kitchen > Mugs"): (2, 2.0),
        ("mug", "Home > Lamps"): (1, 1.0),
        ("mug", None): (1, 1.0),
    }


def test_a_click_counts_by_how_seldom_its_position_is_clicked(searches: DataFrame, items: DataFrame) -> None:
    impressions = [(f"x{number}", "i9", "impression", 1 + number % 2) for number in range(4_000)]
    # Every second impression at position 1 is clicked, every eighth at position 2.
    clicked = [(f"x{number}", "i9", "click", 1 + number % 2) for number in range(4_000) if number % 4 == 0]
    clicked += [(f"x{number}", "i9", "click", 1 + number % 2) for number in range(4_000) if number % 16 == 1]
    own = [("s1", "i1", "click", 1), ("s3", "i3", "click", 2)]

    found = clicks(searches, items, [*impressions, *clicked, *own])

    assert found["mug", "Kitchen > Mugs"] == (1, 1.0)
    # Ten impressions at the rate of all are added to each: (1000 + 3.125) / (250 + 3.125).
    assert found["lamp", "Home > Lamps"] == (1, pytest.approx(1_003.125 / 253.125, rel=1e-6))


def test_a_position_of_few_impressions_borrows_from_all(searches: DataFrame, items: DataFrame) -> None:
    impressions = [(f"x{number}", "i9", "impression", 1) for number in range(1_000)]
    clicked = [(f"x{number}", "i9", "click", 1) for number in range(100)]
    own = [("s1", "i1", "click", 1), ("s3", "i3", "impression", 30), ("s3", "i3", "click", 30)]
    found = clicks(searches, items, [*impressions, *clicked, *own])
    # One click of one impression would be a rate of 1, ten times that at position 1.
    rate = 101 / 1_001
    ratio = ((1 + 10 * rate) / 11) / ((100 + 10 * rate) / 1_010)
    assert found["lamp", "Home > Lamps"][1] == 1.0
    assert found["mug", "Kitchen > Mugs"][1] == pytest.approx(ratio)
    assert ratio < 2


def test_a_shop_without_searches_has_the_same_columns(searches: DataFrame, items: DataFrame) -> None:
    interactions = searches.sparkSession.createDataFrame([], EVENTS)
    assert no_clicks(searches).collect() == []
    assert no_clicks(searches).dtypes == query_clicks(searches, interactions, items).dtypes
