"""Lines of people who were forgotten."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from sparkrec.config.settings import InteractionsMapping


def landed_user(mapping: InteractionsMapping) -> Column:
    """The user id of a line, as the source maps it; an empty one is missing."""
    return _id(mapping.user_id)


def landed_account(mapping: InteractionsMapping) -> Column:
    """The account of a line, as `marks` takes it; null where the source has none."""
    return F.concat(F.lit("account "), _id(mapping.account_id or "null"))


def _id(expression: str) -> Column:
    return F.nullif(F.trim(F.expr(expression).cast("string")), F.lit(""))


def mark(salt: Column, id_: Column) -> Column:
    """What private.forgotten holds in the place of an id."""
    return F.sha2(F.concat(salt, id_), 256)


def without_forgotten(lines: DataFrame, mapping: InteractionsMapping, forgotten: DataFrame) -> DataFrame:
    """The lines but those of forgotten people from before they were forgotten.

    A line whose time cannot be read counts as from before.
    """
    salts = forgotten.select("salt").distinct()
    known = forgotten.groupBy("mark").agg(F.max("forgotten_at").alias("_forgotten_at"))
    salted = lines.join(F.broadcast(salts), how="cross")
    found = salted
    for name, id_ in (("_by_user", landed_user(mapping)), ("_by_account", landed_account(mapping))):
        one = known.select(F.col("mark").alias("_mark"), F.col("_forgotten_at").alias(name))
        found = found.withColumn("_own", mark(F.col("salt"), id_))
        found = found.join(F.broadcast(one), F.col("_own") == F.col("_mark"), "left").drop("_own", "_mark")
    at = F.greatest("_by_user", "_by_account")
    time = F.expr(mapping.event_time).cast("timestamp")
    return found.where(at.isNull() | (time > at)).select(*[F.col(f"`{name}`") for name in lines.columns])
