"""Drawn negatives: whom they may be, how often, and that the same data give the same."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from sparkrec.features.labelled_pairs import positive_pairs
from sparkrec.features.negatives import draw_weights, with_negatives

START = datetime(2026, 1, 1, tzinfo=UTC)
POSITIVES = (
    "event_id string, user_id string, user_index int, item_id string, item_index int, event_time timestamp, "
    "session_id string, split string"
)
ITEMS = "item_id string, category_path string"
SEED = 7


def positives_of(spark: SparkSession, events: list[tuple[int, int, int]]) -> DataFrame:
    """Events of user, item and day."""
    rows = [
        (f"e{n:05}", f"u{user}", user + 2, f"i{item}", item + 2, START + timedelta(days=day), f"s{user}-{day}", "train")
        for n, (user, item, day) in enumerate(events)
    ]
    return spark.createDataFrame(rows, POSITIVES).withColumn("known_time", F.col("event_time"))


def items_of(spark: SparkSession, categories: dict[int, str | None]) -> DataFrame:
    return spark.createDataFrame([(f"i{item}", category) for item, category in categories.items()], ITEMS)


def drawn(positives: DataFrame, items: DataFrame, number: int = 4, seed: int = SEED) -> pd.DataFrame:
    """All pairs."""
    pairs = with_negatives(
        positive_pairs(positives, 1_000_000), positives, draw_weights(positives, items), number, seed
    )
    return pairs.select("event_id", "user_id", "item_id", "item_index", "label", "origin", "event_time").toPandas()


@pytest.fixture(scope="module")
def events() -> list[tuple[int, int, int]]:
    """Some 300 users take 40 items on 30 days; the lower an item's number, the more often."""
    chance = np.random.default_rng(3)
    items = np.minimum(chance.geometric(0.07, 1_500) - 1, 39)
    users, days = chance.integers(0, 300, 1_500), chance.integers(0, 30, 1_500)
    return list(zip(users.tolist(), items.tolist(), days.tolist(), strict=True))


@pytest.fixture(scope="module")
def categories() -> dict[int, str | None]:
    """Two categories of twelve, one that is too small, and items without one."""
    named: dict[int, str | None] = {item: f"c{item % 2}" for item in range(24)}
    return named | dict.fromkeys(range(24, 28), "small") | dict.fromkeys(range(28, 40))


@pytest.fixture(scope="module")
def pairs(spark: SparkSession, events: list[tuple[int, int, int]], categories: dict[int, str | None]) -> pd.DataFrame:
    return drawn(positives_of(spark, events), items_of(spark, categories))


def test_no_negative_is_an_item_that_the_user_ever_has(pairs: pd.DataFrame, events: list[tuple[int, int, int]]) -> None:
    had = {(f"u{user}", f"i{item}") for user, item, _ in events}
    negatives = pairs[pairs["label"] == 0]
    assert len(negatives) > 3_000
    assert [pair for pair in zip(negatives["user_id"], negatives["item_id"], strict=True) if pair in had] == []


def test_every_positive_stays_and_its_negatives_are_other_items_at_its_moment(pairs: pd.DataFrame) -> None:
    positives, negatives = pairs[pairs["label"] == 1], pairs[pairs["label"] == 0]
    assert len(positives) == 1_500
    assert set(positives["origin"]) == {"event"}
    assert (positives["item_index"] == positives["item_id"].str[1:].astype(int) + 2).all()
    assert (negatives["item_index"] == negatives["item_id"].str[1:].astype(int) + 2).all()
    assert not pairs.duplicated(["event_id", "item_id"]).any()
    of_event = positives.set_index("event_id").loc[negatives["event_id"]]
    assert (of_event["user_id"].to_numpy() == negatives["user_id"].to_numpy()).all()
    assert (of_event["event_time"].to_numpy() == negatives["event_time"].to_numpy()).all()


def test_half_is_drawn_by_popularity_and_half_from_items_like_the_own_one(
    pairs: pd.DataFrame, categories: dict[int, str | None]
) -> None:
    counts = pairs[pairs["label"] == 0].assign(popular=lambda rows: rows["origin"] == "popular")
    of_event = counts.groupby(["event_id", "popular"]).size().unstack(fill_value=0)
    assert of_event.max().to_dict() == {False: 2, True: 2}
    # Most draws pass: of six there are nearly always two.
    assert (of_event == 2).mean().min() > 0.9
    own = pairs[pairs["label"] == 1].set_index("event_id")["item_id"].str[1:].astype(int)
    large = ("c0", "c1")
    for event, item, origin in counts[~counts["popular"]][["event_id", "item_id", "origin"]].itertuples(index=False):
        category = categories[own[event]]
        assert origin == ("category" if category in large else "popularity_band")
        other = categories[int(item[1:])]
        assert (other == category) if category in large else (other not in large)


def test_odd_numbers_give_the_odd_one_to_popularity_and_none_gives_none(
    spark: SparkSession, events: list[tuple[int, int, int]], categories: dict[int, str | None]
) -> None:
    positives, items = positives_of(spark, events[:300]), items_of(spark, categories)
    one, three, none = (drawn(positives, items, number) for number in (1, 3, 0))
    assert set(one["origin"]) == {"event", "popular"}
    most = three[three["label"] == 0].groupby(["event_id", three["origin"] == "popular"]).size().groupby(level=1).max()
    assert most.to_dict() == {False: 1, True: 2}
    assert len(none) == 300


def test_the_same_data_in_another_order_give_the_same_draws_and_another_seed_others(
    spark: SparkSession, pairs: pd.DataFrame, events: list[tuple[int, int, int]], categories: dict[int, str | None]
) -> None:
    positives, items = positives_of(spark, events), items_of(spark, categories)
    again = drawn(positives.orderBy(F.desc("event_id")).repartition(3), items.repartition(3))
    other = drawn(positives, items, seed=SEED + 1)

    def as_set(some: pd.DataFrame) -> set[tuple[str, str, str]]:
        return set(some[["event_id", "item_id", "origin"]].itertuples(index=False, name=None))

    assert as_set(again) == as_set(pairs)
    assert len(as_set(other) & as_set(pairs)) < 0.5 * len(pairs)


def test_popular_items_are_drawn_by_their_count_to_the_power_of_three_quarters(spark: SparkSession) -> None:
    counts = (1, 16, 81)
    owners = [(10_000 + item, item, 0) for item, count in enumerate(counts) for _ in range(count)]
    askers = [(user, 3, 1) for user in range(3_000)]
    positives = positives_of(spark, owners + askers)

    found = drawn(positives, items_of(spark, {}), number=1)

    # Nobody who asks has any of the three, and all of them have the fourth.
    asked = found[(found["label"] == 0) & (found["event_id"] >= f"e{len(owners):05}")]
    first = Counter(asked["item_id"])
    shares = np.array([first[f"i{item}"] for item in range(3)]) / first.total()
    assert first.total() > 600
    assert shares == pytest.approx(np.array([1, 8, 27]) / 36, abs=0.04)


def test_an_item_is_not_drawn_on_a_day_before_its_first(spark: SparkSession) -> None:
    early = [(user, user % 2, 0) for user in range(200)]
    late = [(500, 9, 5)] * 200 + [(600, 8, 5)]
    positives = positives_of(spark, early + late)

    found = drawn(positives, items_of(spark, {}))

    before = found[found["event_id"] < f"e{len(early):05}"]
    assert set(before[before["label"] == 0]["item_id"]) == {"i0", "i1"}
    # On its first day it may be, for then others can take it, too.
    assert "i9" in set(found[(found["label"] == 0) & (found["user_id"] == "u600")]["item_id"])


def test_a_user_who_has_everything_gets_no_negatives(spark: SparkSession) -> None:
    positives = positives_of(spark, [(0, 0, 0), (0, 1, 0), (0, 2, 9), (1, 0, 1)])

    found = drawn(positives, items_of(spark, {}))

    assert set(found[found["user_id"] == "u0"]["label"]) == {1.0}
