import numpy as np
import pandas as pd
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyspark.sql import SparkSession

from sparkrec.features.sequence_windows import sequence_windows

LENGTH = 4
DRAWN = st.tuples(st.integers(2, 4), st.integers(0, 6), st.integers(0, 3), st.integers(2, 9))
"""User, hour, session and item of an event."""


def _expected(events: list[tuple[int, int, str, str, int]]) -> set[tuple[tuple[int, ...], tuple[int, ...]]]:
    """Windows of one user's events ``(user, time, id, session, item)``, event by event."""
    events = sorted(events, key=lambda event: (event[1], event[2]))
    started = {session: min(time for _, time, _, other, _ in events if other == session) for *_, session, _ in events}
    found = set()
    for first in range(0, len(events), LENGTH // 2):
        places = range(first - LENGTH // 2, first + LENGTH // 2)
        window = [events[place][4] if 0 <= place < len(events) else 0 for place in places]
        before = []
        for place in range(first, first + LENGTH // 2):
            older = -1
            if place < len(events):
                older = sum(time < started[events[place][3]] for _, time, *_ in events) - 1
            before.append(max(older - places[0], -1) if older >= 0 else -1)
        if max(before) >= 0:
            found.add((tuple(window), tuple(before)))
    return found


@settings(
    max_examples=8,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    st.lists(
        st.tuples(st.integers(2, 4), st.integers(0, 6), st.integers(0, 3), st.integers(2, 9)), min_size=1, max_size=40
    )
)
def test_windows_equal_those_of_an_oracle(spark: SparkSession, drawn: list[tuple[int, int, int, int]]) -> None:
    events = [
        (user, time, f"e{number:02}", f"s{session}", item) for number, (user, time, session, item) in enumerate(drawn)
    ]
    rows = pd.DataFrame(events, columns=["user_index", "event_time", "event_id", "session_id", "item_index"])
    rows["event_time"] = pd.Timestamp("2026-01-01") + pd.to_timedelta(rows["event_time"], unit="h")

    found = sequence_windows(spark.createDataFrame(rows), LENGTH).toPandas()

    expected = [
        _expected([event for event in events if event[0] == user]) for user in sorted({event[0] for event in events})
    ]
    told = sorted((tuple(map(int, row.window)), tuple(map(int, row.before))) for row in found.itertuples())
    assert told == sorted(window for of_user in expected for window in of_user)
    assert found["window_id"].is_unique


def test_each_event_with_a_past_in_its_window_is_predicted_once(spark: SparkSession) -> None:
    rows = pd.DataFrame(
        {
            "user_index": 7,
            "event_time": pd.date_range("2026-01-01", periods=9, freq="D"),
            "event_id": [f"e{number}" for number in range(9)],
            "session_id": [f"s{number}" for number in range(9)],
            "item_index": np.arange(2, 11),
        }
    )

    found = sequence_windows(spark.createDataFrame(rows), LENGTH).toPandas()

    seen = [
        (window[before], window[2 + place])
        for window, places in zip(found["window"], found["before"], strict=True)
        for place, before in enumerate(places)
        if before >= 0
    ]
    # Of days in a row each event is predicted from the one before it; the first has none.
    assert sorted(seen) == [(item, item + 1) for item in range(2, 10)]


def test_a_long_basket_is_not_predicted_from_its_own_events(spark: SparkSession) -> None:
    rows = pd.DataFrame(
        {
            "user_index": 7,
            "event_time": pd.to_datetime(["2026-01-01"] + ["2026-01-02"] * 6),
            "event_id": [f"e{number}" for number in range(7)],
            "session_id": ["a"] + ["b"] * 6,
            "item_index": np.arange(2, 9),
        }
    )

    found = sequence_windows(spark.createDataFrame(rows), LENGTH).toPandas()

    # Farther than a window behind, the first event is out of sight.
    assert sorted((tuple(row.window), tuple(row.before)) for row in found.itertuples()) == [
        ((0, 0, 2, 3), (-1, 2)),
        ((2, 3, 4, 5), (0, 0)),
    ]
