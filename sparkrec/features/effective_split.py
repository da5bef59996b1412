"""What a run holds out: the split of its settings, as far as the history has room for it."""

from collections.abc import Iterator
from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from sparkrec.config.settings import SplitSettings
from sparkrec.features.folds import MIN_EVENTS, held_out_windows

_DAY = 86_400_000_000


@dataclass(frozen=True)
class EffectiveSplit:
    """How the events of a run are held out.

    Attributes:
        split: What every job goes by.
        told: Why this is not what the settings say, in a line; None where it is.
    """

    split: SplitSettings
    told: str | None


def effective_split(positives: DataFrame, split: SplitSettings) -> EffectiveSplit:
    """The split of the settings, with windows as long as the history of the positive events has room for.

    - Held-out windows are halved, down to a day, until the history has as many days as they have and one window
      more to learn from, and an event came to be known in each of them and before them: of 28 days, a history of
      fewer than 84 days gets 14, one of fewer than 42 days 7.
    - Where only validation has no event at any length, as before a gap of years, windows are as long as the history
      allows, and there is no validation user.
    - Where not even windows of a day leave an event to learn from, nothing is held out (``publish_only``), nor with
      ``leave_last`` where no user has three events.

    The same events give the same split: jobs ask again instead of telling each other.

    Args:
        positives: At least ``user_id, event_time, known_time``, up to the run's day.
        split: The split of the settings.
    """
    if split.kind == "publish_only":
        return EffectiveSplit(split, None)
    if split.kind == "leave_last":
        return _of_users(positives, split)
    windows = held_out_windows(split)
    lengths = tuple(_halved(split.holdout_days))
    before_last = F.unix_micros("_last") - F.unix_micros("known_time")
    # The window before the newest, as `with_split` counts: a bound belongs to the newer one.
    in_second = {
        days: F.max((before_last > days * _DAY) & (before_last <= 2 * days * _DAY)).alias(f"_{days}")
        for days in lengths
    }
    times = positives.agg(F.max("event_time").alias("_last"))
    found = (
        positives.crossJoin(F.broadcast(times))
        .agg(
            (F.datediff(F.max("_last"), F.min("known_time")) + 1).alias("days"),
            F.max(before_last).alias("oldest"),
            *in_second.values(),
        )
        .first()
    )
    if found is None or found.oldest is None:
        return EffectiveSplit(split, None)
    days = max(found.days, 1)
    # A single day is held out wherever anything is left to learn from.
    roomy = [
        length
        for length in lengths
        if found.oldest > windows * length * _DAY and (days >= (windows + 1) * length or length == 1)
    ]
    if not roomy:
        told = f"the history has {_days(days)}, and {_days(windows)} held out would leave nothing to learn from"
        return _nothing(split, told)
    whole = [length for length in roomy if windows == 1 or found[f"_{length}"]]
    chosen = split.model_copy(update={"holdout_days": (whole or roomy)[0]})
    if not whole:
        span = f"from {chosen.holdout_days} to {_days(2 * chosen.holdout_days)} before the last one"
        told = f"split: no event came to be known {span}: there is no validation (set split.holdout_days or split.kind)"
        return EffectiveSplit(chosen, told)
    if chosen == split:
        return EffectiveSplit(split, None)
    why = (
        f"the history has {_days(days)}"
        if chosen.holdout_days == roomy[0]
        else f"no event came to be known from {roomy[0]} to {_days(2 * roomy[0])} before the last one"
    )
    which = "the validation window is" if windows == 1 else "validation and test windows are"
    told = f"split: {why}; {which} {_days(chosen.holdout_days)} instead of {split.holdout_days}"
    return EffectiveSplit(chosen, f"{told} (set split.holdout_days)")


def _of_users(positives: DataFrame, split: SplitSettings) -> EffectiveSplit:
    most = positives.groupBy("user_id").count().agg(F.max("count").alias("events")).first()
    if most is None or most.events is None or most.events >= MIN_EVENTS:
        return EffectiveSplit(split, None)
    return _nothing(split, f"no user has {MIN_EVENTS} positive events")


def _nothing(split: SplitSettings, why: str) -> EffectiveSplit:
    nothing = split.model_copy(update={"kind": "publish_only"})
    return EffectiveSplit(nothing, f"split: {why}: nothing is held out, so no list is measured or chosen")


def _halved(days: int) -> Iterator[int]:
    while days:
        yield days
        days //= 2


def _days(number: int) -> str:
    return f"{number:,} day" if number == 1 else f"{number:,} days"
