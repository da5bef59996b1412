"""Map a source's columns to the canonical ones by the expressions of its source file."""

from functools import reduce
from operator import or_

from pydantic import BaseModel
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from sparkrec.cleaning.expressions import referenced_columns
from sparkrec.config.settings import InteractionsMapping, SourceSettings
from sparkrec.contracts import Contract


def given(mapping: BaseModel | None) -> dict[str, str]:
    """The expressions that a section of the source file gives."""
    return {key: value for key, value in (mapping.model_dump() if mapping else {}).items() if value is not None}


def interaction_columns(source: SourceSettings, contract: Contract, fallback_id: Column) -> dict[str, Column]:
    """The canonical columns of an event, by name, typed as the contract says, and its ``account_id``.

    A text that cannot be read as its type becomes null; `unreadable_columns` tells it from a missing one.
    An empty identifier is a missing one. What only the other events can tell (the session of a source that has
    none, bots) stays null.

    Args:
        source: The source.
        contract: That of silver.interactions.
        fallback_id: The id of an event of a source that has none.
    """
    expressions = given(source.interactions)
    columns = {name: read_as(expressions.get(name), column.type) for name, column in contract.columns.items()}
    columns |= {name: read_id(expressions.get(name), source) for name in IDS}
    columns["event_id"] = F.coalesce(columns["event_id"], fallback_id)
    # Of a missing one and another, greatest takes the other.
    columns["known_time"] = F.greatest(columns["event_time"], columns["known_time"])
    columns["event_date"] = F.to_date(columns["event_time"])
    columns["source"] = F.lit(source.name)
    return columns


IDS = ("event_id", "user_id", "account_id", "item_id", "session_id", "search_id")
"""Columns that name something: their texts are brought to one form by `read_id`."""

# White space of Unicode, and signs of no width.
_BLANKS = "".join(map(chr, (*range(9, 14), *range(28, 33), 0x85, 0xA0, 0x1680, *range(0x2000, 0x200E)))) + (
    "\u2028\u2029\u202f\u205f\u2060\u3000\ufeff"
)


def read_id(expression: str | None, source: SourceSettings) -> Column:
    """The expression as an id: without white space around it, a whole number without a point, a null word as null."""
    if expression is None:
        return F.lit(None).cast("string")
    text = F.expr(expression).cast("string")
    # To look for blanks takes half as long as to trim them.
    text = F.when(text.rlike("^[!-~]++$"), text).otherwise(F.btrim(text, F.lit(_BLANKS)))
    is_float = F.endswith(text, F.lit("0")) & F.contains(text, F.lit(".")) & text.rlike(r"^-?[0-9]+\.0+$")
    text = F.when(is_float, F.substring_index(text, ".", 1)).otherwise(text)
    words = sorted({"", *[word.lower() for word in source.null_words]})
    longest = max(len(word.encode()) for word in words)
    is_null = (F.octet_length(text) <= longest) & F.lower(text).isin(words)
    return F.when(~is_null, text)


def read_as(expression: str | None, type_: str) -> Column:
    """The expression as the type; an empty text is missing, and what cannot be read is null."""
    if expression is None:
        return F.lit(None).cast(type_)
    if type_ == "string":
        return F.nullif(F.trim(F.expr(expression).cast("string")), F.lit(""))
    return F.expr(expression).cast(type_)


def implausible_columns(source: SourceSettings, columns: dict[str, Column], ingested_at: Column) -> dict[str, Column]:
    """By reason: whether a time is out of range or has no date, or an id is too long or holds U+FFFD.

    Args:
        source: The source.
        columns: What `interaction_columns` gives.
        ingested_at: When the line was delivered.
    """
    latest = ingested_at + F.make_interval(days=F.lit(source.times.days_ahead))
    earliest = F.lit(source.times.earliest).cast("timestamp")
    mapping = source.interactions
    given_times = {"event_time": mapping.event_time, "known_time": mapping.known_time}
    times = {
        f"{name}_out_of_range": ~F.expr(expression).cast("timestamp").between(earliest, latest)
        for name, expression in given_times.items()
        if expression is not None
    }
    ids = ("user_id", "item_id", "account_id")
    undecoded = {f"{name}_undecodable": F.contains(columns[name], F.lit("\ufffd")) for name in ids}
    # Spark reads a time of day as one of today.
    text = F.expr(mapping.event_time).cast("string")
    of_day = F.contains(text, F.lit(":")) & ~F.contains(F.substring_index(text, ":", 1), F.lit("-"))
    without_date = {"event_time_without_date": of_day & columns["event_time"].isNotNull()}
    # Ids are keys: each is written with every row of its user, item or session.
    long_ = {f"{name}_too_long": F.octet_length(columns[name]) > source.texts.longest_id for name in IDS}
    found = times | without_date | undecoded | long_
    return {reason: F.coalesce(wrong, F.lit(False)) for reason, wrong in found.items()}


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
