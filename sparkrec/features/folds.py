"""Splits of the positive events, and the folds that models are fitted at."""

from collections.abc import Mapping, Sequence

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from sparkrec.config.settings import SplitSettings
from sparkrec.contracts.spark import names_where

KNOWN_SPLITS: dict[str, tuple[str, ...]] = {
    "validation": ("train",),
    "test": ("train", "validation"),
    "publish": ("train", "validation", "test"),
}
"""What a model of each fold may know. Its target is the split that the fold is named after; publish has none."""

_NEWEST_KNOWN = {"publish": 0, "test": 1, "validation": 2}
# Windows without an event where less is held out than a validation and a test.
_WITHOUT = {"none": 1, "publish_only": 2}
_BACK = "back_"

MIN_EVENTS = 3
"""Positive events of a user of whom ``leave_last`` holds any out."""


def folds(split: SplitSettings) -> tuple[str, ...]:
    """The folds that models are fitted at: one for each split that is held out, and the one that publishes."""
    held_out = ("validation", "test")[: held_out_windows(split)]
    return (*held_out, "publish")


def held_out_windows(split: SplitSettings) -> int:
    """How many windows are held out: validation and test, validation alone, or none."""
    return 2 - _empty_windows(split)


def _empty_windows(split: SplitSettings) -> int:
    return _WITHOUT.get(split.kind, 0)


def newest_known(fold: str) -> int:
    """The newest window that a fold knows; all older ones it knows, too."""
    return int(fold.removeprefix(_BACK)) if fold.startswith(_BACK) else _NEWEST_KNOWN[fold]


def fold_that_knows(window: int) -> str:
    """The fold whose newest known window this is; its target is the window before it in number, the next in time."""
    named = {newest: fold for fold, newest in _NEWEST_KNOWN.items()}
    return named.get(window, f"{_BACK}{window}")


def backtest_windows(fold: str, split: SplitSettings, windows: int) -> tuple[int, ...]:
    """The newest windows that a fold knows, newest first: what a ranker of the fold learns to predict.

    Each is predicted with what was known before it, at `fold_that_knows` (window + 1).
    """
    first = max(newest_known(fold), _empty_windows(split))
    return tuple(range(first, first + windows))


def backtest_folds(split: SplitSettings, windows: int) -> tuple[str, ...]:
    """Folds beside `folds` at which rankers that backtest so many windows need models."""
    wanted = {window + 1 for fold in folds(split) for window in backtest_windows(fold, split, windows)}
    return tuple(fold for fold in map(fold_that_knows, sorted(wanted)) if fold not in folds(split))


def with_split(positives: DataFrame, split: SplitSettings) -> DataFrame:
    """Add ``split`` and ``window`` to positive events of known users.

    - ``global_time``: what came to be known in the last ``holdout_days`` before the last event is test, in as many
      before them validation.
    - ``leave_last``: each user's last event is test, the one before validation; users of fewer than
      three events are all train.
    - ``none``: nothing is held out for a test; what came to be known in the last ``holdout_days`` is validation.
    - ``publish_only``: all is train.

    Windows go on where the splits end: 0 is test, 1 validation, each further one as long as those, or each
    user's next to last event.

    Args:
        positives: At least ``user_id, event_time, known_time, event_id``.
        split: How to hold out.
    """
    if split.kind == "leave_last":
        user = Window.partitionBy("user_id")
        newest_first = user.orderBy(F.desc("event_time"), F.desc("event_id"))
        shift = F.when(F.col("_events") >= MIN_EVENTS, 1).otherwise(-1)
        windowed = (
            positives.withColumn("_events", F.count(F.lit(1)).over(user))
            .withColumn("window", F.row_number().over(newest_first) - shift)
            .drop("_events")
        )
    else:
        last = positives.agg(F.max("event_time").alias("_last"))
        window = time_window(F.col("known_time"), F.col("_last"), split)
        windowed = positives.crossJoin(F.broadcast(last)).withColumn("window", window).drop("_last")
    name = F.when(F.col("window") == 0, "test").when(F.col("window") == 1, "validation").otherwise("train")
    return windowed.withColumn("split", name)


def time_window(known_time: Column, last: Column, split: SplitSettings) -> Column:
    """The window of what came to be known at a time, by ``holdout_days`` before the last positive event.

    What is known exactly a window's length before that event belongs to the newer window, as does what is known after
    it.
    """
    length = split.holdout_days * 86_400_000_000
    before_last = F.unix_micros(last) - F.unix_micros(known_time)
    return F.greatest(F.lit(0), F.floor((before_last - 1) / length)).cast("int") + _empty_windows(split)


def in_order_of(split: SplitSettings) -> str:
    """The column of the time that decides which window an event falls into, by `with_split`."""
    return "event_time" if split.kind == "leave_last" else "known_time"


def known_at_folds(positives: DataFrame, at: Sequence[str]) -> DataFrame:
    """Each event once for every one of these folds that may know it, with the fold's name in ``fold``."""
    return _once_for_each(positives, {fold: known_at(fold) for fold in at})


def held_out_at_folds(positives: DataFrame, at: Sequence[str]) -> DataFrame:
    """Each event once for every one of these folds that may not know it, with the fold's name in ``fold``."""
    return _once_for_each(positives, {fold: ~known_at(fold) for fold in at})


def known_at(fold: str) -> Column:
    """Whether the fold may know a row of features.positives."""
    return F.col("window") >= newest_known(fold)


def _once_for_each(positives: DataFrame, conditions: Mapping[str, Column]) -> DataFrame:
    return positives.withColumn("fold", F.explode(names_where(dict(conditions))))
