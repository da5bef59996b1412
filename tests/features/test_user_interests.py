from datetime import UTC, date, datetime
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession

from sparkrec.features.user_interests import user_interests

AS_OF = date(2011, 12, 9)


@pytest.fixture(scope="module")
def text(spark: SparkSession) -> DataFrame:
    return spark.createDataFrame(
        [
            ("mug", ["red", "mug"], [0.8, 0.6]),
            ("tin", ["tin"], [1.0]),
            ("bag", ["red", "bag"], [0.6, 0.8]),
            ("odd", [], []),
        ],
        "item_id string, words array<string>, weights array<float>",
    )


def events(spark: SparkSession, *rows: tuple[str, str, str]) -> DataFrame:
    """Positive events of ``user, item, time``."""
    typed = [(user, item, datetime.fromisoformat(time).replace(tzinfo=UTC)) for user, item, time in rows]
    return spark.createDataFrame(typed, "user_id string, item_id string, event_time timestamp")


def interests(positives: DataFrame, text: DataFrame, most: int = 10) -> dict[str, tuple[list[str], Any]]:
    """Tags and weights of each user."""
    rows = user_interests(positives, text, AS_OF, half_life_days=10, most=most).collect()
    assert {row.as_of for row in rows} <= {AS_OF}
    return {row.user_id: (row.tags, pytest.approx(row.weights, rel=1e-6)) for row in rows}


def test_an_events_weight_halves_every_half_life(spark: SparkSession, text: DataFrame) -> None:
    positives = events(
        spark,
        ("u", "tin", "2011-12-09 23:59:59"),  # counts 1
        ("u", "tin", "2011-11-29 00:00:00"),  # 10 days: 1/2
        ("u", "mug", "2011-11-19 12:00:00"),  # 20 days: 1/4
        ("v", "mug", "2011-12-04 12:00:00"),  # 5 days
    )

    assert interests(positives, text) == {
        "u": (["tin", "red", "mug"], [1.5, 0.2, 0.15]),
        "v": (["red", "mug"], [0.8 * 0.5**0.5, 0.6 * 0.5**0.5]),
    }


def test_a_words_weights_add_up_over_items_and_ties_go_by_word(spark: SparkSession, text: DataFrame) -> None:
    positives = events(
        spark,
        ("u", "bag", "2011-12-09 10:00:00"),
        ("u", "mug", "2011-12-09 10:00:00"),
        ("tie", "tin", "2011-12-09 10:00:00"),
        ("tie", "mug", "2011-12-09 09:00:00"),
        ("tie", "bag", "2011-11-29 09:00:00"),
        ("tie", "bag", "2011-11-29 10:00:00"),
    )

    assert interests(positives, text) == {
        "u": (["red", "bag", "mug"], [1.4, 0.8, 0.6]),
        "tie": (["red", "tin", "bag", "mug"], [1.4, 1.0, 0.8, 0.6]),
    }
    even = events(
        spark,
        ("e", "bag", "2011-12-09 10:00:00"),
        ("e", "mug", "2011-12-09 10:00:00"),
        ("e", "tin", "2011-12-09 10:00:00"),
    )
    same = text.selectExpr("item_id", "words", "transform(weights, w -> cast(0.5 as float)) weights")
    assert interests(even, same)["e"] == (["red", "bag", "mug", "tin"], [1.0, 0.5, 0.5, 0.5])


def test_only_so_many_tags_are_kept_and_a_user_without_words_has_no_row(spark: SparkSession, text: DataFrame) -> None:
    noon = "2011-12-09 12:00:00"
    positives = events(spark, ("u", "bag", noon), ("u", "mug", noon), ("v", "odd", noon), ("v", "unknown", noon))

    assert interests(positives, text, most=2) == {"u": (["red", "bag"], [1.4, 0.8])}
