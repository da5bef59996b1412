"""One id for each person, and none that tells who it is."""

import hashlib
from collections.abc import Callable

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

_BLOCK = 64
"""Bytes that SHA-256 takes at once."""


def of_account(account: Column | str) -> Column:
    """The id of whoever has the account: an account and a visitor of the same name are not the same person."""
    return F.concat(F.lit("account "), account)


class Pseudonyms:
    """What makes ids unreadable: HMAC-SHA-256 (RFC 2104), its first 128 bits as hex digits, or nothing without a key.

    The key's two pads are a row that is joined to the rows with ids, so that they stand in no plan and no log.

    Args:
        spark: The session.
        key: The key; None leaves ids as they are.
    """

    def __init__(self, spark: SparkSession, key: bytes | None) -> None:
        self._pads: DataFrame | None = None
        if key is not None:
            block = (hashlib.sha256(key).digest() if len(key) > _BLOCK else key).ljust(_BLOCK, b"\0")
            inner, outer = (bytearray(byte ^ pad for byte in block) for pad in (0x36, 0x5C))
            self._pads = F.broadcast(spark.createDataFrame([(inner, outer)], "_inner binary, _outer binary"))

    def put(self, rows: DataFrame, **ids: Column) -> DataFrame:
        """Add or replace columns by the pseudonyms of these ids; null stays null."""
        if self._pads is None:
            return rows.withColumns(ids)
        padded = rows.crossJoin(self._pads)
        return padded.withColumns({name: _hmac(id_) for name, id_ in ids.items()}).drop("_inner", "_outer")


def _hmac(text: Column) -> Column:
    inner = F.unhex(F.sha2(F.concat("_inner", text.cast("binary")), 256))
    # Half of it is enough (RFC 2104, 5): ids stand in every row.
    return F.substring(F.sha2(F.concat("_outer", inner), 256), 1, 32)


def identities(events: DataFrame, earlier: DataFrame | None, put: Callable[..., DataFrame]) -> DataFrame:
    """Which ids each landed user id stands for (private.identities, without its source).

    Args:
        events: ``landed_user_id``, ``account_id`` and ``event_time`` of each event; one that was delivered more than
            once does no harm.
        earlier: What earlier events gave.
        put: `Pseudonyms.put`.
    """
    seen = events.where("landed_user_id is not null").withColumnRenamed("event_time", "linked_at")
    columns = ["landed_user_id", "account_id", "linked_at"]
    seen = seen.select(columns) if earlier is None else seen.select(columns).unionByName(earlier.select(columns))
    # A struct cannot be added up in a hash table; a time can, and leaves few rows.
    first = seen.groupBy("landed_user_id", "account_id").agg(F.min("linked_at").alias("linked_at"))
    link = F.min(F.when(F.col("account_id").isNotNull(), F.struct("linked_at", "account_id")))
    told = first.groupBy("landed_user_id").agg(link.alias("link")).select("landed_user_id", "link.*")
    person = F.coalesce(of_account("account_id"), "landed_user_id")
    return put(told, visitor_id=F.col("landed_user_id"), user_id=person)


def relinked(known: DataFrame, earlier: DataFrame) -> DataFrame:
    """``visitor_id`` of those who are another person than before."""
    before = earlier.select("visitor_id", F.col("user_id").alias("_before"))
    return known.join(before, "visitor_id", "inner").where("user_id != _before").select("visitor_id")


def with_user_ids(events: DataFrame, known: DataFrame) -> DataFrame:
    """The events `with_actor`, with the user id of the visitor's person."""
    known = known.select(F.col("visitor_id").alias("_visitor"), F.col("user_id").alias("_person"))
    joined = events.join(known, events["actor"] == known["_visitor"], "left")
    return joined.withColumn("user_id", F.col("_person")).drop("_visitor", "_person")
