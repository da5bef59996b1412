"""What other files say of the things that a line names."""

from collections.abc import Callable, Mapping

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import StringType

from sparkrec.cleaning.elements import without_explode
from sparkrec.cleaning.expression_tree import names
from sparkrec.cleaning.expressions import check_expressions
from sparkrec.config.settings import LookupSettings, SourceSettings
from sparkrec.contracts.spark import column
from sparkrec.errors import ConfigurationError
from sparkrec.landing.columns import LANDING_COLUMNS, listed


def with_lookups(lines: DataFrame, lookups: Mapping[str, LookupSettings], rows: Mapping[str, DataFrame]) -> DataFrame:
    """The lines with each lookup: what the row that has the line's values of its key says.

    A lookup is a struct of its other columns, or a map of the properties of its key; null where there is no such row.
    Of several different rows that with the greatest ``latest_by`` counts; of these, or without it, the smallest, in
    the order of columns. A column of a key that the line does not have is that of another lookup.

    Args:
        lines: Landed lines, with their elements.
        lookups: What each lookup is, by name.
        rows: Its rows.

    Raises:
        ConfigurationError: No line and no lookup has a column of a key, or several lookups have it; lookups need each
            other; a column of the line has a lookup's name; or an expression of a lookup cannot be computed.
    """
    for name, lookup in lookups.items():
        if missing := [one for one in lookup.needed() if one not in rows[name].columns]:
            raise ConfigurationError(
                f"lookups.{name}: the files have no {', '.join(missing)}; they have {_told(rows[name])}"
            )
        if name in lines.columns:
            raise ConfigurationError(f"lookups.{name}: the line has a column of this name: name the lookup otherwise")
        if lookup.latest_by:
            check_expressions(rows[name], f"lookups.{name}", {"latest_by": lookup.latest_by})
    keys = lookup_keys(lines, lookups, rows)
    for name in _in_order(lines, keys):
        if isinstance(lookups[name].key, dict):
            check_expressions(lines, f"lookups.{name}.key", keys[name])
        lines = _joined(lines, name, keys[name], _one_each(name, rows[name], lookups[name]))
    return lines


def lookup_rows(source: SourceSettings, read: Callable[[str], DataFrame]) -> dict[str, DataFrame]:
    """The rows of each lookup by its name, without where they came from; ``read`` reads a table."""
    tables = {name: read(f"bronze.{source.of_lookup(name).name}") for name in source.lookups}
    return {name: rows.drop(*LANDING_COLUMNS) for name, rows in tables.items()}


def lookup_keys(
    lines: DataFrame, lookups: Mapping[str, LookupSettings], rows: Mapping[str, DataFrame]
) -> dict[str, dict[str, str]]:
    """By lookup and column of its key: the expression over the line and other lookups that gives its value.

    Raises:
        ConfigurationError: No line and no lookup has a column of a key, or several lookups have it.
    """
    return {name: _key(lines, name, lookups, rows) for name in lookups}


def _key(
    lines: DataFrame, name: str, lookups: Mapping[str, LookupSettings], rows: Mapping[str, DataFrame]
) -> dict[str, str]:
    """By column of the key: the expression over the line and other lookups that gives its value."""
    key = lookups[name].key
    if isinstance(key, dict):
        return key
    found = {}
    for one in key:
        if one in lines.columns:
            found[one] = _quoted(one)
            continue
        having = [
            other
            for other, lookup in lookups.items()
            if other != name and lookup.property is None and one in rows[other].columns and one not in lookup.key
        ]
        if not having:
            nor = ", nor has another lookup" if len(lookups) > 1 else ""
            raise ConfigurationError(f"lookups.{name}.key: the line has no {one}{nor}; it has {_told(lines)}")
        if len(having) > 1:
            raise ConfigurationError(
                f"lookups.{name}.key: the line has no {one}, and the lookups {', '.join(having)} have it: "
                f"write which one, such as `key: {{{one}: {having[0]}.{one}}}`"
            )
        found[one] = f"{_quoted(having[0])}.{_quoted(one)}"
    return found


def _in_order(lines: DataFrame, keys: Mapping[str, Mapping[str, str]]) -> list[str]:
    """The lookups, each after those that its key needs."""
    needs = {
        name: {
            used[0] for expression in key.values() for used in names(lines.sparkSession, expression) if used[0] in keys
        }
        for name, key in keys.items()
    }
    order: list[str] = []
    while left := [name for name in keys if name not in order]:
        ready = [name for name in left if needs[name] <= set(order)]
        if not ready:
            told = "; ".join(f"{name} needs {', '.join(sorted(needs[name] - set(order)))}" for name in left)
            raise ConfigurationError(f"lookups: their keys need each other: {told}")
        order += ready
    return order


def _joined(lines: DataFrame, name: str, key: Mapping[str, str], one_each: DataFrame) -> DataFrame:
    found = [
        F.expr(without_explode(lines.sparkSession, expression)) == F.col(f"_key{place}")
        for place, expression in enumerate(key.values())
    ]
    joined = lines.join(one_each, found, "left")
    return joined.select(*[column(one) for one in lines.columns], name)


def _one_each(name: str, rows: DataFrame, lookup: LookupSettings) -> DataFrame:
    """One row for each key: ``_key0``, ``_key1`` ..., and the struct or map ``name``."""
    keyed = {f"_key{place}": column(one) for place, one in enumerate(lookup.key)}
    if lookup.property is None or lookup.value is None:
        value = F.struct(*[column(one) for one in rows.columns if one not in lookup.key])
    else:
        keyed["_property"], value = column(lookup.property), column(lookup.value)
    by = keyed | ({"_at": _order(rows, lookup.latest_by)} if lookup.latest_by else {})
    found = rows.select(*[one.alias(alias) for alias, one in by.items()], value.alias("_value"))
    if lookup.property is not None:
        found = found.where("_property is not null")
    if lookup.latest_by:
        # Brought together and sorted once for both aggregations.
        found = found.repartition(*keyed)
    found = found.groupBy(*by).agg(F.min("_value").alias("_value"))
    if lookup.latest_by:
        found = found.groupBy(*keyed).agg(F.max_by("_value", "_at").alias("_value"))
    if lookup.property is None:
        return found.withColumnRenamed("_value", name)
    properties = F.map_from_entries(F.collect_list(F.struct("_property", "_value")))
    return found.groupBy(*[one for one in keyed if one != "_property"]).agg(properties.alias(name))


def _order(rows: DataFrame, latest_by: str) -> Column:
    """What rows are ordered by: texts that are numbers by number, other texts after them as they are."""
    value = F.expr(latest_by)
    is_text = isinstance(rows.select(value).schema[0].dataType, StringType)
    # A struct is never null: of a key whose rows have no value one counts all the same.
    return F.struct(value.cast("double"), value) if is_text else F.struct(value)


def ambiguous_keys(rows: DataFrame, lookup: LookupSettings) -> int:
    """How many keys, or properties of a key, have more than one different row, of which no ``latest_by`` tells one."""
    if lookup.latest_by:
        return 0
    key = [*lookup.key, *([lookup.property] if lookup.property else [])]
    others = F.struct(*[column(one) for one in ([lookup.value] if lookup.value else rows.columns) if one not in key])
    differ = F.min(others) != F.max(others)
    return rows.groupBy(*map(column, key)).agg(differ.alias("differ")).where("differ").count()


def _quoted(name: str) -> str:
    return f"`{name.replace('`', '``')}`"


def _told(rows: DataFrame) -> str:
    return listed([name for name in rows.columns if not name.startswith("_")])
