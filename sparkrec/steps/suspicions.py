"""What looks wrong in cleaned events, though each row is right: a user id that is none, a column without values."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

_MIN_EVENTS = 20
"""With so few events, users of one session each are nothing odd."""
_SAMPLE = 50_000
"""Events, more or less, that are looked at for sessions: all those of some users."""
_FIRST_ROWS = 1_000


def users_of_one_session(events: DataFrame, rows: int) -> str | None:
    """What to say where every user has just one session, as where user_id is the id of an order.

    Args:
        events: silver.interactions.
        rows: How many there are. Of many only some users are looked at.
    """
    share = max(1, rows // _SAMPLE)
    some = events.where("user_id is not null").where(F.pmod(F.xxhash64("user_id"), F.lit(share)) == 0)
    # Numbers add up in a hash table; texts would be sorted.
    session = F.xxhash64("session_id")
    by_user = some.groupBy("user_id").agg(
        F.count("*").alias("events"), (F.min(session) == F.max(session)).alias("is_one")
    )
    found = by_user.agg(F.sum("events").alias("events"), F.count("*").alias("users"), F.bool_and("is_one").alias("one"))
    (row,) = found.collect()
    if not row.one or row.events <= _MIN_EVENTS or row.users < 2:
        return None
    all_of = f"all {row.users:,} users have" if share == 1 else f"{row.users:,} users that were looked at have"
    return (
        f"{all_of} just one session each: see whether interactions.user_id is the id of a person, and not of an "
        "order or a visit"
    )


def empty_columns(rows: DataFrame, section: str, columns: list[str]) -> str | None:
    """What to say where columns that the source file maps are null in all rows.

    Args:
        rows: The table that has them.
        section: The section of the source file that maps them.
        columns: Their keys.
    """
    if not columns:
        return None
    # Most columns have a value among the first rows: of the others alone all rows are looked at.
    (first,) = rows.select(*columns).limit(_FIRST_ROWS).agg(*[F.count(name).alias(name) for name in columns]).collect()
    doubtful = [name for name in columns if not first[name]]
    if not doubtful:
        return None
    (seen,) = rows.agg(F.count(F.lit(1)).alias("_rows"), *[F.count(name).alias(name) for name in doubtful]).collect()
    empty = [f"{section}.{name}" for name in doubtful if not seen[name]]
    if not empty or not seen["_rows"]:
        return None
    return f"null in all {seen['_rows']:,} rows: {', '.join(empty)}: see whether the expression names the right column"
