"""Landed lines as typed events, each labelled with all the reasons against it."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from sparkrec.cleaning.duplicates import row_id
from sparkrec.cleaning.item_versions import ATTRIBUTES
from sparkrec.cleaning.mapping import absent_columns, check_expressions, given, interaction_columns, unreadable_columns
from sparkrec.cleaning.titles import tidy_text
from sparkrec.config.settings import SourceSettings
from sparkrec.contracts import load_contract
from sparkrec.contracts.spark import broken_rules, names_where
from sparkrec.lake.landing import LANDING_COLUMNS, UNREADABLE_LINE

SEARCH, REVIEW = "search", "review"


def labelled_lines(lines: DataFrame, source: SourceSettings) -> DataFrame:
    """Every landed line once, in one pass over them.

    Args:
        lines: The source's bronze table.
        source: Its expressions and its own reasons to refuse a line.

    Returns:
        The columns of silver.interactions, and beside them ``account_id``, ``agent`` (the user agent), ``query``,
        ``rating``, ``text`` (of a review), ``item`` (struct of `ATTRIBUTES`), ``row_id``, ``table`` (the silver
        table that the line is for), ``reasons`` (array; empty on a good line), and ``row`` (the line as JSON
        without what is personal; null on a good line).

    Raises:
        ConfigurationError: An expression of the source file does not fit the landed columns.
    """
    for name in left_out_keys(lines, source):
        lines = lines.withColumn(name, F.lit(None).cast("string"))
    for section in ("interactions", "items", "searches", "reviews"):
        check_expressions(lines, section, given(getattr(source, section)))
    check_expressions(lines, "refuse", source.refuse)
    if source.bots and source.bots.agent:
        check_expressions(lines, "bots", {"agent": source.bots.agent})
    own = [name for name in lines.columns if name not in LANDING_COLUMNS]
    contract = load_contract("silver.interactions")
    searches, reviews = given(source.searches), given(source.reviews)
    canonical = interaction_columns(source.interactions, contract, source.name)
    canonical |= {
        "agent": F.expr((source.bots and source.bots.agent) or "null").cast("string"),
        "query": _text(searches.get("query")),
        "rating": F.expr(reviews.get("rating", "null")).cast("double"),
        "text": _text(reviews.get("text")),
        "item": F.struct(*[_text(given(source.items).get(name)).alias(name) for name in ATTRIBUTES]),
    }
    unreadable = unreadable_columns(source.interactions, contract)
    if "rating" in reviews:
        unreadable["rating"] = F.expr(f"trim({reviews['rating']}) != ''") & canonical["rating"].isNull()
    own_reasons = {reason: F.expr(condition) for reason, condition in source.refuse.items()}
    found = names_where(own_reasons | {f"{name}_unreadable": wrong for name, wrong in unreadable.items()})
    # What cannot be read is not missing.
    overruled = names_where({f"{name}_missing": wrong for name, wrong in unreadable.items()})
    typed = lines.withColumn("row_id", row_id(own)).select(
        *[column.alias(name) for name, column in canonical.items()],
        "row_id",
        F.struct(*[F.col(f"`{name}`") for name in _shown(own, source)]).alias("_line"),
        (F.col(UNREADABLE_LINE).isNotNull() if UNREADABLE_LINE in own else F.lit(False)).alias("_unreadable"),
        found.alias("_found"),
        overruled.alias("_overruled"),
    )
    is_search = (F.col("event_type") == SEARCH) & F.lit(source.searches is not None)
    of_reviews = F.when(F.col("event_type") == REVIEW, _broken("silver.reviews")).otherwise(_none())
    of_events = F.concat(broken_rules(contract), of_reviews)
    broken = F.when(is_search, _broken("silver.searches")).otherwise(of_events)
    # Nothing more can be said of a line that does not have its columns.
    reasons = F.when(F.col("_unreadable"), F.array(F.lit("line_unreadable"))).otherwise(
        F.concat("_found", F.when(F.size("_overruled") > 0, F.array_except(broken, "_overruled")).otherwise(broken))
    )
    return (
        typed.withColumn("table", F.when(is_search, "silver.searches").otherwise("silver.interactions"))
        .withColumn("reasons", reasons)
        .withColumn("row", F.when(F.size("reasons") > 0, F.to_json("_line")))
        .drop("_line", "_unreadable", "_found", "_overruled")
    )


def left_out_keys(lines: DataFrame, source: SourceSettings) -> list[str]:
    """Keys that the source file uses and that no JSON line has had so far: these lines leave out what is missing.

    None of a user, an item or a time is never taken for left out.
    """
    if source.format != "jsonl":
        return []
    needed = ("user_id", "item_id", "event_time")
    events = {key: value for key, value in given(source.interactions).items() if key not in needed}
    others = [given(source.items), given(source.searches), given(source.reviews), source.refuse]
    expressions = [expression for section in (events, *others) for expression in section.values()]
    agent = [source.bots.agent] if source.bots and source.bots.agent else []
    return absent_columns(lines, [*expressions, *agent])


def _shown(own: list[str], source: SourceSettings) -> list[str]:
    """Columns that quarantine may show: an unreadable line's text may hold any of them."""
    hidden = {*source.personal, UNREADABLE_LINE} if source.personal else set()
    return [name for name in own if name not in hidden]


def _broken(table: str) -> Column:
    return broken_rules(load_contract(table))


def _none() -> Column:
    return F.array().cast("array<string>")


def _text(expression: str | None) -> Column:
    return tidy_text(F.expr(expression).cast("string")) if expression else F.lit(None).cast("string")
