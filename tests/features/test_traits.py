from datetime import date, datetime
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession

from sparkrec.features.item_traits import item_traits
from sparkrec.features.sentiment import item_reviews, text_sentiments
from sparkrec.features.user_traits import active_hours, user_traits

DAY = date(2026, 3, 31)


def _profiles_of_items(spark: SparkSession) -> DataFrame:
    rows: list[tuple[Any, ...]] = [
        (DAY, "cheap", "Mugs", 2.0, 7, 4, datetime(2026, 1, 1)),
        (DAY, "middle", "Mugs", 5.0, 28, 28, datetime(2026, 3, 1)),
        (DAY, "dear", "Mugs", 9.0, 0, 28, datetime(2026, 3, 30)),
        (DAY, "lamp", "Lamps", 70.0, 0, 0, datetime(2026, 3, 31)),
        (DAY, "free", "Mugs", None, 0, 0, datetime(2026, 3, 31)),
    ]
    columns = "as_of date, item_id string, category_path string, median_price double, purchases_7d long"
    return spark.createDataFrame(rows, f"{columns}, purchases_28d long, first_event_time timestamp")


def test_items_stand_in_their_category_and_by_their_last_days(spark: SparkSession) -> None:
    days = spark.createDataFrame(
        [
            (date(2026, 3, 25), "cheap", 1),
            (date(2026, 3, 24), "middle", 1),
            (date(2026, 3, 31), "middle", 0),
        ],
        "event_date date, item_id string, promoted long",
    )

    neighbours = spark.createDataFrame([("cheap", ["dear"])], "item_id string, bought_with array<string>")

    found = {row.item_id: row for row in item_traits(_profiles_of_items(spark), days, neighbours, None).collect()}

    assert {item: row.price_position for item, row in found.items()} == {
        "cheap": 0.0, "middle": 0.5, "dear": 1.0, "lamp": 0.0, "free": None,
    }  # fmt: skip
    assert {item: row.velocity for item, row in found.items()}["middle"] == 4.0
    assert found["middle"].trend == pytest.approx(1.962, abs=1e-3)  # log2 of 113 by 29
    assert found["dear"].trend == pytest.approx(-4.858, abs=1e-3)  # log2 of 1 by 29
    assert (found["lamp"].trend, found["lamp"].age_days, found["cheap"].age_days) == (0.0, 0, 89)
    # A week is seven days, the run's counted.
    assert {item for item, row in found.items() if row.promoted} == {"cheap"}
    assert (found["cheap"].reviews, found["cheap"].rating) == (0, None)
    assert (found["cheap"].bought_with, found["dear"].bought_with) == (["dear"], [])


def test_words_say_what_the_stars_beside_them_do(spark: SparkSession) -> None:
    reviews = spark.createDataFrame(
        [
            *[(f"good{n}", "a", 5.0, ["lovely", "mug"]) for n in range(8)],
            *[(f"bad{n}", "b", 1.0, ["awful", "mug"]) for n in range(8)],
            ("mute", "c", None, ["lovely", "lovely", "thing"]),
            ("stars", "c", 4.0, []),
        ],
        "event_id string, item_id string, rating double, words array<string>",
    )
    middle = (8 * 5 + 8 + 4) / 17

    sentiments = {row.event_id: row.sentiment for row in text_sentiments(reviews, prior=2.0).collect()}

    lovely, awful, mug = 8 * (5 - middle) / 10, 8 * (1 - middle) / 10, (48 - 16 * middle) / 18
    assert sentiments["good0"] == pytest.approx((lovely + mug) / 2)
    assert sentiments["bad0"] == pytest.approx((awful + mug) / 2)
    # Of a word that no rated review has nobody knows anything.
    assert sentiments["mute"] == pytest.approx(lovely)
    assert "stars" not in sentiments

    rows = item_reviews(reviews, text_sentiments(reviews, 2.0), prior=2.0).collect()
    found = {row.item_id: (row.reviews, row.rating, row.sentiment) for row in rows}
    assert found["a"] == pytest.approx((8, (40 + 2 * middle) / 10, 8 * sentiments["good0"] / 10))
    assert found["c"] == pytest.approx((2, (4 + 2 * middle) / 3, lovely / 3))


def test_users_have_a_life_cycle_hours_and_affinities(spark: SparkSession) -> None:
    def profile(user: str, first: date, last: date, purchases: int, promoted: float) -> tuple[Any, ...]:
        at = datetime.min.time()
        gone = (DAY - last).days
        return (DAY, user, datetime.combine(first, at), datetime.combine(last, at), gone, purchases, promoted)

    profiles = spark.createDataFrame(
        [
            profile("new", date(2026, 3, 20), date(2026, 3, 20), 1, 0.0),
            profile("active", date(2025, 3, 31), date(2026, 1, 30), 3, 1.0),
            profile("slipping", date(2026, 2, 1), date(2026, 2, 20), 2, 0.5),
            profile("lost", date(2025, 1, 1), date(2025, 1, 1), 4, 0.0),
        ],
        "as_of date, user_id string, first_event_time timestamp, last_event_time timestamp, recency_days int, "
        "purchases long, promoted_share double",
    )
    bought = {
        "new": [(date(2026, 3, 20), ["cheap"])],
        # A gap of 305 / 2 days: 60 without a purchase are nothing unusual.
        "active": [(date(2025, 3, 31), ["cheap"]), (date(2025, 9, 1), ["dear"]), (date(2026, 1, 30), ["dear", "lamp"])],
        "slipping": [(date(2026, 2, 1), ["lamp"]), (date(2026, 2, 20), ["free"])],
        "lost": [(date(2025, 1, 1), [])],
    }
    days = spark.createDataFrame(
        [
            (day, user, len(items), [(item, 1.0) for item in items])
            for user, found in bought.items()
            for day, items in found
        ],
        "event_date date, user_id string, purchases long, bought array<struct<item_id:string,unit_price:double>>",
    )
    hours = active_hours(
        spark.createDataFrame(
            [
                ("active", datetime(2026, 1, 1, 9, 59)),
                ("active", datetime(2026, 1, 2, 9)),
                ("active", datetime(2026, 1, 2, 23)),
                (None, DAY_TIME),
            ],
            "user_id string, event_time timestamp",
        )
    )
    items = spark.createDataFrame(
        [("cheap", "Mugs", "A"), ("dear", "Mugs", "B"), ("lamp", "Lamps", "A"), ("free", None, None)],
        "item_id string, category_path string, brand string",
    )
    none = spark.createDataFrame([], "event_date date, item_id string, promoted long")
    alone = spark.createDataFrame([], "item_id string, bought_with array<string>")
    traits = item_traits(_profiles_of_items(spark), none, alone, None)

    found = {row.user_id: row for row in user_traits(profiles, days, hours, items, traits).collect()}

    assert {user: row.life_cycle for user, row in found.items()} == {user: user for user in found}
    assert found["active"].mean_gap_days == pytest.approx(305 / 2)
    assert (found["active"].category_names, found["active"].category_shares) == (["Mugs", "Lamps"], [0.75, 0.25])
    assert (found["active"].brand_names, found["active"].brand_shares) == (["A", "B"], [0.5, 0.5])
    assert found["active"].price_position == pytest.approx(0.5)
    # Of what has no price nothing is known; the rest is one lamp.
    assert found["slipping"].price_position == 0.0
    assert (found["lost"].price_position, found["lost"].active_days, found["lost"].category_names) == (None, 0, [])
    assert [round(share, 3) for share in found["active"].hours] == [0.0] * 9 + [0.667] + [0.0] * 13 + [0.333]
    assert found["new"].hours == [0.0] * 24
    # Four of ten purchases were promoted.
    assert found["active"].promotion_lift == pytest.approx((3 + 5 * 0.4) / 8 / 0.4)
    assert found["lost"].promotion_lift == pytest.approx(5 * 0.4 / 9 / 0.4)


DAY_TIME = datetime(2026, 3, 31, 12)
