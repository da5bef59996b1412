"""Map a source's columns to the canonical ones by the expressions of its source file."""

from functools import reduce
from operator import or_

from pydantic import BaseModel
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from sparkrec.cleaning.expressions import referenced_columns
from sparkrec.config.settings import InteractionsMapping
from sparkrec.contracts import Contract


def given(mapping: BaseModel | None) -> dict[str, str]:
    """The expressions that a section of the source file gives."""
    return {key: value for key, value in (mapping.model_dump() if mapping else {}).items() if value is not None}


def interaction_columns(
    mapping: InteractionsMapping, contract: Contract, source: str, fallback_id: Column
) -> dict[str, Column]:
    """The canonical columns of an event, by name, typed as the contract says, and its ``account_id``.

    A text that cannot be read as its type becomes null; `unreadable_columns` tells it from a missing one.
    An empty identifier is a missing one. What only the other events can tell (the session of a source that has
    none, bots) stays null.

    Args:
        mapping: The source's expressions.
        contract: That of silver.interactions.
        source: The source's name.
        fallback_id: The id of an event of a source that has none.
    """
    expressions = given(mapping)
    columns = {name: read_as(expressions.get(name), column.type) for name, column in contract.columns.items()}
    columns["event_id"] = F.coalesce(columns["event_id"], fallback_id)
    # Of a missing one and another, greatest takes the other.
    columns["known_time"] = F.greatest(columns["event_time"], columns["known_time"])
    columns["event_date"] = F.to_date(columns["event_time"])
    columns["source"] = F.lit(source)
    columns["account_id"] = read_as(expressions.get("account_id"), "string")
    return columns


def read_as(expression: str | None, type_: str) -> Column:
    """The expression as the type; an empty text is missing, and what cannot be read is null."""
    if expression is None:
        return F.lit(None).cast(type_)
    if type_ == "string":
        return F.nullif(F.trim(F.expr(expression).cast("string")), F.lit(""))
    return F.expr(expression).cast(type_)


def unreadable_columns(lines: DataFrame, mapping: InteractionsMapping, contract: Contract) -> dict[str, Column]:
    """By column: whether a text is there that cannot be read as the column's type.

    Blanks are no text; a number that is none (NaN) or infinite cannot be read. A time is unreadable, too, where the
    expression makes null of the line's own text.
    """
    expressions = given(mapping)
    unreadable = {
        name: _unreadable(F.expr(expressions[name]), column.type)
        for name, column in contract.columns.items()
        if name in expressions and column.type != "string"
    }
    landed = [F.expr(text) for text in referenced_columns(lines, mapping.event_time)]
    there = reduce(or_, [F.coalesce(F.trim(text) != "", F.lit(False)) for text in landed], F.lit(False))
    unread = there & F.expr(mapping.event_time).cast("timestamp").isNull()
    return unreadable | {"event_time": F.coalesce(unreadable["event_time"], F.lit(False)) | unread}


def _unreadable(value: Column, type_: str) -> Column:
    there = F.trim(value.cast("string")) != ""
    read = value.cast(type_)
    finite = F.abs(read) < float("inf") if type_ in ("float", "double") else F.lit(True)
    return there & (read.isNull() | ~finite)
