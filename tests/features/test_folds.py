from collections import defaultdict
from datetime import UTC, datetime
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from sparkrec.config.settings import SplitSettings
from sparkrec.features.folds import (
    backtest_folds,
    backtest_windows,
    fold_that_knows,
    folds,
    held_out_at_folds,
    known_at_folds,
    newest_known,
    with_split,
)


def events(spark: SparkSession, *rows: tuple[str, str, str]) -> DataFrame:
    """Events of ``event, user, time``."""
    typed = [(event, user, datetime.fromisoformat(time).replace(tzinfo=UTC)) for event, user, time in rows]
    frame = spark.createDataFrame(typed, "event_id string, user_id string, event_time timestamp")
    return frame.withColumn("known_time", F.col("event_time"))


def splits(rows: DataFrame) -> dict[str, str]:
    """The split of each event."""
    return {row.event_id: row.split for row in rows.collect()}


def by_fold(rows: DataFrame) -> dict[str, list[str]]:
    """Events of each fold."""
    found: dict[str, list[Any]] = defaultdict(list)
    for row in rows.collect():
        found[row.fold].append(row.event_id)
    return {fold: sorted(ids) for fold, ids in found.items()}


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
    assert splits(with_split(by_time, SplitSettings(kind="global_time", holdout_days=28))) == {
        "first": "train",
        "before_56": "train",
        "at_56": "validation",
        "before_28": "validation",
        "at_28": "test",
        "last": "test",
    }


def test_without_a_split_the_last_days_are_validation_and_nothing_is_test(by_time: DataFrame) -> None:
    assert splits(with_split(by_time, SplitSettings(kind="none", holdout_days=28))) == {
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

    assert splits(with_split(rows, SplitSettings(kind="leave_last"))) == {
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


def test_every_fold_knows_the_splits_before_its_own_and_is_held_from_the_others(by_time: DataFrame) -> None:
    split = SplitSettings(kind="global_time")
    rows = with_split(by_time, split)
    train, validation, test = ["before_56", "first"], ["at_56", "before_28"], ["at_28", "last"]

    assert folds(split) == ("validation", "test", "publish")
    assert by_fold(known_at_folds(rows, folds(split))) == {
        "validation": sorted(train),
        "test": sorted(train + validation),
        "publish": sorted(train + validation + test),
    }
    assert by_fold(held_out_at_folds(rows, folds(split))) == {
        "validation": sorted(validation + test),
        "test": sorted(test),
    }


def test_without_a_split_there_is_no_test_fold(by_time: DataFrame) -> None:
    split = SplitSettings(kind="none")
    rows = with_split(by_time, split)

    assert folds(split) == ("validation", "publish")
    assert {fold: len(ids) for fold, ids in by_fold(known_at_folds(rows, folds(split))).items()} == {
        "validation": 4,
        "publish": 6,
    }
    assert by_fold(held_out_at_folds(rows, folds(split))) == {"validation": ["at_28", "last"]}


def windows(rows: DataFrame) -> dict[str, int]:
    """The window of each event."""
    return {row.event_id: row.window for row in rows.collect()}


def test_windows_go_on_behind_the_splits(spark: SparkSession, by_time: DataFrame) -> None:
    older = events(spark, ("at_84", "u", "2011-09-16 12:50:00"), ("before_84", "u", "2011-09-16 12:49:59"))
    rows = by_time.unionByName(older)
    expected = {"last": 0, "at_28": 0, "before_28": 1, "at_56": 1, "before_56": 2, "at_84": 2, "before_84": 3}

    assert windows(with_split(rows, SplitSettings(kind="global_time"))) == {**expected, "first": 13}
    # Without a test the newest window is the validation's.
    found = windows(with_split(rows, SplitSettings(kind="none")))
    assert found == {event: window + 1 for event, window in {**expected, "first": 13}.items()}


def test_a_window_has_what_came_to_be_known_in_it(by_time: DataFrame) -> None:
    late = {"first": "2011-11-20 08:00:00", "at_28": "2012-01-01 00:00:00"}
    times = F.create_map(*[F.lit(part) for pair in late.items() for part in pair])
    rows = by_time.withColumn("known_time", F.coalesce(times[F.col("event_id")].cast("timestamp"), "known_time"))

    found = windows(with_split(rows, SplitSettings(kind="global_time")))

    assert found == {"last": 0, "at_28": 0, "first": 0, "before_28": 1, "at_56": 1, "before_56": 2}


def test_with_leave_last_a_window_is_a_place_from_the_users_last_event(spark: SparkSession) -> None:
    times = [(f"a{day}", "a", f"2011-01-0{day} 10:00:00") for day in range(1, 5)]
    few = [("b1", "b", "2011-05-01 10:00:00"), ("b2", "b", "2011-05-02 10:00:00")]

    found = windows(with_split(events(spark, *times, *few), SplitSettings(kind="leave_last")))

    # Users of fewer than three events begin with the first window that is train.
    assert found == {"a4": 0, "a3": 1, "a2": 2, "a1": 3, "b2": 2, "b1": 3}


def test_each_fold_backtests_the_newest_windows_that_it_knows() -> None:
    split = SplitSettings(kind="global_time")

    assert {fold: backtest_windows(fold, split, 3) for fold in folds(split)} == {
        "validation": (2, 3, 4),
        "test": (1, 2, 3),
        "publish": (0, 1, 2),
    }
    assert backtest_folds(split, 3) == ("back_3", "back_4", "back_5")
    assert backtest_folds(split, 0) == ()
    # Window 0 is empty where nothing is held out for a test.
    untested = SplitSettings(kind="none")
    assert {fold: backtest_windows(fold, untested, 2) for fold in folds(untested)} == {
        "validation": (2, 3),
        "publish": (1, 2),
    }
    assert backtest_folds(untested, 2) == ("back_3", "back_4")


def test_a_fold_is_named_after_the_newest_window_that_it_knows() -> None:
    assert [fold_that_knows(window) for window in range(5)] == ["publish", "test", "validation", "back_3", "back_4"]
    assert [newest_known(fold_that_knows(window)) for window in range(12)] == list(range(12))


def test_a_fold_further_back_knows_the_windows_from_its_number_on(by_time: DataFrame) -> None:
    rows = with_split(by_time, SplitSettings(kind="global_time"))

    assert by_fold(known_at_folds(rows, ["back_3", "back_14"])) == {"back_3": ["first"]}
    assert by_fold(held_out_at_folds(rows, ["back_3"]))["back_3"] == sorted(set(splits(rows)) - {"first"})
