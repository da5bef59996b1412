from datetime import date
from typing import Any

import pytest
from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql import functions as F

from sparkrec.contracts import load_contract
from sparkrec.contracts.spark import conform
from sparkrec.profiles.days import user_days
from sparkrec.profiles.users import user_facts, user_profiles

AS_OF = date(2011, 12, 9)
EVENT = (
    "event_id string, user_id string, session_id string, event_type string, item_id string, event_time string, "
    "quantity int, unit_price double, country string, discount double, promotion string"
)


def events(spark: SparkSession, *rows: tuple[Any, ...]) -> DataFrame:
    """Events of ``user, session, type, item, time, quantity, price, country, discount, promotion``, numbered."""
    numbered = [(f"e{number}", *row, *[None] * (10 - len(row))) for number, row in enumerate(rows)]
    typed = spark.createDataFrame(numbered, EVENT)
    return typed.selectExpr(
        "* except (event_time)",
        "cast(event_time as timestamp) event_time",
        "to_date(event_time) event_date",
        "cast(array() as array<string>) outliers",
    )


def bought(user: str | None, item: str, day: str = "2011-12-09", price: float | None = 1.0) -> tuple[Any, ...]:
    """A purchase of one piece at noon."""
    return (user, f"{user} {day}", "purchase", item, f"{day} 12:00:00", 1, price, "UK")


@pytest.fixture(scope="module")
def items(spark: SparkSession) -> DataFrame:
    return spark.createDataFrame(
        [
            ("mug", "Kitchen", ["red", "mug"]),
            ("cup", "Kitchen", ["red", "cup"]),
            ("tin", "Bakery", ["cake", "tin"]),
            ("bag", None, ["bag"]),
            ("fee", "Fees", []),
        ],
        "item_id string, category_path string, title_words array<string>",
    )


def profiles(interactions: DataFrame, items: DataFrame) -> dict[str, Row]:
    """The profiles by user, brought to their contract."""
    facts = user_facts(user_days(interactions), items, AS_OF)
    rows = conform(user_profiles(facts, AS_OF), load_contract("gold.user_profiles")).collect()
    by_user = {row.user_id: row for row in rows}
    assert len(by_user) == len(rows)
    return by_user


def test_a_user_is_described_by_all_of_the_users_events(spark: SparkSession, items: DataFrame) -> None:
    interactions = events(
        spark,
        # 90 days before: out of every window
        ("u", "s1", "purchase", "mug", "2011-09-10 08:00:00", 2, 3.0, "France", 4.0, "mailer"),
        ("u", "s2", "purchase", "mug", "2011-09-11 00:00:00", 1, 3.0, "France"),  # 89 days
        ("u", "s3", "purchase", "tin", "2011-11-11 23:59:59", 10, 0.5, "France"),  # 28 days
        ("u", "s4", "purchase", "cup", "2011-11-12 00:00:00", None, 2.0, "France"),  # 27 days
        ("u", "s4", "purchase", "bag", "2011-11-12 00:00:00", 3, None, "France"),
        ("u", "s5", "return", "tin", "2011-12-07 09:00:00", 4, 0.5, "France", 9.0, "display"),
        ("u", "s6", "click", "fee", "2011-12-08 10:00:00", 5, 100.0, "Spain"),
        ("v", "s7", "purchase", "bag", "2011-12-09 10:00:00", 1, 1.0, "UK"),
    )

    profile = profiles(interactions, items)["u"].asDict()

    times = {name: f"{profile.pop(name):%F %T}" for name in ("first_event_time", "last_event_time")}
    assert times == {"first_event_time": "2011-09-10 08:00:00", "last_event_time": "2011-12-08 10:00:00"}
    assert profile == {
        "as_of": AS_OF,
        "user_id": "u",
        "country": "Spain",
        "recency_days": 1,
        "frequency": 4,  # s1 to s4; a return and a click are no purchases
        "monetary": 14.0,  # 6 + 3 + 5 + 2 + 0 - 2
        "purchases": 5,
        "purchases_28d": 2,
        "purchases_90d": 4,
        "distinct_items": 5,
        "returns": 1,
        "return_rate": 0.2,
        "median_price": 2.5,  # of 3, 3, 0.5 and 2
        "price_band": "middle",  # of two users
        "promoted_share": 0.2,
        "discount_share": 0.2,  # 4 of 6 + 3 + 5 + 2 + 4
        "attributes": {},
        "favourite_categories": ["Kitchen", "Bakery"],
        "favourite_words": ["red", "mug", "bag", "cake", "cup", "tin"],
    }


def test_a_user_who_only_returns_has_no_purchases_and_no_price(spark: SparkSession, items: DataFrame) -> None:
    interactions = events(
        spark,
        ("u", "s1", "return", "mug", "2011-12-09 10:00:00", 2, 3.0, "UK"),
        ("u", "s2", "impression", "tin", "2011-12-01 10:00:00", None, None, None),
    )

    profile = profiles(interactions, items)["u"]

    assert (profile.purchases, profile.purchases_90d, profile.frequency, profile.returns) == (0, 0, 0, 1)
    assert (profile.monetary, profile.return_rate, profile.median_price, profile.price_band) == (-6.0, 0.0, None, None)
    assert (profile.favourite_categories, profile.favourite_words) == ([], [])
    assert (profile.recency_days, profile.distinct_items) == (0, 2)


def test_a_profile_says_what_the_shop_knows_of_the_user(spark: SparkSession, items: DataFrame) -> None:
    known = spark.createDataFrame(
        [("u", {"age": "45-54"}), ("w", {"age": "65+"})], "user_id string, attributes map<string,string>"
    )
    interactions = events(spark, bought("u", "mug"), bought("v", "mug"))

    facts = user_facts(user_days(interactions), items, AS_OF)
    rows = user_profiles(facts, AS_OF, known).select("user_id", "attributes").collect()

    assert {row.user_id: row.attributes for row in rows} == {"u": {"age": "45-54"}, "v": {}}


def test_more_returns_than_purchases_are_a_return_rate_of_one(spark: SparkSession, items: DataFrame) -> None:
    back = [("u", f"r{day}", "return", "mug", f"2011-12-0{day} 12:00:00", 1, 1.0, "UK") for day in (6, 7, 8)]

    assert profiles(events(spark, bought("u", "mug"), bought("u", "tin"), *back), items)["u"].return_rate == 1.0


def test_events_without_a_user_make_no_user(spark: SparkSession, items: DataFrame) -> None:
    assert [*profiles(events(spark, bought("u", "mug"), bought(None, "mug"), bought(None, "tin")), items)] == ["u"]


def test_price_bands_are_thirds_of_the_users_and_equal_prices_share_a_band(
    spark: SparkSession, items: DataFrame
) -> None:
    prices = {"a": 1.0, "b": 1.0, "c": 2.0, "d": 2.0, "e": 3.0, "f": 9.0, "g": None}
    interactions = events(spark, *[bought(user, "mug", price=price) for user, price in prices.items()])

    bands = {user: row.price_band for user, row in profiles(interactions, items).items()}

    assert bands == {"a": "low", "b": "low", "c": "middle", "d": "middle", "e": "high", "f": "high", "g": None}


def test_favourites_are_the_most_bought_ones_ties_by_name_and_no_more_than_asked_for(spark: SparkSession) -> None:
    letters = "abcdefghijkl"
    items = spark.createDataFrame(
        [(letter, f"category {letter}", [f"word {letter}"]) for letter in letters],
        "item_id string, category_path string, title_words array<string>",
    )
    purchases = [bought("u", letter) for letter in reversed(letters)] + [
        bought("u", "k"),
        bought("u", "k"),
        bought("u", "j"),
    ]
    returns = [("u", "r", "return", "l", "2011-12-09 12:00:00", 1, 1.0, "UK")] * 5

    profile = profiles(events(spark, *purchases, *returns), items)["u"]

    assert profile.favourite_categories == [f"category {letter}" for letter in "kjabc"]
    assert profile.favourite_words == [f"word {letter}" for letter in "kjabcdefgh"]


def test_of_two_countries_at_the_same_time_that_of_the_last_event_id_is_taken_whatever_the_order_of_the_rows(
    spark: SparkSession, items: DataFrame
) -> None:
    interactions = events(
        spark,
        ("u", "s", "purchase", "mug", "2011-12-09 12:00:00", 1, 1.0, "Spain"),
        ("u", "s", "purchase", "tin", "2011-12-09 12:00:00", 1, 1.0, "France"),
        ("u", "s", "purchase", "tin", "2011-12-08 12:00:00", 1, 1.0, "UK"),
    )

    backwards = interactions.replace("u", "v", "user_id").orderBy("event_id", ascending=False)

    found = profiles(interactions.unionByName(backwards).coalesce(1), items)

    assert {user: row.country for user, row in found.items()} == {"u": "France", "v": "France"}


def test_what_is_far_out_counts_as_a_purchase_but_for_no_money(spark: SparkSession, items: DataFrame) -> None:
    usual = events(spark, bought("u", "mug", price=2.0), ("u", "s", "purchase", "tin", "2011-12-09", 1, 3.0, "UK", 5.0))
    wild = events(spark, ("u", "t", "purchase", "tin", "2011-12-09", 80_995, 3.0, "UK", 1.0))
    wild = wild.withColumn("outliers", F.array(F.lit("quantity_far_out")))

    found = profiles(usual.unionByName(wild), items)["u"]

    assert (found.purchases, found.monetary, found.discount_share) == (3, 5.0, 0.5)
