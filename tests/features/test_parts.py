from collections import defaultdict
from datetime import UTC, datetime
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession

from sparkrec.config.settings import SplitSettings
from sparkrec.features.parts import cuts, held_out_at_cuts, known_at_cuts, with_part


def events(spark: SparkSession, *rows: tuple[str, str, str]) -> DataFrame:
    """Events of ``event, user, time``."""
    typed = [(event, user, datetime.fromisoformat(time).replace(tzinfo=UTC)) for event, user, time in rows]
    return spark.createDataFrame(typed, "event_id string, user_id string, event_time timestamp")


def parts(rows: DataFrame) -> dict[str, str]:
    """The part of each event."""
    return {row.event_id: row.part for row in rows.collect()}


def by_cut(rows: DataFrame) -> dict[str, list[str]]:
    """Events of each cut."""
    found: dict[str, list[Any]] = defaultdict(list)
    for row in rows.collect():
        found[row.cut].append(row.event_id)
    return {cut: sorted(ids) for cut, ids in found.items()}


@pytest.fixture(scope="module")
def by_time(spark: SparkSession) -> DataFrame:
    """One event on each side of every border, 28 and 56 days before the last event."""
    return events(
        spark,
        ("first", "u", "2010-12-01 08:00:00"),
        ("before_56", "v", "2011-10-14 12:49:59"),
        ("at_56", "u", "2011-10-14 12:50:00"),
        ("before_28", "u", "2011-11-11 12:49:59.999999"),
        ("at_28", "v", "2011-11-11 12:50:00"),
        ("last", "w", "2011-12-09 12:50:00"),
    )


def test_global_time_holds_out_the_last_days_and_as_many_before_them(by_time: DataFrame) -> None:
    assert parts(with_part(by_time, SplitSettings(kind="global_time", holdout_days=28))) == {
        "first": "train",
        "before_56": "train",
        "at_56": "validation",
        "before_28": "validation",
        "at_28": "test",
        "last": "test",
    }


def test_without_a_split_the_last_days_are_validation_and_nothing_is_test(by_time: DataFrame) -> None:
    assert parts(with_part(by_time, SplitSettings(kind="none", holdout_days=28))) == {
        "first": "train",
        "before_56": "train",
        "at_56": "train",
        "before_28": "train",
        "at_28": "validation",
        "last": "validation",
    }


def test_leave_last_holds_out_each_users_last_two_events_unless_there_are_fewer_than_three(
    spark: SparkSession,
) -> None:
    rows = events(
        spark,
        ("a1", "a", "2011-01-01 10:00:00"),
        ("a4", "a", "2011-01-04 10:00:00"),
        ("a3", "a", "2011-01-03 10:00:00"),
        ("a2", "a", "2011-01-02 10:00:00"),
        ("b1", "b", "2011-05-01 10:00:00"),
        ("b2", "b", "2011-05-02 10:00:00"),
        ("c1", "c", "2011-06-01 10:00:00"),
        # At the same time, the event's id decides.
        ("d1", "d", "2011-07-01 10:00:00"),
        ("d3", "d", "2011-07-01 10:00:00"),
        ("d2", "d", "2011-07-01 10:00:00"),
    )

    assert parts(with_part(rows, SplitSettings(kind="leave_last"))) == {
        "a1": "train",
        "a2": "train",
        "a3": "validation",
        "a4": "test",
        "b1": "train",
        "b2": "train",
        "c1": "train",
        "d1": "train",
        "d2": "validation",
        "d3": "test",
    }


def test_every_cut_knows_the_parts_before_its_own_and_is_held_from_the_others(by_time: DataFrame) -> None:
    split = SplitSettings(kind="global_time")
    rows = with_part(by_time, split)
    train, validation, test = ["before_56", "first"], ["at_56", "before_28"], ["at_28", "last"]

    assert cuts(split) == ("validation", "test", "publish")
    assert by_cut(known_at_cuts(rows, split)) == {
        "validation": sorted(train),
        "test": sorted(train + validation),
        "publish": sorted(train + validation + test),
    }
    assert by_cut(held_out_at_cuts(rows, split)) == {"validation": sorted(validation + test), "test": sorted(test)}


def test_without_a_split_there_is_no_test_cut(by_time: DataFrame) -> None:
    split = SplitSettings(kind="none")
    rows = with_part(by_time, split)

    assert cuts(split) == ("validation", "publish")
    assert {cut: len(ids) for cut, ids in by_cut(known_at_cuts(rows, split)).items()} == {"validation": 4, "publish": 6}
    assert by_cut(held_out_at_cuts(rows, split)) == {"validation": ["at_28", "last"]}
