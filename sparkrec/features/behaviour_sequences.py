"""What a model may know of each user at a fold."""

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from sparkrec.config.settings import SplitSettings
from sparkrec.features.fixed_length import last
from sparkrec.features.folds import folds, held_out_at_folds, in_order_of, known_at_folds


def behaviour_sequences(
    positives: DataFrame,
    other_events: DataFrame,
    split: SplitSettings,
    history_length: int,
    further_folds: Sequence[str] = (),
) -> DataFrame:
    """Latest events and all items of each user at each fold (features.behaviour_sequences).

    Args:
        positives: features.positives.
        other_events: ``user_id, item_index, event_time, known_time`` of events of the other types.
        split: How events are held out.
        history_length: Latest events to keep in ``sequence``.
        further_folds: Folds beside those of the split.
    """
    at = (*folds(split), *further_folds)
    known = known_at_folds(positives, at)
    until = known.groupBy("fold").agg(F.max("event_time").alias("until"))
    newest_first = F.reverse(F.array_sort(F.collect_list(F.struct("event_time", "event_id", "item_index"))))
    by_item = known.groupBy("fold", "user_id", "user_index", "item_index").agg(
        F.count(F.lit(1)).alias("events"),
        F.max("event_time").alias("latest"),
        F.min("event_time").alias("first"),
        # Only the newest events of an item can be among the user's newest ones.
        F.slice(newest_first, 1, history_length).alias("newest"),
    )
    entry = F.struct(
        "item_index",
        "events",
        _days_before("until", "latest").alias("days_since"),
        _days_before("until", "first").alias("first_days_since"),
    )
    users = (
        by_item.join(F.broadcast(until), "fold", "inner")
        .groupBy("fold", "user_id", "user_index")
        .agg(
            F.array_sort(F.flatten(F.collect_list("newest"))).alias("newest"),
            F.array_sort(F.collect_list(entry)).alias("entries"),
        )
    )
    others = _other_items(positives, other_events, split, at)
    items = F.col("entries.item_index")
    return users.join(others, ["fold", "user_id"], "left").select(
        "fold",
        "user_id",
        "user_index",
        last(F.col("newest.item_index"), history_length).alias("sequence"),
        items.alias("items"),
        F.col("entries.events").alias("events"),
        F.col("entries.days_since").alias("days_since"),
        F.col("entries.first_days_since").alias("first_days_since"),
        F.array_sort(F.array_union(items, F.coalesce("others", F.array().cast("array<int>")))).alias("interacted"),
    )


def _days_before(until: str, time: str) -> Column:
    return ((F.unix_timestamp(until) - F.unix_timestamp(time)) / 86_400).cast("float")


def _other_items(positives: DataFrame, other_events: DataFrame, split: SplitSettings, at: Sequence[str]) -> DataFrame:
    """Items of events that are no positives, from before the first event that the fold may not know."""
    keys, time = ["fold", "user_id"] if split.kind == "leave_last" else ["fold"], in_order_of(split)
    bounds = held_out_at_folds(positives, at).groupBy(*keys).agg(F.min(time).alias("bound"))
    at_folds = other_events.withColumn("fold", F.explode(F.array(*[F.lit(fold) for fold in at])))
    before = F.col("bound").isNull() | (F.col(time) < F.col("bound"))
    return (
        at_folds.join(bounds, keys, "left")
        .where(before)
        .groupBy("fold", "user_id")
        .agg(F.collect_set("item_index").alias("others"))
    )
