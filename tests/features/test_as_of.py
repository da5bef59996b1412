"""The point-in-time join against plain Python on random streams, all of one example in one DataFrame."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from sparkrec.features.as_of import as_of_join

START = datetime(2026, 1, 1, tzinfo=UTC)
EVENTS = "event int, stream int, key string, at timestamp"
STATES = "stream int, key string, valid timestamp, known timestamp, revision int, value string, tags array<string>"
EXAMPLES = settings(
    max_examples=5, deadline=None, derandomize=True, database=None, phases=[Phase.explicit, Phase.generate]
)


@dataclass(frozen=True)
class Event:
    key: str | None
    at: int | None


@dataclass(frozen=True)
class State:
    """A state in force since one hour and known since another; ``value`` is what it says."""

    key: str | None
    valid: int | None
    known: int | None
    revision: int
    value: str | None


Stream = tuple[list[Event], list[State]]

# Few hours, so that many times are the same; a state may be told ahead, at once or long after.
HOURS = st.integers(0, 6)
MAYBE = st.one_of(HOURS, HOURS, HOURS, HOURS, HOURS, HOURS, st.none())
KEYS = st.sampled_from(["a", "a", "a", "a", "b", "b", None])
STREAMS = st.lists(
    st.tuples(
        st.lists(st.builds(Event, KEYS, MAYBE), min_size=1, max_size=8),
        st.lists(
            st.builds(State, KEYS, MAYBE, MAYBE, st.integers(0, 2), st.sampled_from(["x", "y", "z", None])), max_size=8
        ),
    ),
    min_size=60,
    max_size=100,
)


def time(hour: int | None) -> datetime | None:
    return None if hour is None else START + timedelta(hours=hour)


def events_frame(spark: SparkSession, streams: list[Stream]) -> DataFrame:
    rows = [(number, event.key, time(event.at)) for number, (events, _) in enumerate(streams) for event in events]
    return spark.createDataFrame([(place, *row) for place, row in enumerate(rows)], EVENTS)


def states_frame(spark: SparkSession, streams: list[Stream]) -> DataFrame:
    rows = [
        (number, s.key, time(s.valid), time(s.known), s.revision, s.value, [str(s.valid), str(s.known)])
        for number, (_, states) in enumerate(streams)
        for s in states
    ]
    return spark.createDataFrame(rows, STATES)


def known_to(event: Event, states: list[State]) -> tuple[int | None, str | None, list[str] | None]:
    """What the event's row must say of the states."""
    if event.key is None or event.at is None:
        return None, None, None
    known = [
        state
        for state in states
        if state.key == event.key
        and state.valid is not None
        and state.known is not None
        and state.valid < event.at
        and state.known < event.at
    ]
    if not known:
        return None, None, None
    # A missing value comes before all others.
    last = max(known, key=lambda s: (s.valid, s.known, s.revision, s.value or ""))
    return last.revision, last.value, [str(last.valid), str(last.known)]


def joined(spark: SparkSession, streams: list[Stream]) -> DataFrame:
    events, states = events_frame(spark, streams), states_frame(spark, streams)
    return as_of_join(events, states, ["stream", "key"], "at", "valid", "known")


@EXAMPLES
@given(streams=STREAMS)
def test_every_event_sees_the_last_state_that_was_in_force_and_known(
    spark: SparkSession, streams: list[Stream]
) -> None:
    rows = joined(spark, streams).collect()

    assert [tuple(row)[:4] for row in sorted(rows)] == [
        tuple(row) for row in sorted(events_frame(spark, streams).collect())
    ]
    found = {row.event: (row.revision, row.value, row.tags) for row in rows}
    expected = [known_to(event, states) for events, states in streams for event in events]
    assert [found[event] for event in range(len(expected))] == expected


def values_at(spark: SparkSession, hours: list[int], states: list[State]) -> list[str | None]:
    """What events at these hours see."""
    rows = joined(spark, [([Event("a", hour) for hour in hours], states)]).orderBy("event").collect()
    return [row.value for row in rows]


def test_a_correction_that_is_known_later_changes_nothing_for_what_was_before(spark: SparkSession) -> None:
    first, second = State("a", 1, 1, 0, "first"), State("a", 3, 3, 0, "second")
    # It says, at six, what had been so since two.
    correction = State("a", 2, 6, 1, "corrected")
    hours = [1, 2, 4, 6, 7]

    before = values_at(spark, hours, [first, second])

    assert before == [None, "first", "second", "second", "second"]
    # Not even then does it take the place of a state that came into force after it.
    assert values_at(spark, hours, [first, second, correction]) == before
    assert values_at(spark, hours, [first, correction]) == [None, "first", "first", "first", "corrected"]


def test_one_column_may_be_both_times_and_a_time_may_be_a_day(spark: SparkSession) -> None:
    events = spark.createDataFrame([(1, "2026-01-02"), (1, "2026-01-03"), (2, "2026-01-03")], "key int, day string")
    states = spark.createDataFrame([(1, "2026-01-02", 7), (1, "2026-01-01", 5)], "key int, until string, value int")
    events = events.withColumn("day", F.to_date("day"))

    found = as_of_join(events, states.withColumn("until", F.to_date("until")), ["key"], "day", "until", "until")

    assert found.columns == ["key", "day", "value"]
    assert [(row.key, str(row.day), row.value) for row in found.orderBy("key", "day").collect()] == [
        (1, "2026-01-02", 5),
        (1, "2026-01-03", 7),
        (2, "2026-01-03", None),
    ]


@pytest.mark.parametrize("events", [1, 3])
def test_events_at_one_moment_each_find_its_state_once(spark: SparkSession, events: int) -> None:
    assert values_at(spark, [4] * events, [State("a", 1, 1, 0, "x"), State("a", 2, 1, 0, "y")]) == ["y"] * events
