"""Training samples: a positive event with what was known before its session began."""

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F


def ranking_samples(positives: DataFrame, item_text: DataFrame, history_length: int, title_words: int) -> DataFrame:
    """One sample for each positive event (features.ranking_samples).

    The history holds only events from before the session's first event, so nothing of the basket
    that is to be foreseen, and nothing later, is in it.

    Args:
        positives: features.positives.
        item_text: features.item_text.
        history_length: Latest events to keep; shorter histories are padded with 0 in front.
        title_words: Heaviest title words to keep; shorter titles are padded with 0 behind.
    """
    session = Window.partitionBy("user_id", "session_id")
    started = positives.withColumn("started", F.min("event_time").over(session))
    # A session starts with one of its events. The events before the first one of that time are all that is
    # older, whichever sessions they are of: sessions may overlap.
    in_order = Window.partitionBy("user_id").orderBy("event_time", "event_id")
    older = F.collect_list("item_index").over(in_order.rowsBetween(-history_length, -1))
    previous = F.lag("event_time").over(in_order)
    histories = (
        positives.select(
            "user_id", F.col("event_time").alias("started"), previous.alias("previous"), older.alias("older")
        )
        .where("previous is null or previous < started")
        .select("user_id", "started", _pad_front(F.col("older"), history_length).alias("history"))
    )
    words = item_text.select("item_index", _pad_behind(F.col("word_indices"), title_words).alias("item_words"))
    return (
        started.join(histories, ["user_id", "started"], "inner")
        .join(F.broadcast(words), "item_index", "inner")
        .select("event_id", "part", "event_time", "user_index", "item_index", "history", "item_words")
    )


def _pad_front(values: Column, length: int) -> Column:
    return F.concat(F.array_repeat(F.lit(0), length - F.size(values)), values)


def _pad_behind(values: Column, length: int) -> Column:
    first = F.slice(values, 1, length)
    return F.concat(first, F.array_repeat(F.lit(0), length - F.size(first)))
