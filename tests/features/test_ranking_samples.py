"""What a ranking sample knows: histories, indices, and nothing of what comes later."""

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from sparkrec.contracts import load_contract
from sparkrec.contracts.spark import broken_rules, conform
from sparkrec.features.day_facts import pair_days
from sparkrec.features.labelled_pairs import positive_pairs
from sparkrec.features.ranking_samples import ranking_samples

START = datetime(2026, 1, 1, tzinfo=UTC)
POSITIVES = (
    "event_id string, user_id string, user_index int, item_id string, item_index int, event_type string, "
    "event_time timestamp, known_time timestamp, session_id string, unit_price double, split string"
)
CONTRACT = load_contract("features.ranking_samples")

Event = tuple[str, int, int, str, float, str]


def positives_of(spark: SparkSession, events: list[Event]) -> DataFrame:
    """Events of id, user, item, type, day and session; their index is their number + 2."""
    rows = [
        (
            *(id_, f"u{user}", user + 2, f"i{item}", item + 2, kind),
            *(START + timedelta(day), START + timedelta(day), session, 1.0 + item, "train"),
        )
        for id_, user, item, kind, day, session in events
    ]
    return spark.createDataFrame(rows, POSITIVES)


def samples_of(pairs: DataFrame, positives: DataFrame, length: int = 4) -> DataFrame:
    nothing = positives.where("false").select("user_index", "item_index", "known_time")
    return conform(ranking_samples(pairs, positives, pair_days(positives, nothing), length), CONTRACT)


def by_event(samples: DataFrame) -> dict[str, Any]:
    rows = samples.collect()
    assert len({row.sample_id for row in rows}) == len(rows)
    return {row.event_id: row for row in rows}


EVENTS: list[Event] = [
    ("e1", 0, 0, "click", 0.25, "a"),
    ("e2", 0, 1, "purchase", 0.5, "a"),
    ("e3", 0, 0, "cart", 0.75, "b"),
    ("e4", 0, 2, "review", 2.25, "c"),
    # The session goes on into the next day, while another one comes and goes.
    ("e5", 0, 1, "click", 3.25, "c"),
    ("e6", 0, 0, "click", 2.5, "d"),
    ("e7", 1, 2, "click", 9.0, "e"),
]


@pytest.fixture(scope="module")
def found(spark: SparkSession) -> dict[str, Any]:
    positives = positives_of(spark, EVENTS)
    return by_event(samples_of(positive_pairs(positives, 1_000), positives))


def test_a_history_has_items_types_and_gaps_of_the_events_before_the_session(found: dict[str, Any]) -> None:
    assert found["e1"].history == found["e2"].history == [0, 0, 0, 0]
    assert (found["e3"].history, found["e3"].history_types) == ([0, 0, 2, 3], [0, 0, 2, 4])
    assert found["e3"].history_gaps == [0.0, 0.0, 0.5, 0.25]
    # Both are told when their session began.
    for event in ("e4", "e5"):
        assert (found[event].history, found[event].history_types) == ([0, 2, 3, 2], [0, 2, 4, 3])
        assert found[event].history_gaps == [0.0, 2.0, 1.75, 1.5]
    assert (found["e6"].history, found["e6"].history_types) == ([2, 3, 2, 4], [2, 4, 3, 6])


def test_facts_are_those_before_the_day_that_the_session_began_on(found: dict[str, Any]) -> None:
    facts = {event: (row.user_positives, row.pair_positives, row.pair_days_since) for event, row in found.items()}
    assert facts == {
        "e1": (0, 0, None),
        "e2": (0, 0, None),
        "e3": (0, 0, None),
        "e4": (3, 0, None),
        "e5": (3, 1, 2),
        "e6": (3, 2, 2),
        "e7": (0, 0, None),
    }


def test_users_and_items_have_an_index_from_the_day_after_their_first_event(found: dict[str, Any]) -> None:
    indices = {event: (row.user_index, row.item_index) for event, row in found.items()}
    assert indices == {
        "e1": (1, 1),
        "e2": (1, 1),
        "e3": (1, 1),
        "e4": (2, 1),
        "e5": (2, 3),
        "e6": (2, 2),
        "e7": (1, 4),
    }
    assert {event: row.user_id for event, row in found.items()}["e1"] == "u0"


def test_whoever_never_had_a_positive_event_is_unknown_for_ever(spark: SparkSession) -> None:
    positives = positives_of(spark, EVENTS)
    never = positive_pairs(positives, 1_000).withColumns({"user_index": F.lit(-7), "item_index": F.lit(-8)})

    rows = by_event(samples_of(never, positives)).values()

    assert {(row.user_index, row.item_index, row.user_positives, row.item_positives) for row in rows} == {(1, 1, 0, 0)}
    assert {tuple(row.history) for row in rows} == {(0, 0, 0, 0)}


def test_samples_keep_the_rules_of_their_contract_and_know_no_day_of_their_own(spark: SparkSession) -> None:
    positives = positives_of(spark, EVENTS)
    pairs = positive_pairs(positives, 1_000)

    def broken(some: DataFrame) -> set[str]:
        named = samples_of(some, positives).select(F.explode(broken_rules(CONTRACT, "fail")).alias("rule"))
        return {row.rule for row in named.collect()}

    assert broken(pairs) == set()
    assert broken(pairs.withColumns({"split": F.lit("later"), "label": F.lit(0.5), "origin": F.lit("?")})) == {
        "split_unknown",
        "label_unknown",
        "origin_unknown",
    }


def test_what_comes_later_changes_nothing_of_earlier_samples(spark: SparkSession) -> None:
    chance = np.random.default_rng(5)
    kinds = ("click", "cart", "purchase")
    events: list[Event] = [
        (f"e{n:03}", int(user), int(item), kinds[n % 3], float(day), f"s{user} {int(day * 2)}")
        for n, (user, item, day) in enumerate(
            zip(chance.integers(0, 6, 400), chance.integers(0, 9, 400), chance.uniform(0, 60, 400), strict=True)
        )
    ]
    until = 40
    all_of_them, earlier = positives_of(spark, events), positives_of(spark, [e for e in events if e[4] < until])
    pairs = positive_pairs(all_of_them, 1_000).where(F.col("event_time") < F.lit(START + timedelta(until)))

    known = by_event(samples_of(pairs, all_of_them))

    assert known == by_event(samples_of(pairs, earlier))
    assert len(known) > 200
    # They would be told more of what is later than their moment.
    later = pairs.withColumn("started", F.lit(START + timedelta(60)))
    assert by_event(samples_of(later, all_of_them)) != by_event(samples_of(later, earlier))
