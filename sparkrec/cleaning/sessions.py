"""Sessions and bots: what only a user's events together can tell."""

from pyspark.sql import Column, DataFrame, Window, WindowSpec
from pyspark.sql import functions as F

from sparkrec.config.settings import BotSettings, SessionSettings

_ACTS = ("cart", "purchase", "return", "review")


def with_actor(events: DataFrame) -> DataFrame:
    """Add ``actor``: the visitor, or the event itself, which stands alone where nobody knows who acted.

    All that follows is partitioned by this one column, so that Spark brings a visitor's events together once.
    """
    return events.withColumn("actor", F.coalesce("visitor_id", "event_id"))


def _in_time(*keys: str) -> WindowSpec:
    # The day stands before the time everywhere, so that Spark sorts once.
    order = ["event_time"] if "event_date" in keys else ["event_date", "event_time"]
    return Window.partitionBy("actor", *keys).orderBy(*order)


def with_sessions(events: DataFrame, sessions: SessionSettings) -> DataFrame:
    """Fill in ``session_id`` where the source gives none.

    A visitor's events belong to one session as long as none comes later than the gap after the one before. The id
    is made of the visitor and the time of the first, so that it does not depend on what else there is. An event
    without a visitor is a session of its own.

    Args:
        events: Events `with_actor`. One with a ``carried`` session is from before what is looked at: the first
            events after it may belong to that session.
        sessions: When a session ends.
    """
    user = _in_time()
    micros = F.unix_micros("event_time")
    gap = F.lit(round(sessions.gap_minutes * 60e6))
    before = F.lag(micros).over(user)
    begins = before.isNull() | (micros - before > gap)
    so_far = user.rowsBetween(Window.unboundedPreceding, Window.currentRow)
    made = F.concat_ws(" ", "actor", F.date_format("event_time", "yyyy-MM-dd'T'HH:mm:ss.SSS"))
    starts = F.coalesce("carried", F.when(F.col("_begins"), made))
    alone = F.when(F.col("visitor_id").isNull(), F.col("event_id"))
    return (
        events.withColumn("_begins", begins)
        .withColumn("_starts", starts)
        .withColumn("session_id", F.coalesce("session_id", alone, F.last("_starts", ignorenulls=True).over(so_far)))
        .drop("_begins", "_starts")
    )


def with_bots(events: DataFrame, bots: BotSettings | None) -> DataFrame:
    """Fill in ``is_bot``: the same for all events of a visitor's day.

    A visitor is a bot on a day on which any line ``names_bot``, or on which it looked at many things, in the median
    faster than `BotSettings` allows, and put none into a cart, bought, returned or reviewed none.

    Args:
        events: Events `with_actor`.
        bots: What a bot is; None flags none.
    """
    if bots is None:
        return events.withColumn("is_bot", F.lit(False))
    day, in_time = Window.partitionBy("actor", "event_date"), _in_time("event_date")
    looks = ~F.col("event_type").isin(*_ACTS)
    gap = F.unix_micros("event_time") - F.lag(F.unix_micros("event_time")).over(in_time)

    def how_many(condition: Column) -> Column:
        return F.count(F.when(condition, F.lit(1))).over(day)

    # The median is below the bound where half of the gaps are: counted, where a percentile would have to sort.
    short, gaps = how_many(F.col("_gap") < round(bots.gap_seconds * 1e6)), how_many(F.col("_gap").isNotNull())
    fast = (how_many(looks) >= bots.min_views) & (2 * short >= gaps) & (how_many(~looks) == 0)
    named = how_many(F.col("names_bot")) > 0
    return events.withColumn("_gap", gap).withColumn("is_bot", named | fast).drop("_gap")
