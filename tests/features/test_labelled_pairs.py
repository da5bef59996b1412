"""Impressions and what came of them, and how pairs are thinned out."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from sparkrec.config.settings import SplitSettings
from sparkrec.features.labelled_pairs import at_most, impression_pairs

START = datetime(2026, 1, 1, tzinfo=UTC)
EVENTS = (
    "event_id string, user_id string, item_id string, session_id string, event_time timestamp, position int, "
    "positive boolean"
)
POSITIVES = "user_index int, event_time timestamp, known_time timestamp, split string"
BY_TIME, BY_USER = SplitSettings(kind="global_time", holdout_days=1), SplitSettings(kind="leave_last")

Line = tuple[str, str, str, str, int, int | None]


def at(minute: int) -> datetime:
    return START + timedelta(minutes=minute)


def impressions(
    spark: SparkSession, lines: list[Line], positives: list[tuple[int, int, str]], split: SplitSettings = BY_TIME
) -> dict[tuple[str, str, str], Any]:
    """Pairs by session, user and item, from lines of event, user, item, session, minute and position (None: taken)."""
    events = [
        (id_, user, item, session, at(minute), position, position is None)
        for id_, user, item, session, minute, position in lines
    ]
    known = spark.createDataFrame(
        [(user, at(minute), at(minute), split) for user, minute, split in positives], POSITIVES
    )
    pairs = impression_pairs(
        spark.createDataFrame(events, EVENTS),
        spark.createDataFrame([("u", 2), ("v", 3)], "user_id string, user_index int"),
        spark.createDataFrame([("mug", 2), ("tin", 3)], "item_id string, item_index int"),
        known,
        split,
    ).collect()
    sessions = {line[0]: line[3] for line in lines}
    found = {(sessions[row.event_id], row.user_id, row.item_id): row for row in pairs}
    assert len(found) == len(pairs)
    return found


TRAIN = [(2, 0, "train")]


def test_what_was_taken_after_it_was_shown_in_the_session_is_one_and_all_else_shown_is_zero(
    spark: SparkSession,
) -> None:
    pairs = impressions(
        spark,
        [
            ("e1", "u", "mug", "s", 5, 1), ("e2", "u", "tin", "s", 6, 2), ("e3", "u", "mug", "s", 7, None),
            # Shown once more; the first time counts.
            ("e4", "u", "tin", "s", 9, 7), ("e5", "u", "tin", "s", 9, None),
            ("e6", "u", "jug", "s", 9, 8),
            # Taken before it was shown, in another session, by another user; never shown at all.
            ("e7", "u", "mug", "t", 20, None), ("e8", "u", "mug", "t", 21, 1),
            ("e9", "v", "tin", "t", 22, None), ("e10", "u", "tin", "t", 23, 3),
        ],
        TRAIN,
    )  # fmt: skip

    assert {key: (row.label, row.event_id, row.position) for key, row in pairs.items()} == {
        ("s", "u", "mug"): (1.0, "e1", 1),
        ("s", "u", "tin"): (1.0, "e2", 2),
        ("s", "u", "jug"): (0.0, "e6", 8),
        ("t", "u", "mug"): (0.0, "e8", 1),
        ("t", "u", "tin"): (0.0, "e10", 3),
    }
    assert {row.origin for row in pairs.values()} == {"impression"}


def test_a_pair_is_told_when_its_session_began_and_who_never_took_anything_has_no_index(spark: SparkSession) -> None:
    lines: list[Line] = [("e1", "u", "tin", "s", 3, None), ("e2", "u", "mug", "s", 8, 1), ("e3", "w", "jug", "s", 9, 1)]

    pairs = impressions(spark, lines, TRAIN)

    mug, jug = pairs["s", "u", "mug"], pairs["s", "w", "jug"]
    assert [row.started.astimezone(UTC) for row in (mug, jug)] == [at(3), at(9)]
    assert [row.event_time.astimezone(UTC) for row in (mug, jug)] == [at(8), at(9)]
    assert (mug.user_index, mug.item_index) == (2, 2)
    assert max(jug.user_index, jug.item_index) < 0


def splits(pairs: dict[tuple[str, str, str], Any]) -> dict[str, str]:
    return {row.event_id: row.split for row in pairs.values()}


def test_a_pair_is_of_the_split_in_which_its_session_ends(spark: SparkSession) -> None:
    positives = [(2, 0, "train"), (2, 30, "validation"), (2, 45, "validation"), (2, 60, "test")]
    lines: list[Line] = [
        ("before", "u", "mug", "a", 29, 1),
        ("across", "u", "mug", "b", 29, 1),
        ("x", "u", "tin", "b", 30, None),
        ("in", "w", "mug", "c", 59, 1),
        ("after", "u", "mug", "d", 99, 1),
    ]

    assert splits(impressions(spark, lines, positives)) == {
        "before": "train",
        "across": "validation",
        "in": "validation",
        "after": "test",
    }


def test_with_leave_last_splits_are_the_users_own(spark: SparkSession) -> None:
    positives = [(2, 0, "train"), (2, 30, "validation"), (2, 60, "test"), (3, 90, "train")]
    lines: list[Line] = [
        ("u train", "u", "mug", "a", 10, 1),
        ("u validation", "u", "mug", "b", 40, 1),
        ("u test", "u", "mug", "c", 70, 1),
        ("v train", "v", "mug", "d", 95, 1),
        ("w train", "w", "mug", "e", 95, 1),
    ]

    found = splits(impressions(spark, lines, positives, BY_USER))

    assert all(event.endswith(f" {split}") for event, split in found.items())
    assert len(found) == 5


@pytest.fixture(scope="module")
def many(spark: SparkSession) -> DataFrame:
    """A thousand pairs, every fifth of label 1."""
    label = F.when(F.col("id") % 5 == 0, 1.0).otherwise(0.0)
    return spark.range(1_000).select(F.concat(F.lit("e"), F.col("id")).alias("event_id"), label.alias("label"))


def ids(pairs: DataFrame, label: int) -> set[str]:
    return {row.event_id for row in pairs.where(F.col("label") == label).collect()}


def test_pairs_are_thinned_out_at_one_rate_to_a_number_of_label_one(many: DataFrame) -> None:
    fewer, fewest = at_most(many, 100), at_most(many, 50)

    assert len(ids(fewer, 1)) == 100
    assert len(ids(fewest, 1)) == 50
    assert 330 < len(ids(fewer, 0)) < 470
    assert ids(fewest, 1) < ids(fewer, 1)
    assert ids(fewest, 0) < ids(fewer, 0)


@pytest.mark.parametrize("most", [201, 10_000])
def test_fewer_pairs_than_the_most_all_stay(many: DataFrame, most: int) -> None:
    assert at_most(many, most).count() == 1_000


def test_more_pairs_only_displace_those_of_greater_hash(many: DataFrame) -> None:
    before = at_most(many.where("event_id < 'e5'"), 60)

    after = ids(at_most(many, 60), 1)

    assert {id_ for id_ in after if id_ < "e5"} < ids(before, 1)
