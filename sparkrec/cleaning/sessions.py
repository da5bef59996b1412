"""Sessions and bots: what only a user's events together can tell."""

from pyspark.sql import Column, DataFrame, Window, WindowSpec
from pyspark.sql import functions as F

from sparkrec.config.settings import BotSettings, SessionSettings

_ACTS = ("cart", "purchase", "return", "review")


def with_actor(events: DataFrame) -> DataFrame:
    """Add ``actor``: the user, or the event itself, which stands alone where nobody knows who acted.

    All that follows is partitioned by this one column, so that Spark brings a user's events together once.
    """
    return events.withColumn("actor", F.coalesce("user_id", "event_id"))


def _by_actor() -> WindowSpec:
    return Window.partitionBy("actor")


def with_sessions(events: DataFrame, sessions: SessionSettings) -> DataFrame:
    """Fill in ``session_id`` where the source gives none.

    A user's events belong to one session as long as none comes later than the gap after the one before. The id
    is made of the user and the time of the first, so that it does not depend on what else there is. An event
    without a user is a session of its own.

    Args:
        events: Events `with_actor`.
        sessions: When a session ends.
    """
    user = _by_actor().orderBy("event_time")
    micros = F.unix_micros("event_time")
    gap = F.lit(round(sessions.gap_minutes * 60e6))
    before = F.lag(micros).over(user)
    begins = before.isNull() | (micros - before > gap)
    so_far = user.rowsBetween(Window.unboundedPreceding, Window.currentRow)
    began = F.max(F.when(F.col("_begins"), F.col("event_time"))).over(so_far)
    made = F.concat_ws(" ", "user_id", F.date_format("_began", "yyyy-MM-dd'T'HH:mm:ss.SSS"))
    return (
        events.withColumn("_begins", begins)
        .withColumn("_began", began)
        .withColumn("session_id", F.coalesce("session_id", F.when(F.col("user_id").isNull(), F.col("event_id")), made))
        .drop("_begins", "_began")
    )


def with_bots(events: DataFrame, bots: BotSettings | None) -> DataFrame:
    """Fill in ``is_bot``: the same for all events of a user.

    A user is a bot whose agent says so on any line, or who looked at many things, in the median faster than
    `BotSettings` allows, and never put one into a cart, bought, returned or reviewed any.

    Args:
        events: Events `with_actor`, with their ``agent``.
        bots: What a bot is; None flags none.
    """
    if bots is None:
        return events.withColumn("is_bot", F.lit(False))
    user = _by_actor()
    in_time = user.orderBy("event_time")
    looks = ~F.col("event_type").isin(*_ACTS)
    gap = F.unix_micros("event_time") - F.lag(F.unix_micros("event_time")).over(in_time)

    def how_many(condition: Column) -> Column:
        return F.count(F.when(condition, F.lit(1))).over(user)

    # The median is below the bound where half of the gaps are: counted, where a percentile would have to sort.
    short, gaps = how_many(F.col("_gap") < round(bots.gap_seconds * 1e6)), how_many(F.col("_gap").isNotNull())
    fast = (how_many(looks) >= bots.least_views) & (2 * short >= gaps) & (how_many(~looks) == 0)
    named = how_many(F.col("agent").rlike(bots.agent_pattern)) > 0
    return events.withColumn("_gap", gap).withColumn("is_bot", named | fast).drop("_gap")
