"""What rankers learn from: a labelled user and item at a moment, with what was known before it."""

from typing import get_args

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from sparkrec.config.settings import EventType
from sparkrec.features.day_facts import with_day_facts
from sparkrec.features.fixed_length import pad_front
from sparkrec.features.histories import with_history
from sparkrec.features.vocabulary import UNKNOWN


def ranking_samples(pairs: DataFrame, positives: DataFrame, days: DataFrame, history_length: int) -> DataFrame:
    """One sample for each labelled pair (features.ranking_samples).

    The moment of a sample is when its session began: the history was known before that time, and all other features
    before that day. A user or an item without a positive event until then has the index of unknown values, as
    it would have had then, for the vocabulary lists whatever has one at any time.

    Args:
        pairs: Labelled pairs (sparkrec.features.labelled_pairs).
        positives: features.positives.
        days: `sparkrec.features.day_facts.pair_days` of all events.
        history_length: Latest events to keep; shorter histories are padded with 0 in front.
    """
    moments = pairs.select("user_index", "started").distinct()
    of_event = F.struct("item_index", _event_type().alias("type"), "event_time")
    gap = F.transform("history", lambda event: _days(F.col("started"), event["event_time"]))
    histories = with_history(moments, positives, "started", history_length, of_event).select(
        *("user_index", "started"),
        pad_front(F.col("history.item_index"), history_length).alias("history"),
        pad_front(F.col("history.type"), history_length).cast("array<tinyint>").alias("history_types"),
        pad_front(gap, history_length).cast("array<float>").alias("history_gaps"),
    )
    known = with_day_facts(pairs.withColumn("day", F.to_date("started")), days)
    as_known = {f"{of}_index": F.when(F.col(f"{of}_positives") > 0, F.col(f"{of}_index")) for of in ("user", "item")}
    return (
        known.join(histories, ["user_index", "started"], "inner")
        .withColumns({name: F.coalesce(index, F.lit(UNKNOWN)) for name, index in as_known.items()})
        .withColumn("sample_id", F.xxhash64("event_id", "item_id"))
        .drop("started", "day")
    )


def _event_type() -> Column:
    """The event's type as its place among all types, from 1."""
    types = get_args(EventType)
    return F.array_position(F.array(*map(F.lit, types)), F.col("event_type")).cast("tinyint")


def _days(later: Column, earlier: Column) -> Column:
    return ((F.unix_micros(later) - F.unix_micros(earlier)) / 86_400_000_000).cast("float")
