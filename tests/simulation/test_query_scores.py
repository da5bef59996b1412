"""What is understood of the simulated shop's queries is what they were made to mean."""

from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from sparkrec.config.settings import TextSettings
from sparkrec.features.queries.clicks import query_clicks
from sparkrec.features.queries.understand import asked_queries, understood
from sparkrec.simulation.query_scores import query_scores
from sparkrec.text import normalised_query


def test_slips_are_put_right_and_categories_brands_and_colours_found(spark: SparkSession, shop: Any) -> None:
    truth, happened, items = (
        spark.read.parquet(str(shop.folder / "truth" / table)) for table in ("queries", "events", "items")
    )
    bots = happened.where("event_type = 'search' and is_bot").select("search_id")
    typed = truth.select("search_id", "query", normalised_query(F.col("query"), 256).alias("normalised_query"))
    searches = typed.join(bots, "search_id", "left_anti").localCheckpoint()
    items = items.withColumnRenamed("category", "category_path")
    clicks = query_clicks(searches, happened.where("not is_bot"), items).localCheckpoint()

    scores = query_scores(understood(asked_queries(searches, 256), items, TextSettings(), clicks), searches, truth, 256)

    assert scores["correction_accuracy"] > 0.9
    assert scores["correction_false_changes"] < 0.005
    assert scores["intent_accuracy"] > 0.95
    assert scores["intent_log_loss"] < 0.25
    assert scores["brand_f1"] > 0.97
    assert scores["colour_f1"] > 0.97


@pytest.fixture
def searches(spark: SparkSession) -> DataFrame:
    rows = [("s1", "red mug"), ("s2", "rde mug"), ("s3", "lmap"), ("s4", "lamp")]
    return spark.createDataFrame(rows, "search_id string, normalised_query string")


def test_scores_by_hand(spark: SparkSession, searches: DataFrame) -> None:
    truth = spark.createDataFrame(
        [
            ("s1", "mugs", "Red mug", None, "red"),
            ("s2", "mugs", "red mug", None, "red"),
            ("s3", "lamps", "lamp", "Acme", None),
            ("s4", "lamps", "lamp", None, None),
        ],
        "search_id string, intended_category string, corrected_query string, brand string, colour string",
    )
    read = spark.createDataFrame(
        [
            ("red mug", "red mug", [("mugs", 0.5), ("lamps", 0.25)], None, "red"),
            ("rde mug", "red mug", [("lamps", 0.75), ("mugs", 0.25)], "Acme", None),
            ("lmap", "lmap", [], "Acme", None),
            ("lamp", "lump", [("lamps", 1.0)], None, None),
        ],
        "normalised_query string, corrected_query string, "
        "categories array<struct<category: string, probability: double>>, brand string, colour string",
    )
    assert query_scores(read, searches, truth, 256) == pytest.approx(
        {
            "correction_accuracy": 0.5,
            "correction_false_changes": 0.5,
            "intent_accuracy": 0.5,
            # -ln of 0.5, 0.25, 0.001 and 1.
            "intent_log_loss": (0.693147 + 1.386294 + 6.907755 + 0) / 4,
            # Two found, one of one right; one found, of two.
            "brand_f1": 2 / 3,
            "colour_f1": 2 / 3,
        },
        abs=1e-6,
    )
