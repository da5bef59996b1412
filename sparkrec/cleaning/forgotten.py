"""Lines of people who were forgotten."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from sparkrec.cleaning.identities import of_account
from sparkrec.cleaning.mapping import read_id
from sparkrec.config.settings import SourceSettings
from sparkrec.contracts.spark import column


def with_landed_ids(lines: DataFrame, source: SourceSettings) -> DataFrame:
    """The lines with ``_user`` and ``_account``: what `mark` takes of their user and account, null where missing."""
    account = read_id(source.interactions.account_id, source)
    return lines.withColumns({"_user": read_id(source.interactions.user_id, source), "_account": of_account(account)})


def mark(salt: Column, id_: Column) -> Column:
    """What private.forgotten holds in the place of an id."""
    return F.sha2(F.concat(salt, id_), 256)


def without_forgotten(lines: DataFrame, source: SourceSettings, forgotten: DataFrame) -> DataFrame:
    """The lines but those of forgotten people from before they were forgotten.

    A line whose time cannot be read counts as from before.
    """
    salts = forgotten.select("salt").distinct()
    known = forgotten.groupBy("mark").agg(F.max("forgotten_at").alias("_forgotten_at"))
    found = with_landed_ids(lines, source).join(F.broadcast(salts), how="cross")
    for id_ in ("_user", "_account"):
        one = known.select(F.col("mark").alias("_mark"), F.col("_forgotten_at").alias(f"_by{id_}"))
        found = found.join(F.broadcast(one), mark(F.col("salt"), F.col(id_)) == F.col("_mark"), "left").drop("_mark")
    at = F.greatest("_by_user", "_by_account")
    time = F.expr(source.interactions.event_time).cast("timestamp")
    return found.where(at.isNull() | (time > at)).select(*[column(name) for name in lines.columns])
