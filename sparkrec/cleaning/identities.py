"""One id for each person, and none that tells who it is."""

import hmac
from collections.abc import Callable

import pandas as pd
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.pandas.functions import pandas_udf

Pseudonym = Callable[[Column], Column]


def of_account(account: Column | str) -> Column:
    """The id of whoever has the account: an account and a visitor of the same name are not the same person."""
    return F.concat(F.lit("account "), account)


def identities(events: DataFrame, pseudonym: Pseudonym | None) -> DataFrame:
    """Which user id each landed id stands for (private.identities, without its source).

    Args:
        events: ``user_id`` as it landed and ``account_id``, perhaps null, of each event.
        pseudonym: What makes an id unreadable; None leaves it as it is.
    """
    seen = (
        events.where("user_id is not null")
        .groupBy("user_id")
        .agg(F.mode("account_id", deterministic=True).alias("account_id"))
    )
    person = F.coalesce(of_account("account_id"), "user_id")
    return seen.select(
        F.col("user_id").alias("landed_user_id"),
        "account_id",
        (pseudonym(person) if pseudonym else person).alias("user_id"),
    )


def with_user_ids(events: DataFrame, known: DataFrame) -> DataFrame:
    """The events with the user id of the person in the place of the landed one."""
    known = known.select(F.col("landed_user_id").alias("_landed"), F.col("user_id").alias("_person"))
    joined = events.join(known, events["user_id"] == known["_landed"], "left")
    return joined.withColumn("user_id", F.col("_person")).drop("_landed", "_person")


def keyed_hash(key: bytes) -> Pseudonym:
    """HMAC-SHA-256 (RFC 2104) of a text as 64 hex digits; null stays null.

    The key travels inside the function that the executors run, so that it stands in no plan and no log.
    """

    def digests(texts: pd.Series) -> pd.Series:
        return texts.map(lambda text: hmac.digest(key, text.encode(), "sha256").hex(), na_action="ignore")

    hashed = pandas_udf(digests, "string")  # type: ignore[call-overload]
    return lambda text: hashed(text)
