"""Map a source's columns to the canonical ones by the expressions of its source file."""

from collections.abc import Mapping

from pyspark.errors import AnalysisException, ParseException
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from sparkrec.config.settings import InteractionsMapping, ItemsMapping
from sparkrec.contracts import Contract
from sparkrec.errors import ConfigurationError


def check_expressions(lines: DataFrame, section: str, expressions: Mapping[str, str]) -> None:
    """Find the expression that does not fit the landed columns before any work is done.

    Raises:
        ConfigurationError: It names the key, the cause and the columns that there are.
    """
    for key, expression in expressions.items():
        try:
            # Beside the line's own columns an aggregate is wrong; a reason to refuse is true or false.
            lines.select("*", F.expr(expression))
            if section == "refuse":
                lines.where(F.expr(expression))
        except (AnalysisException, ParseException) as error:
            cause = (error.getMessage() or str(error)).strip().splitlines()[0]
            columns = ", ".join(name for name in lines.columns if not name.startswith("_"))
            raise ConfigurationError(
                f"{section}.{key}: `{expression}` cannot be computed: {cause}\n  landed columns: {columns}"
            ) from None


def given(mapping: InteractionsMapping | ItemsMapping) -> dict[str, str]:
    """The expressions that the source file gives."""
    return {key: value for key, value in mapping.model_dump().items() if value is not None}


def interaction_columns(mapping: InteractionsMapping, contract: Contract, source: str) -> dict[str, Column]:
    """The canonical columns of an event, by name, typed as the contract says.

    A text that cannot be read as its type becomes null; `unreadable_columns` tells it from a missing one.
    An empty identifier is a missing one.
    """
    expressions = given(mapping)
    columns: dict[str, Column] = {}
    for name, column in contract.columns.items():
        if name not in expressions:
            columns[name] = F.lit(None).cast(column.type)
        elif column.type == "string":
            columns[name] = F.nullif(F.trim(F.expr(expressions[name]).cast("string")), F.lit(""))
        else:
            columns[name] = F.expr(expressions[name]).cast(column.type)
    time = columns["event_time"]
    day = F.to_date(time)
    columns["event_id"] = F.coalesce(columns["event_id"], F.col("row_id"))
    columns["event_date"] = day
    user_day = F.concat_ws(" ", columns["user_id"], F.date_format(day, "yyyy-MM-dd"))
    columns["session_id"] = F.coalesce(
        columns["session_id"], F.when(columns["user_id"].isNotNull(), user_day), columns["event_id"]
    )
    columns["source"] = F.lit(source)
    return columns


def unreadable_columns(mapping: InteractionsMapping, contract: Contract) -> dict[str, Column]:
    """By reason ``<column>_unreadable``: whether a text is there that cannot be read as the column's type.

    Blanks are no text; a number that is none (NaN) or infinite cannot be read.
    """
    expressions = given(mapping)
    return {
        f"{name}_unreadable": _unreadable(F.expr(expressions[name]), column.type)
        for name, column in contract.columns.items()
        if name in expressions and column.type != "string"
    }


def _unreadable(value: Column, type_: str) -> Column:
    there = F.trim(value.cast("string")) != ""
    read = value.cast(type_)
    finite = F.abs(read) < float("inf") if type_ in ("float", "double") else F.lit(True)
    return there & (read.isNull() | ~finite)
