"""Users and items at a moment, with what came of it: 1 where the user took the item, 0 where not."""

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from sparkrec.config.settings import SplitSettings
from sparkrec.features.folds import with_split_at
from sparkrec.features.histories import with_session_start

PAIR_COLUMNS = (
    *("event_id", "user_id", "item_id", "user_index", "item_index", "split", "event_time", "started"),
    *("label", "origin", "position"),
)
"""Columns of labelled pairs. ``started`` is when the session began: what a sample may know is from before it.

Indices are those of the vocabulary, negative for users and items that never had a positive event.
"""


def impression_pairs(
    events: DataFrame, user_index: DataFrame, item_index: DataFrame, positives: DataFrame, split: SplitSettings
) -> DataFrame:
    """Each item that a session showed to a known user, once: 1 where the user took it from then on in the session.

    What came of it is known when the session has ended, and the pair is of the split of that moment.

    Args:
        events: ``event_id, user_id, item_id, session_id, event_time, position, positive`` of known users' impressions
            and positive events; ``positive`` tells the two apart.
        user_index: ``user_id, user_index`` of the vocabulary.
        item_index: ``item_id, item_index`` of the vocabulary.
        positives: features.positives.
        split: How events are held out.
    """
    first = F.min(F.when(~F.col("positive"), F.struct("event_time", "event_id", "position")))
    by_item = events.groupBy("user_id", "session_id", "item_id").agg(
        first.alias("impression"),
        F.max(F.when(F.col("positive"), F.col("event_time"))).alias("taken"),
        F.min("event_time").alias("earliest"),
        F.max("event_time").alias("latest"),
    )
    session = Window.partitionBy("user_id", "session_id")
    in_session = by_item.withColumns(
        {"started": F.min("earliest").over(session), "ended": F.max("latest").over(session)}
    )
    pairs = (
        in_session.where("impression is not null")
        .join(user_index, "user_id", "left")
        .join(item_index, "item_id", "left")
        .select(
            *("impression.event_id", "user_id", "item_id", "impression.event_time"),
            *("started", "ended", "impression.position"),
            *[_index(of).alias(f"{of}_index") for of in ("user", "item")],
            F.when(F.col("taken") >= F.col("impression.event_time"), 1.0).otherwise(0.0).alias("label"),
            F.lit("impression").alias("origin"),
        )
    )
    return with_split_at(pairs, "ended", positives, split).select(*PAIR_COLUMNS)


def _index(of: str) -> Column:
    """The index; where there is none, a negative number that hardly any other has.

    Nothing is known of whoever never had a positive event, and under one number all of them would be one task's.
    """
    return F.coalesce(f"{of}_index", -1 - F.pmod(F.xxhash64(f"{of}_id"), F.lit(1 << 31)).cast("int"))


def positive_pairs(positives: DataFrame, most: int) -> DataFrame:
    """Positive events as pairs of label 1, where no impressions tell what was passed over.

    Args:
        positives: features.positives.
        most: How many are taken at most, see `at_most`.
    """
    taken = at_most(positives.withColumn("label", F.lit(1.0)), most)
    pairs = with_session_start(taken, positives).withColumns(
        {"origin": F.lit("event"), "position": F.lit(None).cast("int")}
    )
    return pairs.select(*PAIR_COLUMNS)


def at_most(pairs: DataFrame, most: int) -> DataFrame:
    """Pairs with no more than so many of label 1, those of the smallest hashes of ``event_id``.

    All pairs are kept or left out at one rate, so that the share of label 1 stays as it is. The choice hangs on
    nothing else: a pair that is among the chosen stays so while no more come.
    """
    place = F.xxhash64("event_id")
    smallest = pairs.where("label = 1").select(place.alias("place")).orderBy("place").limit(most)
    # Where there are fewer, all stay.
    bound = smallest.agg(F.when(F.count(F.lit(1)) == most, F.max("place")).alias("bound"))
    within = F.col("bound").isNull() | (place <= F.col("bound"))
    return pairs.crossJoin(F.broadcast(bound)).where(within).drop("bound")
