"""What other files say of the things that a line names."""

from collections.abc import Sequence

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from sparkrec.errors import ConfigurationError


def with_lookup(lines: DataFrame, name: str, rows: DataFrame, key: Sequence[str]) -> DataFrame:
    """The lines with the struct ``name``: the lookup's other columns in the row that has the line's values of ``key``.

    It is null where there is no such row. Of several different rows the smallest counts, in the order of columns.

    Raises:
        ConfigurationError: Line or lookup lack a column of ``key``, or a column of the line has the lookup's name.
    """
    for what, columns in (("the line", lines.columns), (f"lookup {name}", rows.columns)):
        if missing := [column for column in key if column not in columns]:
            told = ", ".join(column for column in columns if not column.startswith("_"))
            raise ConfigurationError(f"lookups.{name}.key: {what} has no {', '.join(missing)}; it has {told}")
    if name in lines.columns:
        raise ConfigurationError(f"lookups.{name}: the line has a column of this name: name the lookup otherwise")
    others = [f"`{column}`" for column in rows.columns if column not in key]
    one_each = rows.groupBy(*[f"`{column}`" for column in key]).agg(F.min(F.struct(*others)).alias(name))
    return lines.join(one_each, list(key), "left").select(*[f"`{column}`" for column in lines.columns], name)


def ambiguous_keys(rows: DataFrame, key: Sequence[str]) -> int:
    """How many values of ``key`` stand in more than one different row."""
    others = F.struct(*[f"`{column}`" for column in rows.columns if column not in key])
    differ = F.min(others) != F.max(others)
    return rows.groupBy(*[f"`{column}`" for column in key]).agg(differ.alias("differ")).where("differ").count()
