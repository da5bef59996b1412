"""Events that silver holds already, brought back to the form that lines have while they are cleaned."""

from collections.abc import Collection
from datetime import date, timedelta

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from sparkrec.cleaning.labels import SEARCH
from sparkrec.lake.days import is_of_days

INTERACTIONS, SEARCHES = "silver.interactions", "silver.searches"


def kept_events(interactions: DataFrame, searches: DataFrame | None, reviews: DataFrame | None) -> DataFrame:
    """Rows of silver tables as events with ``table``, ``query``, ``rating`` and ``text``.

    Args:
        interactions: Rows of silver.interactions.
        searches: Rows of silver.searches, where the source has any.
        reviews: Rows of silver.reviews, which say more of some of the interactions.
    """
    events = interactions.withColumns({"table": F.lit(INTERACTIONS), "query": F.lit(None).cast("string")})
    if reviews is None:
        said = {"rating": F.lit(None).cast("double"), "text": F.lit(None).cast("string")}
        events = events.withColumns(said)
    else:
        events = events.join(reviews.select("event_id", "rating", "text"), "event_id", "left")
    if searches is None:
        return events
    issued = searches.drop("normalised_query", "result_item_ids").withColumns(
        {"table": F.lit(SEARCHES), "event_type": F.lit(SEARCH)}
    )
    return events.unionByName(issued, allowMissingColumns=True)


def own_id() -> Column:
    """What tells an event from the others of its table: a search by the id that its impressions name."""
    is_search = F.col("table") == SEARCHES
    return F.when(is_search, F.coalesce("search_id", "event_id")).otherwise(F.col("event_id"))


def sent_again(kept: DataFrame, fresh: DataFrame) -> DataFrame:
    """Events that silver holds and of which there are new lines, by ``table`` and `own_id`."""
    keys = fresh.select("table", own_id().alias("_own_id")).distinct()
    return kept.withColumn("_own_id", own_id()).join(keys, ["table", "_own_id"], "left_semi").drop("_own_id")


def dirty_days(fresh: DataFrame, kept: DataFrame, relinked: DataFrame | None, gap: timedelta | None) -> set[date]:
    """Days on which what silver holds may change.

    They are the days of the new events, of events that were sent again with another day, of visitors who are another
    person now, and those into which a session of a changed day may go on.

    Args:
        fresh: Good new lines: ``table, event_id, search_id, event_date, visitor_id``.
        kept: The same of all that silver holds, and ``event_time``.
        relinked: ``visitor_id`` of those who are another person than before.
        gap: A session that crosses midnight goes on within this time; None where sessions are the source's own.
    """
    again = sent_again(kept, fresh)
    changed = fresh.select("event_date").unionByName(again.select("event_date"))
    if relinked is not None:
        changed = changed.unionByName(kept.join(relinked, "visitor_id", "left_semi").select("event_date"))
    days = _days(changed)
    if gap is None or not days:
        return days
    moved = fresh.select("visitor_id", "event_date").unionByName(again.select("visitor_id", "event_date")).distinct()
    since_midnight = F.unix_micros("event_time") - F.unix_micros(F.col("event_date").cast("timestamp"))
    early = kept.where((F.col("event_date") > F.lit(min(days))) & (since_midnight <= _micros(gap)))
    nights = early.select("visitor_id", "event_date", F.date_sub("event_date", 1).alias("_before"))
    the_next = moved.select("visitor_id", F.col("event_date").alias("_before"))
    gone_on = _days(nights.join(the_next, ["visitor_id", "_before"], "left_semi"))
    # A session that goes on for the whole of such a day may go on into another one.
    for day in sorted(_days(nights.join(moved, "visitor_id", "left_semi"))):
        if day - timedelta(days=1) in gone_on:
            gone_on.add(day)
    return days | gone_on


def carried_sessions(kept: DataFrame, days: Collection[date], gap: timedelta) -> DataFrame:
    """Events whose sessions may go on into one of the days, with ``carried``: the session.

    Args:
        kept: `kept_events`.
        days: Days that are cleaned anew.
        gap: A session goes on within this time.
    """
    before = {day - timedelta(days=1) for day in days} - set(days)
    to_midnight = F.unix_micros(F.date_add("event_date", 1).cast("timestamp")) - F.unix_micros("event_time")
    late = F.expr(is_of_days("event_date", before)) & (to_midnight <= _micros(gap))
    return kept.where(late).withColumn("carried", F.col("session_id"))


def _days(rows: DataFrame) -> set[date]:
    return {row.event_date for row in rows.select("event_date").distinct().collect()}


def _micros(gap: timedelta) -> int:
    return gap // timedelta(microseconds=1)
