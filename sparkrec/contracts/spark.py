"""Contracts for Spark: types, the closing select of a table, and row rules as one expression."""

from collections.abc import Mapping

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import DataType, StructField, StructType

from sparkrec.contracts.contract import Contract, OnFailure
from sparkrec.errors import DataError


def struct_type(contract: Contract) -> StructType:
    """The contract's columns as a Spark schema; descriptions become column comments. Needs a running session."""
    return StructType(
        [
            StructField(name, DataType.fromDDL(column.type), column.nullable, {"comment": column.description})
            for name, column in contract.columns.items()
        ]
    )


def conform(df: DataFrame, contract: Contract) -> DataFrame:
    """The contract's columns in their order, cast to their types and commented: the closing select of a table.

    Further columns of an open contract stay as and where they are, and so do the contract's beside them.

    Raises:
        DataError: A column is missing, or there is one that a closed contract does not know.
    """
    missing = [name for name in contract.columns if name not in df.columns]
    further = [name for name in df.columns if name not in contract.columns]
    unexpected = [] if contract.open else further
    if missing or unexpected:
        complaints = [("missing", missing), ("unexpected", unexpected)]
        found = "; ".join(f"{kind} columns: {', '.join(names)}" for kind, names in complaints if names)
        raise DataError(f"{contract.table} does not have the columns of its contract: {found}")
    typed = {
        field.name: column(field.name).cast(field.dataType).alias(field.name, metadata=field.metadata)
        for field in struct_type(contract)
    }
    # Thousands of further columns are not named one by one.
    return df.withColumns(typed) if further else df.select(*typed.values())


def broken_rules(contract: Contract, on_failure: OnFailure = "quarantine") -> Column:
    """Names of all the rules of this kind that a row breaks, as an array in the contract's order.

    A rule whose condition is null is broken. It is one expression: Spark reads the rows once for all rules.
    """
    return names_where(
        {
            rule.name: ~F.coalesce(F.expr(rule.condition), F.lit(False))
            for rule in contract.rules
            if rule.on_failure == on_failure
        }
    )


def names_where(conditions: Mapping[str, Column]) -> Column:
    """Names of the conditions that are true for a row, in the order given (array of strings)."""
    none = F.array().cast("array<string>")
    # Arrays put behind one another are compiled; a lambda over one array would interpret all conditions.
    return F.concat(
        none, *[F.when(is_true, F.array(F.lit(name))).otherwise(none) for name, is_true in conditions.items()]
    )


def column(name: str, alias: str | None = None) -> Column:
    """A column by its exact name, of the table of this alias if there are others; a dot in a landed name is no path."""
    table = f"{alias}." if alias else ""
    return F.col(f"{table}`{name.replace('`', '``')}`")
