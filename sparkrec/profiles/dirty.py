"""Whose profile may have changed."""

from collections.abc import Sequence
from datetime import date, timedelta

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

_HASH = "key_hash"


def dirty_keys(key: str, *rows: DataFrame) -> DataFrame:
    """The users or items that any of the rows names in the column ``key``, as hashes.

    A hash is a number, so that millions of them can be sent to every executor. A key that shares one with another is
    dirty, too, which costs a little and changes nothing.
    """
    hashes = [of_some.select(F.xxhash64(key).alias(_HASH)) for of_some in rows]
    union = hashes[0]
    for further in hashes[1:]:
        union = union.unionByName(further)
    return union.distinct()


def of_dirty(rows: DataFrame, key: str, keys: DataFrame) -> DataFrame:
    """Rows of the users or items of dirty keys."""
    return rows.join(F.broadcast(keys), F.xxhash64(key) == F.col(_HASH), "left_semi")


def of_others(rows: DataFrame, key: str, keys: DataFrame) -> DataFrame:
    """Rows of the users or items of other keys."""
    return rows.join(F.broadcast(keys), F.xxhash64(key) == F.col(_HASH), "left_anti")


def days_that_leave(windows: Sequence[int], before: date, as_of: date) -> set[date]:
    """Days that one of the windows, in days, looked back to from ``before`` and no longer does from ``as_of``.

    >>> sorted(days_that_leave([7, 28], date(2026, 3, 30), date(2026, 3, 31)))
    [datetime.date(2026, 3, 3), datetime.date(2026, 3, 24)]
    """
    moved = (as_of - before).days
    return {as_of - timedelta(window + back) for window in windows for back in range(moved)}


def buyers_of_changed_items(days: DataFrame, items_before: DataFrame, items_now: DataFrame) -> DataFrame:
    """``user_id`` of those who bought an item whose title words or category are no longer what they were.

    Args:
        days: features.user_days.
        items_before: The current rows of silver.items, as they were.
        items_now: The same, as they are.
    """
    was, is_ = (items.select("item_id", "category_path", "title_words") for items in (items_before, items_now))
    changed = dirty_keys("item_id", was.exceptAll(is_), is_.exceptAll(was))
    bought = days.select("user_id", F.explode("bought.item_id").alias("item_id"))
    return of_dirty(bought, "item_id", changed).select("user_id")
