"""Landed lines as typed events, each labelled with all the reasons against it."""

from collections.abc import Sequence
from functools import reduce
from operator import or_

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from sparkrec.cleaning.duplicates import id_of_row, line_hash, row_id
from sparkrec.cleaning.elements import ELEMENT, POSITION, event_suffix, explodes, of_elements, row_suffix
from sparkrec.cleaning.expression_tree import absent_columns
from sparkrec.cleaning.expressions import check_expressions
from sparkrec.cleaning.item_versions import ATTRIBUTES
from sparkrec.cleaning.mapping import implausible_columns, interaction_columns, read_as, unreadable_columns
from sparkrec.cleaning.titles import tidy_text
from sparkrec.config.settings import SourceSettings
from sparkrec.contracts import load_contract
from sparkrec.contracts.spark import broken_rules, column, names_where
from sparkrec.landing.bounded_lines import TOO_LONG
from sparkrec.landing.columns import UNREADABLE_LINE, own_columns

SEARCH, REVIEW = "search", "review"
_SOURCE_FILE = "_source_file"


def labelled_lines(lines: DataFrame, source: SourceSettings, left_out: Sequence[str] = ()) -> DataFrame:
    """Every landed line once, in one pass over them.

    Args:
        lines: The source's bronze table, with its lookups.
        source: Its expressions and its own reasons to refuse a line.
        left_out: What `left_out_keys` found: columns to be taken as missing.

    Returns:
        The columns of silver.interactions, with the landed id as ``user_id``, and beside them ``account_id``,
        ``query``, ``rating``, ``text`` (of a review), ``item`` (struct of `ATTRIBUTES`, as they landed),
        ``attributes`` (map of what the line says of its user), ``table`` (the silver table that the line is for),
        ``delivered`` (struct of the time and the file), ``reasons`` (array; empty on a good line), and, null on a
        good line, ``row_id`` and ``row`` (what of the line is not about a person, as JSON).

    Raises:
        ConfigurationError: An expression of the source file does not fit the landed columns.
    """
    lines = lines.withColumns({name: F.lit(None).cast("string") for name in left_out})
    for section, of_section in source.expressions().items():
        check_expressions(lines, section, of_section)
    own = [name for name in own_columns(lines.columns) if name not in (*source.lookups, ELEMENT, POSITION)]
    hold_no_person = _shown(lines.sparkSession, own, source)
    landed_id, source = source.interactions.event_id, of_elements(lines.sparkSession, source)
    expressions = source.expressions()
    contract, apart = load_contract("silver.interactions"), ELEMENT in lines.columns
    items, searches, reviews, bots = (expressions[name] for name in ("items", "searches", "reviews", "bots"))
    # Ids of the source's own that are about an element tell them apart themselves.
    by_element = apart and landed_id is not None and explodes(lines.sparkSession, landed_id)
    # Equal lines of two files are two events where the file's name says more of them.
    by_file = [F.expr(text).cast("string") for text in expressions["interactions"].values() if _SOURCE_FILE in text]
    line_id = F.sha2(F.concat_ws("\n", row_id(own), *by_file), 256) if by_file else row_id(own)
    line_id = F.concat(line_id, event_suffix()) if by_element else line_id
    canonical = interaction_columns(source, contract, line_id)
    if apart and not by_element:
        canonical["event_id"] = F.concat(canonical["event_id"], event_suffix())
    canonical |= {
        "names_bot": _names_bot(bots.get("agent"), source),
        "delivered": F.struct(F.col("_ingested_at").alias("at"), F.col(_SOURCE_FILE).alias("file")),
        "line_hash": F.xxhash64(line_hash(own), F.to_json(F.struct(ELEMENT))) if apart else line_hash(own),
        "query": _text(searches.get("query")),
        "rating": read_as(reviews.get("rating"), "double"),
        "text": _text(reviews.get("text")),
        "item": F.struct(*[read_as(items.get(name), "string").alias(name) for name in ATTRIBUTES]),
        "attributes": _attributes(expressions["users"]),
    }
    unreadable = unreadable_columns(lines, source.interactions, contract)
    if "rating" in reviews:
        unreadable["rating"] = F.expr(f"trim({reviews['rating']}) != ''") & canonical["rating"].isNull()
    implausible = implausible_columns(source, canonical, F.col("_ingested_at"))
    own_reasons = {reason: F.expr(condition) for reason, condition in source.refuse.items()}
    found = names_where(own_reasons | {f"{name}_unreadable": wrong for name, wrong in unreadable.items()} | implausible)
    # What cannot be read is not missing.
    overruled = names_where({f"{name}_missing": wrong for name, wrong in unreadable.items()})
    typed = lines.select(
        *[column.alias(name) for name, column in canonical.items()],
        F.struct(*[column(name) for name in sorted(own)]).alias("_own"),
        _unreadable(own).alias("_unreadable"),
        found.alias("_found"),
        overruled.alias("_overruled"),
        (row_suffix() if apart else F.lit("")).alias("_place"),
    )
    is_search = (F.col("event_type") == SEARCH) & F.lit(source.searches is not None)
    of_reviews = F.when(F.col("event_type") == REVIEW, _broken("silver.reviews")).otherwise(names_where({}))
    of_events = F.concat(broken_rules(contract), of_reviews)
    broken = F.when(is_search, _broken("silver.searches")).otherwise(of_events)
    # Nothing more can be said of a line that does not have its columns.
    reasons = F.when(F.col("_unreadable").isNotNull(), F.array("_unreadable")).otherwise(
        F.concat("_found", F.when(F.size("_overruled") > 0, F.array_except(broken, "_overruled")).otherwise(broken))
    )
    refused = F.size("reasons") > 0
    shown = F.struct(*[_plain(F.col("_own").getField(name)).alias(name) for name in hold_no_person])
    return (
        typed.withColumn("table", F.when(is_search, "silver.searches").otherwise("silver.interactions"))
        .withColumn("reasons", reasons)
        .withColumn("row_id", F.when(refused, F.concat(id_of_row(F.col("_own")), "_place")))
        .withColumn("row", F.when(refused, F.to_json(shown)))
        .drop("_own", "_unreadable", "_found", "_overruled", "_place")
    )


def _unreadable(own: Sequence[str]) -> Column:
    """The reason against a line that does not have its file's columns; null for others."""
    if UNREADABLE_LINE not in own:
        return F.lit(None).cast("string")
    text = F.col(UNREADABLE_LINE)
    return F.when(F.startswith(text, F.lit(TOO_LONG)), "line_too_long").when(text.isNotNull(), "line_unreadable")


def left_out_keys(lines: DataFrame, source: SourceSettings) -> list[str]:
    """Columns that the source file uses, that no line has had so far, and that lines may lack.

    Lines of JSON leave out what is missing. None of a user, an item or a time is never taken for left out there.
    """
    if source.format != "jsonl":
        return [name for name in absent_columns(lines, _all_expressions(source)) if name in source.optional]
    needed = [("interactions", column) for column in ("user_id", "item_id", "event_time")]
    return absent_columns(lines, _all_expressions(source, but=needed))


def used_columns(spark: SparkSession, source: SourceSettings) -> list[str]:
    """Columns that the expressions of the source file use, lookups among them, sorted."""
    return absent_columns(spark.createDataFrame([], "_none int"), _all_expressions(source))


def _all_expressions(source: SourceSettings, but: Sequence[tuple[str, str]] = ()) -> list[str]:
    return [
        expression
        for section, expressions in source.expressions().items()
        for key, expression in expressions.items()
        if (section, key) not in but
    ]


# What these are made of is about a person, whether or not the source names it personal.
_ABOUT_PEOPLE = {
    "interactions": ("user_id", "account_id"),
    "searches": ("query",),
    "reviews": ("text",),
    "bots": ("agent",),
}


def _shown(spark: SparkSession, own: Sequence[str], source: SourceSettings) -> list[str]:
    """Columns that quarantine shows: those that the source file uses, but for what is about people.

    Of a column that it does not use nobody knows what it holds, nor of the text of an unreadable line.
    """
    nothing = spark.createDataFrame([], "_none int")
    of_people = [*source.users.values()]
    for section, keys in _ABOUT_PEOPLE.items():
        of_people += [text for key, text in source.expressions()[section].items() if key in keys]
    hidden = {name.lower() for name in (*source.personal, UNREADABLE_LINE, *absent_columns(nothing, of_people))}
    used = {name.lower() for name in used_columns(spark, source)} | {
        one.lower() for lookup in source.lookups.values() for one in lookup.key
    }
    return [name for name in own if name.lower() in used - hidden]


def _plain(value: Column) -> Column:
    """The value; none of a nested one, whose parts the source file may not know either."""
    return F.when(~F.coalesce(value.cast("string").rlike(r"^\s*[\[{]"), F.lit(False)), value)


def _names_bot(agent: str | None, source: SourceSettings) -> Column:
    if agent is None or source.bots is None:
        return F.lit(False)
    # A pattern of all the words would take ten times as long.
    lowered = F.lower(F.expr(agent).cast("string"))
    held = [F.contains(lowered, F.lit(word.lower())) for word in source.bots.agent_words]
    return F.coalesce(reduce(or_, held, F.lit(False)), F.lit(False))


def _broken(table: str) -> Column:
    return broken_rules(load_contract(table))


def _attributes(expressions: dict[str, str]) -> Column:
    pairs = [part for name, expression in expressions.items() for part in (F.lit(name), _text(expression))]
    said = F.create_map(*pairs) if pairs else F.create_map()
    return F.map_filter(said.cast("map<string,string>"), lambda _, value: value.isNotNull())


def _text(expression: str | None) -> Column:
    return tidy_text(F.expr(expression).cast("string")) if expression else F.lit(None).cast("string")
