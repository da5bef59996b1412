"""What a model may know of each user at a cut."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from sparkrec.config.settings import SplitSettings
from sparkrec.features.fixed_length import last
from sparkrec.features.parts import cuts, held_out_at_cuts, known_at_cuts


def behaviour_sequences(
    positives: DataFrame, other_events: DataFrame, split: SplitSettings, history_length: int
) -> DataFrame:
    """Latest events and all items of each user at each cut (features.behaviour_sequences).

    Args:
        positives: features.positives.
        other_events: ``user_id, item_index, event_time`` of events of the other types.
        split: How events are held out.
        history_length: Latest events to keep in ``sequence``.
    """
    known = known_at_cuts(positives, split)
    until = known.groupBy("cut").agg(F.max("event_time").alias("until"))
    newest_first = F.reverse(F.array_sort(F.collect_list(F.struct("event_time", "event_id", "item_index"))))
    by_item = known.groupBy("cut", "user_id", "user_index", "item_index").agg(
        F.count(F.lit(1)).alias("events"),
        F.max("event_time").alias("latest"),
        # Only the newest events of an item can be among the user's newest ones.
        F.slice(newest_first, 1, history_length).alias("newest"),
    )
    days = (F.unix_timestamp("until") - F.unix_timestamp("latest")) / 86_400
    entry = F.struct("item_index", "events", days.cast("float").alias("days_since"))
    users = (
        by_item.join(F.broadcast(until), "cut", "inner")
        .groupBy("cut", "user_id", "user_index")
        .agg(
            F.array_sort(F.flatten(F.collect_list("newest"))).alias("newest"),
            F.array_sort(F.collect_list(entry)).alias("entries"),
        )
    )
    others = _other_items(positives, other_events, split)
    items = F.col("entries.item_index")
    return users.join(others, ["cut", "user_id"], "left").select(
        "cut",
        "user_id",
        "user_index",
        last(F.col("newest.item_index"), history_length).alias("sequence"),
        items.alias("items"),
        F.col("entries.events").alias("events"),
        F.col("entries.days_since").alias("days_since"),
        F.array_sort(F.array_union(items, F.coalesce("others", F.array().cast("array<int>")))).alias("touched"),
    )


def _other_items(positives: DataFrame, other_events: DataFrame, split: SplitSettings) -> DataFrame:
    """Items of events that are no positives, from before the first event that the cut may not know."""
    keys = ["cut", "user_id"] if split.kind == "leave_last" else ["cut"]
    bounds = held_out_at_cuts(positives, split).groupBy(*keys).agg(F.min("event_time").alias("bound"))
    at_cuts = other_events.withColumn("cut", F.explode(F.array(*[F.lit(cut) for cut in cuts(split)])))
    before = F.col("bound").isNull() | (F.col("event_time") < F.col("bound"))
    return (
        at_cuts.join(F.broadcast(bounds), keys, "left")
        .where(before)
        .groupBy("cut", "user_id")
        .agg(F.collect_set("item_index").alias("others"))
    )
