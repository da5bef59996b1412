"""A user's latest positive events before a moment."""

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from sparkrec.features.as_of import as_of_join
from sparkrec.features.fixed_length import last


def with_session_start(rows: DataFrame, positives: DataFrame) -> DataFrame:
    """Add ``started``: the time of the first positive event of the session.

    Args:
        rows: Some of the positives.
        positives: features.positives.
    """
    session = ["user_index", "session_id"]
    return rows.join(positives.groupBy(*session).agg(F.min("event_time").alias("started")), session, "inner")


def with_history(rows: DataFrame, positives: DataFrame, at: str, length: int, value: Column) -> DataFrame:
    """Add ``history``: what the user's latest positive events that were known before a moment were, oldest first.

    The latest are those that came to be known last; an event that came days late may so take an older one's place.

    Args:
        rows: At least ``user_index`` and the moment.
        positives: features.positives.
        at: The column with the moment; what was known before it counts, whichever sessions it is of.
        length: Most events that are kept; events of one time are in the order of their ids.
        value: What is kept of an event.
    """
    of_event = F.struct("event_time", "event_id", value.alias("value"))
    by_time = positives.groupBy("user_index", "known_time").agg(
        last(F.array_sort(F.collect_list(of_event)), length).alias("events")
    )
    # Each time has one event at least, so that the latest events are within as many times.
    latest = Window.partitionBy("user_index").orderBy("known_time").rowsBetween(1 - length, Window.currentRow)
    collected = by_time.withColumn("collected", F.flatten(F.collect_list("events").over(latest)))
    history = F.array_sort(last(F.col("collected"), length))["value"].alias("history")
    # No event is known before it happens, so that one time says both.
    states = collected.select("user_index", F.col("known_time").alias("since"), history)
    found = as_of_join(rows, states, ["user_index"], at, "since", "since")
    none = F.array().cast(states.schema["history"].dataType)
    return found.withColumn("history", F.coalesce("history", none))
