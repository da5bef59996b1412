"""What models over sequences learn from: windows of a user's positive events, with where each session's past ends."""

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from sparkrec.features.fixed_length import pad_behind
from sparkrec.features.histories import with_session_start


def sequence_windows(positives: DataFrame, length: int) -> DataFrame:
    """Windows of each user's events in time, so that each event is to be predicted in exactly one.

    A window is ``length`` events long and the next one begins half of that later: the later half of its events is to
    be predicted, from no more than the window holds. What is known of an event is all that is older than its session's
    first event, so that nothing of a basket is predicted from the rest of it.

    Args:
        positives: features.positives, of one fold.
        length: Events of a window, even.

    Returns:
        ``window_id``; ``window``, item indices, oldest first, padded with 0 on both sides, of ``length``; ``before``,
        of half that length: the place in the window, from 0, of the last event that each of its later half is to be
        predicted from, -1 where the window holds none.
    """
    targets = length // 2
    earlier = Window.partitionBy("user_index").orderBy("event_time").rowsBetween(Window.unboundedPreceding, -1)
    counted = positives.groupBy("user_index", "event_time").agg(F.count(F.lit(1)).alias("events"))
    older = counted.select(
        "user_index",
        F.col("event_time").alias("started"),
        F.coalesce(F.sum("events").over(earlier), F.lit(0)).cast("int").alias("older"),
    )
    events = with_session_start(positives, positives).join(older, ["user_index", "started"], "inner")
    of_event = F.struct("event_time", "event_id", "item_index", "older")
    users = events.groupBy("user_index").agg(F.array_sort(F.collect_list(of_event)).alias("events"))
    # In front of the first event there is half a window of nothing.
    padded = F.concat(F.array_repeat(F.lit(0), targets), F.col("events.item_index"))
    numbers = F.expr(f"sequence(0, cast((size(events) - 1) div {targets} as int))")
    windows = users.select(
        "user_index", padded.alias("items"), F.col("events.older").alias("older"), F.explode(numbers).alias("number")
    )
    # The place among the padded events that the window begins at.
    start = F.col("number") * targets
    place = F.transform(
        F.slice("older", start + 1, F.lit(targets)),
        lambda known: F.when(known > 0, F.greatest(known - 1 + targets - start, F.lit(-1))).otherwise(-1),
    )
    return (
        windows.select(
            F.xxhash64("user_index", "number").alias("window_id"),
            pad_behind(F.slice("items", start + 1, F.lit(length)), length).alias("window"),
            pad_behind(place, targets, -1).alias("before"),
        )
        # Where nothing can be predicted there is nothing to learn.
        .where(F.array_max("before") >= 0)
    )
