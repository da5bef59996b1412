"""Parts of the split, and the cuts that models are fitted at."""

from collections.abc import Mapping

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from sparkrec.config.settings import SplitSettings
from sparkrec.contracts.spark import names_where

KNOWN_PARTS: dict[str, tuple[str, ...]] = {
    "validation": ("train",),
    "test": ("train", "validation"),
    "publish": ("train", "validation", "test"),
}
"""What a model of each cut may know. Its target is the part that the cut is named after; publish has none."""


def cuts(split: SplitSettings) -> tuple[str, ...]:
    """The cuts that models are fitted at: without a held-out test there is none to test at."""
    return ("validation", "publish") if split.kind == "none" else ("validation", "test", "publish")


def with_part(positives: DataFrame, split: SplitSettings) -> DataFrame:
    """Add ``part`` to positive events of known users.

    - ``global_time``: the last ``holdout_days`` before the last event are test, as many before them validation.
    - ``leave_last``: each user's last event is test, the one before validation; users of fewer than
      three events are all train.
    - ``none``: nothing is held out for a test; the last ``holdout_days`` are validation.

    Args:
        positives: At least ``user_id, event_time, event_id``.
        split: How to hold out.
    """
    if split.kind == "leave_last":
        user = Window.partitionBy("user_id")
        newest_first = user.orderBy(F.desc("event_time"), F.desc("event_id"))
        return (
            positives.withColumn("_from_last", F.row_number().over(newest_first))
            .withColumn("_events", F.count(F.lit(1)).over(user))
            .withColumn("part", _leave_last(F.col("_from_last"), F.col("_events")))
            .drop("_from_last", "_events")
        )
    last = positives.agg(F.max("event_time").alias("_last"))
    day = F.make_dt_interval(F.lit(split.holdout_days))
    test = F.col("event_time") >= F.col("_last") - day
    if split.kind == "none":
        part = F.when(test, "validation").otherwise("train")
    else:
        validation = F.col("event_time") >= F.col("_last") - F.make_dt_interval(F.lit(2 * split.holdout_days))
        part = F.when(test, "test").when(validation, "validation").otherwise("train")
    return positives.crossJoin(F.broadcast(last)).withColumn("part", part).drop("_last")


def _leave_last(from_last: Column, events: Column) -> Column:
    return (
        F.when((events >= 3) & (from_last == 1), "test")
        .when((events >= 3) & (from_last == 2), "validation")
        .otherwise("train")
    )


def known_at_cuts(positives: DataFrame, split: SplitSettings) -> DataFrame:
    """Each event once for every cut that may know it, with the cut's name in ``cut``."""
    return _once_for_each(positives, {cut: KNOWN_PARTS[cut] for cut in cuts(split)})


def held_out_at_cuts(positives: DataFrame, split: SplitSettings) -> DataFrame:
    """Each event once for every cut that may not know it, with the cut's name in ``cut``."""
    parts = KNOWN_PARTS["publish"]
    return _once_for_each(
        positives, {cut: tuple(part for part in parts if part not in KNOWN_PARTS[cut]) for cut in cuts(split)}
    )


def _once_for_each(positives: DataFrame, parts_of_cut: Mapping[str, tuple[str, ...]]) -> DataFrame:
    chosen = names_where({cut: F.col("part").isin(list(parts)) for cut, parts in parts_of_cut.items()})
    return positives.withColumn("cut", F.explode(chosen))
