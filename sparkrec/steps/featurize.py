"""Clean events to what the models learn from."""

from pyspark.sql import functions as F

from sparkrec.errors import DataError
from sparkrec.features.behaviour_sequences import behaviour_sequences
from sparkrec.features.effective_split import effective_split
from sparkrec.features.folds import backtest_folds, folds, with_split
from sparkrec.features.item_activity import item_activity
from sparkrec.features.item_text import item_text
from sparkrec.features.retrieval_samples import retrieval_samples
from sparkrec.features.user_interests import user_interests
from sparkrec.features.vocabulary import grow_vocabulary, indices_of, value_frequencies
from sparkrec.steps.context import Counts, JobContext

_INTEREST_TAGS = 10


def run(context: JobContext) -> Counts:
    """Build vocabulary, text, interests, sequences and samples; each reads the tables before it.

    Raises:
        DataError: No event of a known user is of a positive type.
    """
    features, tables = context.settings.features, context.tables
    interactions = context.known_interactions()
    items = context.current_items()
    is_positive = F.col("event_type").isin(list(features.positive_events)) & F.col("user_id").isNotNull()
    positives = interactions.where(is_positive).select(
        *("event_id", "user_id", "item_id", "event_type", "event_time", "known_time", "session_id", "unit_price")
    )
    effective = effective_split(positives, context.settings.split)
    split = effective.split
    if effective.told:
        context.say(effective.told)

    earlier = tables.read("features.vocabulary").localCheckpoint() if tables.exists("features.vocabulary") else None
    frequencies = value_frequencies(positives, items, features.min_word_items)
    counts = {"vocabulary": tables.replace("features.vocabulary", grow_vocabulary(frequencies, earlier))}
    vocabulary = tables.read("features.vocabulary")

    counts["item_text"] = tables.replace("features.item_text", item_text(items, vocabulary))
    text = tables.read("features.item_text")

    user_index = indices_of(vocabulary, "user").select(
        F.col("value").alias("user_id"), F.col("index").alias("user_index")
    )
    item_index = text.select("item_id", "item_index")
    indexed = with_split(positives, split).join(user_index, "user_id", "inner").join(item_index, "item_id", "inner")
    counts["positives"] = tables.replace("features.positives", indexed)
    if not counts["positives"]:
        types = ", ".join(features.positive_events)
        raise DataError(f"no event of a known user is a {types}: set features.positive_events in the source file")
    known = tables.read("features.positives")

    tags = user_interests(known, text, context.run_date, features.interest_half_life_days, _INTEREST_TAGS)
    counts["user_interests"] = tables.replace("features.user_interests", tags)
    others = interactions.where(~is_positive & F.col("user_id").isNotNull()).join(item_index, "item_id", "inner")
    further = backtest_folds(split, context.settings.ranker.windows)
    sequences = behaviour_sequences(known, others, split, features.history_length, further)
    counts["behaviour_sequences"] = tables.replace("features.behaviour_sequences", sequences)
    samples = retrieval_samples(known, text, features.history_length, features.title_words)
    counts["retrieval_samples"] = tables.replace("features.retrieval_samples", samples)
    activity = item_activity(known, (*folds(split), *further))
    counts["item_activity"] = tables.replace("features.item_activity", activity)
    return counts
