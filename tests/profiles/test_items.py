from datetime import date
from typing import Any

import pytest
from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql import functions as F

from sparkrec.contracts import load_contract
from sparkrec.contracts.spark import conform
from sparkrec.profiles.days import item_days, user_days
from sparkrec.profiles.items import item_buyers, item_facts, item_profiles

AS_OF = date(2011, 12, 9)


def events(spark: SparkSession, *rows: tuple[Any, ...]) -> DataFrame:
    """Events of ``user, type, item, time, quantity, price, promotion``."""
    schema = (
        "user_id string, event_type string, item_id string, event_time string, quantity int, unit_price double, "
        "promotion string, event_id string, session_id string, country string, discount double"
    )
    filled = [(*row, *[None] * (11 - len(row))) for row in rows]
    return spark.createDataFrame(filled, schema).selectExpr(
        "* except (event_time)",
        "cast(event_time as timestamp) event_time",
        "to_date(event_time) event_date",
        "cast(array() as array<string>) outliers",
    )


@pytest.fixture(scope="module")
def items(spark: SparkSession) -> DataFrame:
    return spark.createDataFrame(
        [("mug", "RED MUG", "Kitchen", "Acme"), ("tin", "TIN", None, None)],
        "item_id string, title string, category_path string, brand string",
    )


def profiles(interactions: DataFrame, items: DataFrame) -> dict[str, Row]:
    """The profiles by item, brought to their contract."""
    facts, buyers = item_facts(item_days(interactions), AS_OF), item_buyers(user_days(interactions), AS_OF)
    rows = conform(item_profiles(facts, buyers, items, AS_OF), load_contract("gold.item_profiles")).collect()
    by_item = {row.item_id: row for row in rows}
    assert len(by_item) == len(rows)
    return by_item


def test_an_item_is_described_by_all_of_its_events(spark: SparkSession, items: DataFrame) -> None:
    interactions = events(
        spark,
        ("u", "purchase", "mug", "2011-09-10 08:00:00", 2, 3.0),  # 90 days before: out of every window
        ("u", "purchase", "mug", "2011-09-11 00:00:00", 1, 3.0),  # 89 days
        ("v", "purchase", "mug", "2011-11-11 23:59:59", 10, 0.5, "mailer"),  # 28 days
        ("u", "purchase", "mug", "2011-11-12 00:00:00", None, 2.0),  # 27 days
        (None, "purchase", "mug", "2011-12-02 23:59:59", 3, None),  # 7 days
        (None, "purchase", "mug", "2011-12-03 00:00:00", 1, 4.0),  # 6 days
        ("w", "return", "mug", "2011-12-07 09:00:00", 4, 0.5),
        ("w", "click", "mug", "2011-12-08 10:00:00", 50, 100.0, "mailer"),
        ("w", "purchase", "tin", "2011-12-09 10:00:00", 1, 1.0),
    )

    profile = profiles(interactions, items)["mug"].asDict()

    times = {name: f"{profile.pop(name):%F %T}" for name in ("first_event_time", "last_event_time")}
    assert times == {"first_event_time": "2011-09-10 08:00:00", "last_event_time": "2011-12-08 10:00:00"}
    assert profile == {
        "as_of": AS_OF,
        "item_id": "mug",
        "title": "RED MUG",
        "category_path": "Kitchen",
        "brand": "Acme",
        "buyers": 2,
        "buyers_28d": 1,
        "purchases": 6,
        "purchases_7d": 1,
        "purchases_28d": 3,
        "purchases_90d": 5,
        "quantity": 18,
        "revenue": 18.0,  # 6 + 3 + 5 + 2 + 0 + 4 - 2
        "returns": 1,
        "return_rate": pytest.approx(1 / 6),
        "median_price": 3.0,
        "price_band": "middle",  # of two items
        "promoted_share": pytest.approx(1 / 6),
        "popularity_rank": 1,
    }


def test_popularity_goes_by_known_buyers_then_purchases_then_item(spark: SparkSession, items: DataFrame) -> None:
    noon = "2011-12-09 12:00:00"
    sold = [
        ("u", "d"),
        ("v", "d"),
        ("u", "c"),
        ("u", "c"),
        ("u", "b"),
        ("u", "a"),
        (None, "e"),
        (None, "e"),
        (None, "e"),
    ]
    purchases = [(user, "purchase", item, noon, 1, 1.0) for user, item in sold]
    interactions = events(spark, *purchases, ("x", "return", "f", noon, 1, 1.0))

    ranks = {item: (row.popularity_rank, row.buyers) for item, row in profiles(interactions, items).items()}

    assert ranks == {"d": (1, 2), "c": (2, 1), "a": (3, 1), "b": (4, 1), "e": (5, 0), "f": (6, 0)}


def test_an_item_that_is_only_returned_has_no_price_and_an_unknown_one_no_title(
    spark: SparkSession, items: DataFrame
) -> None:
    profile = profiles(events(spark, ("u", "return", "new", "2011-12-09 12:00:00", 2, 1.5)), items)["new"]

    assert (profile.quantity, profile.revenue, profile.return_rate) == (0, -3.0, 0.0)
    assert (profile.title, profile.median_price, profile.price_band) == (None, None, None)


def test_what_is_far_out_counts_as_a_purchase_but_for_no_pieces_and_no_money(
    spark: SparkSession, items: DataFrame
) -> None:
    usual = events(spark, ("u", "purchase", "mug", "2011-12-09", 2, 3.0))
    wild = events(spark, ("u", "purchase", "mug", "2011-12-09", 80_995, 3.0))
    wild = wild.withColumn("outliers", F.array(F.lit("quantity_far_out")))

    found = profiles(usual.unionByName(wild), items)["mug"]

    assert (found.purchases, found.quantity, found.revenue) == (2, 2, 6.0)
