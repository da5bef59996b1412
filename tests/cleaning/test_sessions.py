from datetime import UTC, datetime, timedelta

import pytest
from pyspark.sql import DataFrame, SparkSession

from sparkrec.cleaning.sessions import with_actor, with_bots, with_sessions
from sparkrec.config.settings import BotSettings, SessionSettings

START = datetime(2026, 1, 1, 23, 50, tzinfo=UTC)
SCHEMA = (
    "event_id string, visitor_id string, session_id string, event_time timestamp, event_date date, event_type string, "
    "names_bot boolean, carried string"
)


def events(
    spark: SparkSession,
    *rows: tuple[str, str | None, float],
    kind: str = "click",
    names_bot: bool = False,
    carried: str | None = None,
) -> DataFrame:
    """Events of ``(id, visitor, minutes)``."""
    times = [(id_, visitor, START + timedelta(minutes=minutes)) for id_, visitor, minutes in rows]
    given = [(id_, visitor, None, at, at.date(), kind, names_bot, carried) for id_, visitor, at in times]
    return spark.createDataFrame(given, SCHEMA)


def test_a_session_ends_where_the_next_event_comes_later_than_the_gap(spark: SparkSession) -> None:
    rows = [("e1", "u", 0.0), ("e2", "u", 30.0), ("e3", "u", 60.001), ("e4", "u", 61.0), ("f1", "v", 1.0)]

    found = with_sessions(with_actor(events(spark, *reversed(rows)).repartition(3)), SessionSettings(gap_minutes=30))

    first = "u 2026-01-01T23:50:00.000"
    assert {row.event_id: row.session_id for row in found.collect()} == {
        "e1": first,
        "e2": first,
        "e3": "u 2026-01-02T00:50:00.060",
        "e4": "u 2026-01-02T00:50:00.060",
        "f1": "v 2026-01-01T23:51:00.000",
    }


def test_a_session_from_before_goes_on_within_the_gap(spark: SparkSession) -> None:
    day = 24 * 60.0
    rows = events(spark, ("a", "u", 12.0), ("b", "u", 50.0), ("c", "v", 12.0), ("d", "u", day + 11.0))
    before = events(spark, ("x", "u", 5.0), ("y", "w", 5.0), carried="u of yesterday").unionByName(
        events(spark, ("z", "u", day + 5.0), carried="u of the next day")
    )

    found = with_sessions(with_actor(rows.unionByName(before)), SessionSettings(gap_minutes=30))

    assert {row.event_id: row.session_id for row in found.where("carried is null").collect()} == {
        "a": "u of yesterday",
        "b": "u 2026-01-02T00:40:00.000",
        "c": "v 2026-01-02T00:02:00.000",
        "d": "u of the next day",
    }


def test_an_event_without_a_visitor_is_a_session_of_its_own(spark: SparkSession) -> None:
    found = with_sessions(with_actor(events(spark, ("e1", None, 0.0), ("e2", None, 0.0))), SessionSettings())

    assert {row.session_id for row in found.collect()} == {"e1", "e2"}


def test_days_without_a_time_within_are_a_session_each(spark: SparkSession) -> None:
    day = 24 * 60.0
    found = with_sessions(
        with_actor(events(spark, ("a", "u", 0.0), ("b", "u", 0.0), ("c", "u", day))), SessionSettings()
    )

    assert sorted(len(list(ids)) for ids in _by_session(found).values()) == [1, 2]


def _by_session(found: DataFrame) -> dict[str, list[str]]:
    sessions: dict[str, list[str]] = {}
    for row in found.collect():
        sessions.setdefault(row.session_id, []).append(row.event_id)
    return sessions


def bots_among(found: DataFrame) -> set[str]:
    return {row.visitor_id for row in found.where("is_bot").collect()}


@pytest.fixture
def visitors(spark: SparkSession) -> DataFrame:
    """A fast one, a slow one, a fast one who buys, one with few views, one that says what it is, an unknown."""
    fast = [(number, number * 0.5 / 60) for number in range(10)]
    frames = [
        events(spark, *[(f"fast{number}", "fast", at) for number, at in fast]),
        events(spark, *[(f"slow{number}", "slow", number * 0.2) for number in range(10)]),
        events(spark, *[(f"buyer{number}", "buyer", at) for number, at in fast]),
        events(spark, ("bought", "buyer", 5.0), kind="purchase"),
        events(spark, *[(f"few{number}", "few", at) for number, at in fast[:5]]),
        events(spark, ("n1", "named", 0.0), ("n3", "named", 24 * 60.0)),
        events(spark, ("n2", "named", 9.0), names_bot=True),
        events(spark, ("u1", None, 0.0)),
    ]
    together = frames[0]
    for frame in frames[1:]:
        together = together.unionByName(frame)
    return together


def test_bots_are_those_who_say_so_and_those_who_look_faster_than_people(visitors: DataFrame) -> None:
    found = with_bots(with_actor(visitors), BotSettings(min_views=8, gap_seconds=1.0))

    assert bots_among(found) == {"fast", "named"}
    # The named one does not say so on the next day.
    assert found.where("is_bot").count() == 12
    assert not found.where("event_id = 'n3' and is_bot").count()
    assert found.where("is_bot is null").count() == 0


def test_without_settings_nobody_is_a_bot(visitors: DataFrame) -> None:
    assert bots_among(with_bots(with_actor(visitors), None)) == set()
