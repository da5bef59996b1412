"""What day facts say of users, items and pairs, against plain Python on random logs."""

import math
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from pyspark.sql import DataFrame, SparkSession

from sparkrec.features.day_facts import pair_days, with_day_facts

START = date(2026, 1, 1)
HAPPENED = "user_index int, item_index int, event_time timestamp, known_time timestamp, unit_price double"
ROWS = "row int, user_index int, item_index int, day date"
EXAMPLES = settings(
    max_examples=4, deadline=None, derandomize=True, database=None, phases=[Phase.explicit, Phase.generate]
)


@dataclass(frozen=True)
class Event:
    user: int
    item: int
    day: int
    hour: int
    price: float | None = None
    returned: bool = False
    late: int = 0

    @property
    def known(self) -> int:
        """The day on which it came to be known."""
        return self.day + self.late


# Days that lie together and days about as far apart as windows are long.
DAYS = st.one_of(st.integers(0, 6), st.integers(0, 130), st.sampled_from([7, 28, 35, 90, 97]))
PEOPLE, THINGS = st.integers(0, 2), st.integers(0, 2)
EVENTS = st.builds(
    Event,
    PEOPLE,
    THINGS,
    DAYS,
    st.integers(0, 23),
    st.sampled_from([None, 0.0, 1.5, 20.0]),
    st.sampled_from([False, False, False, True]),
    st.sampled_from([0, 0, 0, 0, 1, 6, 40]),
)
LOGS = st.lists(
    st.tuples(st.lists(EVENTS, max_size=25), st.lists(st.tuples(PEOPLE, THINGS, DAYS), min_size=5, max_size=15)),
    min_size=15,
    max_size=25,
)
Log = tuple[list[Event], list[tuple[int, int, int]]]


def happened(spark: SparkSession, logs: list[Log], returned: bool) -> DataFrame:
    def at(day: int, hour: int) -> datetime:
        return datetime(2026, 1, 1, hour, tzinfo=UTC) + timedelta(day)

    rows = [
        (10 * n + e.user, 10 * n + e.item, at(e.day, e.hour), at(e.known, e.hour), e.price)
        for n, (events, _) in enumerate(logs)
        for e in events
        if e.returned == returned
    ]
    return spark.createDataFrame(rows, HAPPENED)


def facts_of(spark: SparkSession, logs: list[Log]) -> list[dict[str, Any]]:
    """The facts of each asked user, item and day, in order."""
    asked = [
        (10 * n + user, 10 * n + item, START + timedelta(day))
        for n, (_, rows) in enumerate(logs)
        for user, item, day in rows
    ]
    rows = spark.createDataFrame([(place, *row) for place, row in enumerate(asked)], ROWS)
    days = pair_days(happened(spark, logs, False), happened(spark, logs, True).drop("unit_price"))
    found = {row.row: row.asDict() for row in with_day_facts(rows, days).collect()}
    assert len(found) == len(asked)
    return [
        {name: value for name, value in found[place].items() if name not in ("row", "user_index", "item_index", "day")}
        for place in range(len(asked))
    ]


def expected(events: list[Event], user: int, item: int, day: int) -> dict[str, Any]:
    """What was known of the three before the day."""
    known = [event for event in events if event.known < day]
    of_user, of_item = [e for e in known if e.user == user], [e for e in known if e.item == item]
    bought = {"user": [e for e in of_user if not e.returned], "item": [e for e in of_item if not e.returned]}
    pair = [e for e in bought["user"] if e.item == item]

    def since(some: list[Event], pick: Any) -> int | None:
        return day - pick(e.day for e in some) if some else None

    def log_price(some: list[Event]) -> Any:
        logs = [math.log1p(e.price) for e in some if e.price is not None]
        return pytest.approx(sum(logs) / len(logs), abs=1e-6) if logs else None

    def share(some: list[Event]) -> Any:
        return pytest.approx(sum(e.returned for e in some) / len(some)) if some else None

    return {
        "user_positives": len(bought["user"]),
        "user_items": len({e.item for e in bought["user"]}),
        "user_days_since": since(bought["user"], max),
        "user_days_since_first": since(bought["user"], min),
        "user_log_price": log_price(bought["user"]),
        "user_return_share": share(of_user),
        "item_positives": len(bought["item"]),
        **{f"item_positives_{w}d": sum(day - w <= e.known for e in bought["item"]) for w in (7, 28, 90)},
        "item_days_since_first": since(bought["item"], min),
        "item_log_price": log_price(bought["item"]),
        "item_return_share": share(of_item),
        "pair_positives": len(pair),
        "pair_days_since": since(pair, max),
    }


@EXAMPLES
@given(logs=LOGS)
def test_facts_are_those_of_all_earlier_days_and_of_no_other(spark: SparkSession, logs: list[Log]) -> None:
    found = facts_of(spark, logs)

    assert found == [expected(events, *asked) for events, rows in logs for asked in rows]


def test_the_day_itself_is_not_known_and_midnight_ends_it(spark: SparkSession) -> None:
    events = [Event(0, 0, day=3, hour=0), Event(0, 0, day=3, hour=23)]

    found = facts_of(spark, [(events, [(0, 0, 3), (0, 0, 4)])])

    assert [(facts["user_positives"], facts["pair_days_since"]) for facts in found] == [(0, None), (2, 1)]


def test_a_late_event_counts_from_the_day_after_it_is_known_and_is_as_old_as_it_is(spark: SparkSession) -> None:
    events = [Event(0, 0, day=1, hour=9), Event(0, 0, day=0, hour=9, late=3)]

    found = facts_of(spark, [(events, [(0, 0, 3), (0, 0, 4)])])

    names = ("user_positives", "pair_days_since", "item_days_since_first", "user_items")
    assert [tuple(facts[name] for name in names) for facts in found] == [(1, 2, 2, 1), (2, 3, 4, 1)]


def test_a_window_of_days_lets_go_of_a_day_that_nothing_happens_after(spark: SparkSession) -> None:
    asked = [(1, 0, day) for day in (1, 7, 8, 28, 29, 90, 91)]

    found = facts_of(spark, [([Event(0, 0, 0, 12)], asked)])

    windows = [tuple(facts[f"item_positives_{window}d"] for window in (7, 28, 90)) for facts in found]
    assert windows == [(1, 1, 1), (1, 1, 1), (0, 1, 1), (0, 1, 1), (0, 0, 1), (0, 0, 1), (0, 0, 0)]
    assert {facts["item_positives"] for facts in found} == {1}
