"""Training samples: a positive event with what was known before its session began."""

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from sparkrec.features.fixed_length import last, pad_behind, pad_front


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
    # A session starts with one of its events. Whatever is older than that time is known, whichever sessions
    # it is of: sessions may overlap.
    at_once = F.array_sort(F.collect_list(F.struct("event_id", "item_index")))
    moments = positives.groupBy("user_id", F.col("event_time").alias("started")).agg(
        last(at_once["item_index"], history_length).alias("items")
    )
    earlier = Window.partitionBy("user_id").orderBy("started").rowsBetween(-history_length, -1)
    older = F.flatten(F.collect_list("items").over(earlier))
    histories = moments.select("user_id", "started", pad_front(older, history_length).alias("history"))
    words = item_text.select("item_index", pad_behind(F.col("word_indices"), title_words).alias("item_words"))
    return (
        started.join(histories, ["user_id", "started"], "inner")
        .join(F.broadcast(words), "item_index", "inner")
        .select("event_id", "part", "event_time", "user_index", "item_index", "history", "item_words")
    )
