from datetime import date
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from sparkrec.errors import ConfigurationError
from sparkrec.report import QueryExamples
from sparkrec.steps.query_examples import query_examples

SEARCHES = [
    ("s1", "u1", "red mug", False),
    ("s2", "u1", "rde mug", False),
    ("s3", "u1", "lmap", False),
    ("s4", "u2", "lmap", True),
    ("s5", "u2", "rde mug", False),
    # One person alone.
    ("s6", "u1", "mgu", False),
    ("s7", "u1", "mgu", False),
]
# What was read of each query.
READ = [
    ("red mug", "red mug", "mugs"),
    ("rde mug", "red mug", "mugs"),
    ("lmap", "lmap", "mugs"),
    ("mgu", "mug", "mugs"),
]
MEANT = [("s1", "Red mug", "mugs"), ("s2", "red mug", "mugs"), ("s3", "lamp", "lamps"), ("s4", "lamp", "lamps")]
MEANT += [("s5", "red mug", "mugs"), ("s6", "mug", "mugs"), ("s7", "mug", "mugs")]


@pytest.fixture
def truth(spark: SparkSession, tmp_path: Path) -> str:
    folder = str(tmp_path / "truth")
    rows = [(search, meant, category, None, None) for search, meant, category in MEANT]
    columns = "search_id string, corrected_query string, intended_category string, brand string, colour string"
    spark.createDataFrame(rows, columns).write.parquet(folder)
    return folder


@pytest.fixture
def examples_of(spark: SparkSession, fill: Any, context_of: Any) -> Any:
    fill(
        "silver.searches",
        [
            {
                "search_id": search,
                "user_id": user,
                "normalised_query": query,
                "is_bot": is_bot,
                "event_date": date(2026, 1, 1),
            }
            for search, user, query, is_bot in SEARCHES
        ],
    )
    fill(
        "features.query_text",
        [
            {
                "normalised_query": query,
                "corrected_query": corrected,
                "searches": 1,
                "edits": int(query != corrected),
                "categories": [(category, 0.5)],
            }
            for query, corrected, category in READ
        ],
    )

    def examples(*overrides: str) -> QueryExamples:
        context = context_of("report", *overrides)
        return query_examples(context, context.no_rows("silver.items"))

    return examples


def test_what_people_meant_scores_what_was_understood(examples_of: Any, truth: str) -> None:
    shown = examples_of(f"report.query_truth={truth}")
    assert shown.figures["different queries"] == "4"
    # Four of five slips, and five of six categories; the bot's search does not count.
    assert shown.figures["wrongly typed, put right"] == "0.800"
    assert shown.figures["rightly typed, changed"] == "0.000"
    assert shown.figures["category as meant"] == "0.833"
    assert shown.figures["F1 of brands"] == "–"
    assert list(shown.rows["typed"]) == ["rde mug"]


def test_without_the_truth_there_are_no_scores(examples_of: Any) -> None:
    assert "category as meant" not in examples_of().figures


def test_a_truth_that_is_not_there_is_told(examples_of: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"report\.query_truth: there is no folder /no/such"):
        examples_of("report.query_truth=/no/such")
