"""What the two-tower model learns from: a positive event with what was known before its session began."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from sparkrec.features.fixed_length import pad_behind, pad_front
from sparkrec.features.histories import with_history, with_session_start


def retrieval_samples(positives: DataFrame, item_text: DataFrame, history_length: int, title_words: int) -> DataFrame:
    """One sample for each positive event (features.retrieval_samples).

    The history holds only events from before the session's first event, so nothing of the basket
    that is to be predicted, and nothing later, is in it. Sessions may overlap.

    Args:
        positives: features.positives.
        item_text: features.item_text.
        history_length: Latest events to keep; shorter histories are padded with 0 in front.
        title_words: Heaviest title words to keep; shorter titles are padded with 0 behind.
    """
    started = with_session_start(positives, positives)
    words = item_text.select("item_index", pad_behind(F.col("word_indices"), title_words).alias("item_words"))
    return (
        with_history(started, positives, "started", history_length, F.col("item_index"))
        .withColumn("history", pad_front(F.col("history"), history_length))
        .join(words, "item_index", "inner")
        .select("event_id", "split", "event_time", "user_index", "item_index", "history", "item_words")
    )
