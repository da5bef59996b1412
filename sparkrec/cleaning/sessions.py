"""Sessions and bots: what only a user's events together can tell."""

from pyspark.sql import Column, DataFrame, Window, WindowSpec
from pyspark.sql import functions as F

from sparkrec.config.settings import BotSettings, SessionSettings

_ACTS = ("cart", "purchase", "return", "review")


def _by_user() -> WindowSpec:
    """A user's events; an event without a user stands alone."""
    return Window.partitionBy(F.coalesce("user_id", "event_id"))


def with_sessions(events: DataFrame, sessions: SessionSettings) -> DataFrame:
    """Fill in ``session_id`` where the source gives none.

    A user's events belong to one session as long as none comes later than the gap after the one before. The id
    is made of the user and the time of the first, so that it does not depend on what else there is. An event
    without a user is a session of its own.
    """
    user = _by_user().orderBy("event_time")
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
    """
    if bots is None:
        return events.withColumn("is_bot", F.lit(False))
    user = _by_user()
    in_time = user.orderBy("event_time")
    looks = ~F.col("event_type").isin(*_ACTS)
    gap = F.unix_micros("event_time") - F.lag(F.unix_micros("event_time")).over(in_time)

    def ever(condition: Column) -> Column:
        return F.coalesce(F.max(condition).over(user), F.lit(False))

    fast = (
        (F.sum(F.when(looks, 1).otherwise(0)).over(user) >= bots.least_views)
        & (F.percentile_approx("_gap", 0.5).over(user) < round(bots.gap_seconds * 1e6))
        & ~ever(~looks)
    )
    named = ever(F.col("agent").rlike(bots.agent_pattern))
    return events.withColumn("_gap", gap).withColumn("is_bot", named | F.coalesce(fast, F.lit(False))).drop("_gap")
