from datetime import datetime, timedelta

import pytest
from pyspark.sql import SparkSession

from sparkrec.config.settings import SplitSettings
from sparkrec.features.effective_split import effective_split

LAST = datetime(2026, 3, 31, 12)
BY_TIME = SplitSettings()


def split_of(spark: SparkSession, days_before: list[float], split: SplitSettings) -> tuple[SplitSettings, str | None]:
    """Of events of one user each, so many days before the last one."""
    times = [LAST - timedelta(days=days) for days in days_before]
    rows = [(f"e{place}", f"u{place}", time, time) for place, time in enumerate(times)]
    schema = "event_id string, user_id string, event_time timestamp, known_time timestamp"
    found = effective_split(spark.createDataFrame(rows, schema), split)
    return found.split, found.told


@pytest.mark.parametrize(
    ("days_before", "kind", "holdout", "told"),
    [
        (range(84), "global_time", 28, None),
        (
            range(83),
            "global_time",
            14,
            "the history has 83 days; validation and test windows are 14 days instead of 28",
        ),
        (range(31), "global_time", 7, "the history has 31 days; validation and test windows are 7 days instead of 28"),
        (range(31), "none", 14, "the history has 31 days; the validation window is 14 days instead of 28"),
        ((0, 1.5, 2.5), "global_time", 1, "windows are 1 day instead of 28"),
        # Closed for two years, and open again for five days.
        ((*range(5), *range(800, 900)), "global_time", 3, "no event came to be known from 28 to 56 days before"),
        ((0, *range(800, 900)), "global_time", 28, "there is no validation"),
        ((0, 0, 0), "publish_only", 28, "the history has 1 day, and 2 days held out would leave nothing"),
        ((0, 0.9, 1.9), "publish_only", 28, "nothing is held out"),
    ],
)
def test_windows_are_as_long_as_the_history_has_room_for(
    spark: SparkSession, days_before: tuple[float, ...], kind: str, holdout: int, told: str | None
) -> None:
    asked = SplitSettings(kind="none") if kind == "none" else BY_TIME

    split, said = split_of(spark, list(days_before), asked)

    assert (split.kind, split.holdout_days) == (kind, holdout)
    assert (told is None and said is None) or (told is not None and said is not None and told in said)


def test_users_of_fewer_than_three_events_are_held_out_of_nothing(spark: SparkSession) -> None:
    split, told = split_of(spark, [0, 30, 60], SplitSettings(kind="leave_last"))

    assert split.kind == "publish_only"
    assert told is not None
    assert "no user has 3 positive events" in told
