"""What behaviour_sequences and retrieval_samples know of a user, against plain Python on random event streams."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from sparkrec.config.settings import SplitSettings
from sparkrec.features.behaviour_sequences import behaviour_sequences
from sparkrec.features.folds import with_split
from sparkrec.features.retrieval_samples import retrieval_samples

START = datetime(2011, 1, 1, tzinfo=UTC)
NEVER = datetime(2100, 1, 1, tzinfo=UTC)
TITLE_WORDS = 2
POSITIVES = (
    "event_id string, user_id string, user_index int, item_id string, item_index int, "
    "event_time timestamp, known_time timestamp, session_id string, split string, window int"
)
OTHERS = "user_id string, item_index int, event_time timestamp, known_time timestamp"


@dataclass(frozen=True)
class Event:
    """An event some hours after the start. Events of one user and session number are one session."""

    number: int
    user: int
    item: int
    hour: int
    session: int
    positive: bool = True
    window: int = 2
    late: int = 0

    @property
    def known(self) -> datetime:
        """Since when it is known, hours after it happened."""
        return self.time + timedelta(hours=self.late)

    @property
    def time(self) -> datetime:
        """When."""
        return START + timedelta(hours=self.hour)

    @property
    def split(self) -> str:
        """The split that the window falls into."""
        return {0: "test", 1: "validation"}.get(self.window, "train")

    @property
    def id(self) -> str:
        """Sorts as the number."""
        return f"e{self.number:04}"

    @property
    def place(self) -> tuple[datetime, str]:
        """The place among the user's events."""
        return (self.time, self.id)


Stream = list[Event]


@st.composite
def streams(draw: st.DrawFn) -> Stream:
    """Events of users with many and with few: ties in time, sessions that overlap, items that come again."""
    event = st.builds(
        Event,
        number=st.just(0),
        user=st.sampled_from([0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 4, 5]),
        item=st.integers(2, 7),
        hour=st.one_of(st.integers(0, 150), st.integers(100, 110)),
        session=st.integers(0, 3),
        positive=st.sampled_from([True, True, True, False]),
        late=st.sampled_from([0, 0, 0, 0, 1, 30]),
    )
    events = draw(st.lists(event, min_size=30, max_size=60))
    # At least one positive event, so that there is a last one.
    events.append(Event(0, user=6, item=2, hour=draw(st.integers(0, 150)), session=0))
    return [replace(event, number=number) for number, event in enumerate(events)]


SPLITS = st.one_of(
    st.builds(SplitSettings, kind=st.sampled_from(["global_time", "none"]), holdout_days=st.integers(1, 3)),
    st.just(SplitSettings(kind="leave_last")),
)
# Making a failing example smaller would take a Spark job a step.
EXAMPLES = settings(
    max_examples=8, deadline=None, derandomize=True, database=None, phases=[Phase.explicit, Phase.generate]
)


def positives_frame(spark: SparkSession, stream: Stream) -> DataFrame:
    """The stream's positive events as features.positives has them."""
    rows = [
        (
            *(e.id, f"u{e.user}", e.user + 2, f"i{e.item}", e.item),
            *(e.time, e.known, f"s{e.user}-{e.session}", e.split, e.window),
        )
        for e in stream
        if e.positive
    ]
    return spark.createDataFrame(rows, POSITIVES)


def others_frame(spark: SparkSession, stream: Stream) -> DataFrame:
    """The stream's other events."""
    return spark.createDataFrame([(f"u{e.user}", e.item, e.time, e.known) for e in stream if not e.positive], OTHERS)


def item_words(spark: SparkSession, items: range) -> DataFrame:
    """features.item_text as far as samples read it: item 2 has no word, item 3 one, and so on."""
    rows = [(item, list(range(item, item + item - 2))) for item in items]
    return spark.createDataFrame(rows, "item_index int, word_indices array<int>")


def split_up(stream: Stream, split: SplitSettings) -> Stream:
    """The stream with the window of each positive event."""
    positives = [event for event in stream if event.positive]
    last = max(event.time for event in positives)
    days = timedelta(days=split.holdout_days)

    def window(event: Event) -> int:
        if split.kind == "leave_last":
            own = sorted((e for e in positives if e.user == event.user), key=lambda e: e.place)
            newer = len(own) - own.index(event) - 1
            return newer if len(own) >= 3 else newer + 2
        number = 0
        while event.known < last - (number + 1) * days:
            number += 1
        return number + 1 if split.kind == "none" else number

    return [replace(event, window=window(event)) if event.positive else event for event in stream]


def known_users(stream: Stream, split: SplitSettings) -> dict[tuple[str, int], dict[str, Any]]:
    """What may be known of each user at each fold, by fold and user's index."""
    newest_known = {"publish": 0, "test": 1, "validation": 2, "back_3": 3}
    expected = {}
    for fold, newest in newest_known.items():
        if fold == "test" and split.kind == "none":
            continue
        known = [e for e in stream if e.positive and e.window >= newest]
        hidden = [e for e in stream if e.positive and e.window < newest]
        until = max((e.time for e in known), default=START)
        for user in {e.user for e in known}:
            own = sorted((e for e in known if e.user == user), key=lambda e: e.place)
            if split.kind == "leave_last":
                bound = min((e.time for e in hidden if e.user == user), default=NEVER)
                before = [e for e in stream if e.time < bound]
            else:
                bound = min((e.known for e in hidden), default=NEVER)
                before = [e for e in stream if e.known < bound]
            others = {e.item for e in before if not e.positive and e.user == user}
            items = sorted({e.item for e in own})
            times = {item: [e.time for e in own if e.item == item] for item in items}
            expected[fold, user + 2] = {
                "user_id": f"u{user}",
                "sequence": [e.item for e in own],
                "items": items,
                "events": [sum(e.item == item for e in own) for item in items],
                "days_since": [float(np.float32((until - max(times[item])) / timedelta(days=1))) for item in items],
                "first_days_since": [
                    float(np.float32((until - min(times[item])) / timedelta(days=1))) for item in items
                ],
                "interacted": sorted({*items, *others}),
            }
    return expected


def check_sequences(sequences: DataFrame, stream: Stream, split: SplitSettings, length: int) -> None:
    """Fails unless each user's row at each fold holds all that may be known there and nothing else."""
    rows = sequences.collect()
    found = {(row.fold, row.user_index): row.asDict() for row in rows}
    assert len(found) == len(rows)
    expected = known_users(stream, split)
    assert found.keys() == expected.keys()
    for (fold, user), row in expected.items():
        assert found[fold, user] == {"fold": fold, "user_index": user, **row, "sequence": row["sequence"][-length:]}


def check_samples(samples: DataFrame, stream: Stream, length: int) -> None:
    """Fails unless each sample's history is what was known last of the user before its session began."""
    rows = {row.event_id: row for row in samples.collect()}
    positives = [event for event in stream if event.positive]
    assert rows.keys() == {event.id for event in positives}
    for event in positives:
        own = sorted((e for e in positives if e.user == event.user), key=lambda e: e.place)
        began = min(e.time for e in own if e.session == event.session)
        known = sorted((e for e in own if e.known < began), key=lambda e: (e.known, e.place))[-length:]
        history = [e.item for e in sorted(known, key=lambda e: e.place)]
        words = list(range(event.item, event.item + event.item - 2))[:TITLE_WORDS]
        row = rows[event.id]
        assert row.history == [0] * (length - len(history)) + history, event
        assert row.item_words == words + [0] * (TITLE_WORDS - len(words))
        assert (row.user_index, row.item_index, row.split) == (event.user + 2, event.item, event.split)
        assert row.event_time.astimezone(UTC) == event.time


def samples_of(spark: SparkSession, stream: Stream, length: int) -> DataFrame:
    return retrieval_samples(positives_frame(spark, stream), item_words(spark, range(2, 8)), length, TITLE_WORDS)


@EXAMPLES
@given(stream=streams(), split=SPLITS, length=st.integers(1, 4))
def test_sequences_hold_all_that_a_fold_may_know_and_nothing_else(
    spark: SparkSession, stream: Stream, split: SplitSettings, length: int
) -> None:
    positives = with_split(positives_frame(spark, stream).drop("split", "window"), split)

    sequences = behaviour_sequences(positives, others_frame(spark, stream), split, length, ["back_3"])

    check_sequences(sequences, split_up(stream, split), split, length)


@EXAMPLES
@given(stream=streams(), length=st.integers(1, 4))
def test_a_samples_history_is_the_last_events_from_before_its_session(
    spark: SparkSession, stream: Stream, length: int
) -> None:
    check_samples(samples_of(spark, stream, length), stream, length)


# A user with a basket before, two baskets at once, and one that lasts while another comes and goes.
BASKETS = [
    Event(0, user=0, item=2, hour=0, session=0),
    Event(1, user=0, item=3, hour=0, session=0),
    Event(2, user=0, item=4, hour=5, session=1),
    Event(3, user=0, item=5, hour=5, session=2),
    Event(4, user=0, item=6, hour=6, session=3, window=1),
    Event(5, user=0, item=7, hour=9, session=1, window=1),
    Event(6, user=0, item=2, hour=20, session=4, window=0),
    Event(7, user=1, item=7, hour=1, session=0),
]


def histories(samples: DataFrame) -> dict[str, list[int]]:
    """The history of each sample."""
    return {row.event_id: row.history for row in samples.collect()}


def test_a_history_knows_nothing_of_its_own_basket_nor_of_one_that_began_with_it(spark: SparkSession) -> None:
    assert histories(samples_of(spark, BASKETS, 5)) == {
        "e0000": [0, 0, 0, 0, 0],
        "e0001": [0, 0, 0, 0, 0],
        "e0002": [0, 0, 0, 2, 3],
        "e0003": [0, 0, 0, 2, 3],
        "e0004": [0, 2, 3, 4, 5],
        "e0005": [0, 0, 0, 2, 3],
        "e0006": [3, 4, 5, 6, 7],
        "e0007": [0, 0, 0, 0, 0],
    }


def test_a_history_keeps_the_latest_events_even_of_a_session_that_began_long_before(spark: SparkSession) -> None:
    assert histories(samples_of(spark, BASKETS, 1))["e0006"] == [7]


def test_a_history_has_an_event_that_came_late_from_when_it_is_known(spark: SparkSession) -> None:
    stream = [Event(n, user=0, item=2 + n, hour=n, session=n, late=4 if n == 1 else 0) for n in range(6)]
    stream.append(Event(6, user=0, item=2, hour=6, session=6))

    found = histories(samples_of(spark, stream, 3))

    assert found["e0003"] == [0, 2, 4]
    # Known at the very moment is not known before it.
    assert found["e0005"] == [4, 5, 6]
    assert found["e0006"] == [3, 6, 7]


def test_histories_that_know_of_late_events_at_once_are_found(spark: SparkSession) -> None:
    stream = [Event(n, user=0, item=2 + n, hour=n, session=n, late=2 if n == 0 else 0) for n in range(3)]
    check_samples(samples_of(spark, stream, 3), stream, 3)
    at_once = positives_frame(spark, stream).withColumn("known_time", F.col("event_time"))

    leaking = retrieval_samples(at_once, item_words(spark, range(2, 8)), 3, TITLE_WORDS)

    with pytest.raises(AssertionError, match="number=1"):
        check_samples(leaking, stream, 3)


def test_histories_that_leak_their_own_session_are_found(spark: SparkSession) -> None:
    check_samples(samples_of(spark, BASKETS, 3), BASKETS, 3)
    broken = positives_frame(spark, BASKETS).withColumn("session_id", F.col("event_id"))

    leaking = retrieval_samples(broken, item_words(spark, range(2, 8)), 3, TITLE_WORDS)

    with pytest.raises(AssertionError, match="session=1"):
        check_samples(leaking, BASKETS, 3)


@pytest.mark.parametrize("kind", ["global_time", "leave_last", "none"])
def test_sequences_that_leak_what_is_held_out_are_found(spark: SparkSession, kind: Any) -> None:
    split = SplitSettings(kind=kind, holdout_days=1)
    days = [(0, 2, True), (1, 3, True), (2, 4, True), (3, 5, True), (3, 7, False), (4, 6, True), (5, 2, False)]
    stream: Sequence[Event] = [
        Event(number, 0, item, 24 * day, day, positive) for number, (day, item, positive) in enumerate(days)
    ]
    stream = split_up(list(stream), split)
    others, positives = others_frame(spark, stream), positives_frame(spark, stream)
    check_sequences(behaviour_sequences(positives, others, split, 3, ["back_3"]), stream, split, 3)

    nothing_held_out = behaviour_sequences(positives.withColumn("window", F.lit(3)), others, split, 3, ["back_3"])

    with pytest.raises(AssertionError):
        check_sequences(nothing_held_out, stream, split, 3)


def interacted(spark: SparkSession, stream: Stream, split: SplitSettings) -> dict[tuple[str, str], list[int]]:
    """The items interacted with, by fold and user."""
    sequences = behaviour_sequences(positives_frame(spark, stream), others_frame(spark, stream), split, 3)
    return {(row.fold, row.user_id): row.interacted for row in sequences.collect()}


def test_interacted_has_returns_from_before_the_fold_only(spark: SparkSession) -> None:
    split = SplitSettings(kind="global_time", holdout_days=1)
    days = [(0, 2, True), (1, 6, False), (2, 3, True), (2, 7, False), (3, 4, True), (3, 5, False)]
    stream = split_up(
        [Event(n, 0, item, 24 * day, day, positive) for n, (day, item, positive) in enumerate(days)], split
    )
    assert [event.split for event in stream if event.positive] == ["train", "test", "test"]

    assert interacted(spark, stream, split) == {
        ("validation", "u0"): [2, 6],
        ("test", "u0"): [2, 6],
        ("publish", "u0"): [2, 3, 4, 5, 6, 7],
    }


def test_leaving_the_last_event_out_keeps_its_item_and_its_return_out_of_interacted(spark: SparkSession) -> None:
    split = SplitSettings(kind="leave_last")
    bought = [Event(n, user=0, item=item, hour=n, session=n) for n, item in enumerate((2, 3, 4))]
    returned = [Event(3, 0, 4, 3, 3, positive=False), Event(4, 0, 3, 2, 2, positive=False)]
    # Another user's events are no border for this one.
    elsewhere = [Event(5 + n, user=1, item=7, hour=n, session=n) for n in range(3)]
    early = [Event(8, 2, 5, 0, 0), Event(9, 2, 6, 90, 0, positive=False)]

    assert interacted(spark, split_up([*bought, *returned, *elsewhere, *early], split), split) == {
        ("validation", "u0"): [2],
        ("test", "u0"): [2, 3],
        ("publish", "u0"): [2, 3, 4],
        ("validation", "u1"): [7],
        ("test", "u1"): [7],
        ("publish", "u1"): [7],
        ("validation", "u2"): [5, 6],
        ("test", "u2"): [5, 6],
        ("publish", "u2"): [5, 6],
    }
