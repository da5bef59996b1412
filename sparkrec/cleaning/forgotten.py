"""Lines of people who were forgotten."""

from collections.abc import Mapping

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from sparkrec.cleaning.elements import ELEMENT, POSITION, of_elements, with_elements, without_explode
from sparkrec.cleaning.expression_tree import absent_columns
from sparkrec.cleaning.identities import of_account
from sparkrec.cleaning.lookups import lookup_keys, with_lookups
from sparkrec.cleaning.mapping import read_id
from sparkrec.config.settings import LOOKUP_OF, SourceSettings
from sparkrec.contracts.spark import column
from sparkrec.errors import ConfigurationError
from sparkrec.landing.columns import own_columns


def with_landed_ids(lines: DataFrame, source: SourceSettings, rows: Mapping[str, DataFrame]) -> DataFrame:
    """The lines with what `mark` takes of the person they are about, each null where missing, and with ``_time``.

    These are ``_user``, ``_account`` and, for each personal lookup, ``_key_<lookup>``: the row that the line names.

    Args:
        lines: Lines of the source, or rows of one of its lookups. A line that is taken apart comes once an element.
        source: The source, or the lookup's.
        rows: Rows of the source's lookups, by name.
    """
    spark, keys = lines.sparkSession, {}
    if lookup := source.name.partition(LOOKUP_OF)[2]:
        # What the source says of a user by the lookup's columns it says by those of the row itself.
        own = own_columns(lines.columns)
        there = lines if lookup in own else lines.withColumn(lookup, F.struct(*map(column, own)))
    else:
        apart = with_elements(lines, source)
        there = with_lookups(apart, source.lookups, rows)
        for name, key in lookup_keys(apart, source.lookups, rows).items():
            if source.lookups[name].personal:
                values = {one: F.expr(without_explode(spark, text)) for one, text in key.items()}
                keys[f"_key_{name}"] = key_of_row(name, values)
        source = of_elements(spark, source)
    ids = {
        "_user": read_id(source.interactions.user_id, source),
        "_account": of_account(read_id(source.interactions.account_id, source)),
        "_time": F.expr(source.interactions.event_time).cast("timestamp"),
    }
    added = {ELEMENT, POSITION, lookup, *source.lookups} - {*lines.columns}
    return there.withColumns(ids | keys).drop(*added)


def check_personal(rows: DataFrame, source: SourceSettings) -> None:
    """See whether the rows of a personal lookup tell whom they are about.

    Raises:
        ConfigurationError: interactions.user_id needs what they do not have.
    """
    name = source.name.partition(LOOKUP_OF)[2]
    missing = [one for one in absent_columns(rows, [source.interactions.user_id]) if one != name]
    if missing:
        raise ConfigurationError(
            f"lookups.{name}.personal: interactions.user_id needs {', '.join(missing)}, which its files do not have: "
            "a row does not tell whom it is about"
        )


def key_of_row(lookup: str, key: Mapping[str, Column]) -> Column:
    """What `mark` takes of a row of a personal lookup: the lookup and the values of its key."""
    values = F.to_json(F.struct(*[value.cast("string").alias(name) for name, value in sorted(key.items())]))
    return F.concat(F.lit(f"{lookup} "), values)


def mark(salt: Column, id_: Column) -> Column:
    """What private.forgotten holds in the place of an id."""
    return F.sha2(F.concat(salt, id_), 256)


def without_forgotten(
    lines: DataFrame, source: SourceSettings, rows: Mapping[str, DataFrame], forgotten: DataFrame
) -> DataFrame:
    """The lines but those of forgotten people from before they were forgotten.

    A line whose time cannot be read counts as from before. A line that names a row of a personal lookup, such as a
    customer's, is the person's though that row is gone.

    Args:
        lines: Lines of the source, or rows of one of its lookups.
        source: The source, or the lookup's.
        rows: Rows of the source's lookups, by name.
        forgotten: private.forgotten.
    """
    salts = forgotten.select("salt").distinct()
    known = forgotten.groupBy("mark").agg(F.max("forgotten_at").alias("_forgotten_at"))
    told = with_landed_ids(lines.withColumn("_line", F.monotonically_increasing_id()), source, rows)
    found = told.join(F.broadcast(salts), how="cross")
    ids = [name for name in told.columns if name in ("_user", "_account") or name.startswith("_key_")]
    for id_ in ids:
        one = known.select(F.col("mark").alias("_mark"), F.col("_forgotten_at").alias(f"_by{id_}"))
        found = found.join(F.broadcast(one), mark(F.col("salt"), F.col(id_)) == F.col("_mark"), "left").drop("_mark")
    at = F.greatest(*[F.col(f"_by{id_}") for id_ in ids])
    stays = at.isNull() | F.coalesce(F.col("_time") > at, F.lit(False))
    if LOOKUP_OF not in source.name and with_elements(lines, source) is not lines:
        # A line stays as a whole or not at all.
        elements = Window.partitionBy("_line")
        place = F.row_number().over(elements.orderBy("_line"))
        found = found.withColumns({"_stays": F.min(stays).over(elements), "_place": place})
        stays = F.col("_stays") & (F.col("_place") == 1)
    return found.where(stays).select(*[column(name) for name in lines.columns])
