import json

import pytest
from pyspark.sql import Row, SparkSession
from pyspark.sql import functions as F

from sparkrec.cleaning.labels import labelled_lines, left_out_keys
from sparkrec.config.settings import InteractionsMapping, ItemsMapping, ReviewsMapping, SearchesMapping, SourceSettings
from sparkrec.errors import ConfigurationError

SOURCE = SourceSettings(
    name="shop",
    landing="nowhere",
    personal=("who",),
    interactions=InteractionsMapping(
        user_id="who", item_id="what", event_type="kind", event_time="at", quantity="pieces", unit_price="price"
    ),
    items=ItemsMapping(title="called"),
    searches=SearchesMapping(query="asked"),
    reviews=ReviewsMapping(rating="stars", text="said"),
    refuse={"internal": "who = 'staff'"},
)
OWN = ("who", "what", "kind", "at", "pieces", "price", "called", "asked", "stars", "said")
SCHEMA = ", ".join(f"{name} string" for name in (*OWN, "_corrupt_record", "_source_file"))
DELIVERED = "timestamp '2026-01-02 00:00:00'"
GOOD = {"who": "u", "what": "i", "kind": "purchase", "at": "2026-01-01 10:00:00", "pieces": "2", "price": "1.5"}


def label(spark: SparkSession, source: SourceSettings = SOURCE, **changes: str | None) -> Row:
    """A good line with other values in some columns, labelled."""
    line = {**GOOD, **changes}
    lines = spark.createDataFrame([tuple(line.get(name) for name in (*OWN, "_corrupt_record", "_source_file"))], SCHEMA)
    (found,) = labelled_lines(lines.withColumn("_ingested_at", F.expr(DELIVERED)), source).collect()
    return found


def test_a_good_line_has_no_reason_and_is_not_shown(spark: SparkSession) -> None:
    found = label(spark, called="  red  cup ")

    assert (found.reasons, found.row, found.table) == ([], None, "silver.interactions")
    assert (found.user_id, found.item_id, found.quantity, found.unit_price) == ("u", "i", 2, 1.5)
    # It is tidied once for all lines that say it.
    assert found.item.title == "red  cup"


@pytest.mark.parametrize(
    ("changes", "reasons"),
    [
        ({"what": " "}, ["item_id_missing"]),
        ({"at": None}, ["event_time_missing"]),
        ({"at": "yesterday"}, ["event_time_unreadable"]),
        ({"kind": "teleport"}, ["event_type_unknown"]),
        ({"pieces": "two"}, ["quantity_unreadable"]),
        ({"pieces": "0", "price": "-1"}, ["quantity_not_positive", "unit_price_negative"]),
        ({"who": "staff", "price": "cheap", "what": None}, ["internal", "unit_price_unreadable", "item_id_missing"]),
        ({"kind": "review", "stars": "7"}, ["rating_out_of_range"]),
        ({"kind": "review", "stars": "many"}, ["rating_unreadable"]),
        ({"kind": "search", "what": None}, ["query_missing"]),
        ({"kind": "search", "what": None, "asked": "cup"}, []),
        ({"_corrupt_record": '{"who": "u', "what": None, "kind": None, "at": None}, ["line_unreadable"]),
    ],
)
def test_a_line_has_all_the_reasons_against_it_and_no_other(
    spark: SparkSession, changes: dict[str, str | None], reasons: list[str]
) -> None:
    found = label(spark, **changes)

    assert found.reasons == reasons
    assert (found.row is None) == (reasons == [])


def test_a_refused_line_shows_what_the_source_uses_and_nothing_of_people(spark: SparkSession) -> None:
    told = {"what": None, "called": "cup", "asked": "a name", "said": "a name", "price": '{"by": "a name"}'}

    shown = label(spark, **told, _corrupt_record='{"who": "u').row

    assert json.loads(shown) == {"kind": "purchase", "at": GOOD["at"], "pieces": "2", "called": "cup"}
    # Who acted is not shown where the source does not call it personal either, nor what it does not use.
    used = SOURCE.interactions.model_copy(update={"quantity": None})
    open_source = SOURCE.model_copy(update={"personal": (), "interactions": used})
    shown = label(spark, open_source, **told, _corrupt_record='{"who": "u').row
    assert json.loads(shown) == {"kind": "purchase", "at": GOOD["at"], "called": "cup"}


def test_searches_and_reviews_are_for_tables_of_their_own(spark: SparkSession) -> None:
    search = label(spark, kind="search", asked=" red   cup ")
    review = label(spark, kind="review", stars="4", said="good  cup")

    assert (search.table, search.query) == ("silver.searches", "red cup")
    assert (review.table, review.rating, review.text) == ("silver.interactions", 4.0, "good cup")


def test_a_wrong_expression_of_any_section_is_told_by_its_key(spark: SparkSession) -> None:
    source = SOURCE.model_copy(update={"reviews": ReviewsMapping(rating="starz")})
    with pytest.raises(ConfigurationError, match=r"^reviews\.rating: `starz` cannot be computed"):
        label(spark, source)


def test_keys_that_no_json_line_has_are_missing_but_not_a_user_an_item_or_a_time(spark: SparkSession) -> None:
    lines = spark.createDataFrame(
        [("u", "i", "purchase", "2026-01-01 10:00:00")], "who string, what string, kind string, at string"
    ).withColumns({"_ingested_at": F.expr(DELIVERED), "_source_file": F.lit("a.jsonl")})
    source = SOURCE.model_copy(update={"format": "jsonl"})

    assert left_out_keys(lines, source) == ["asked", "called", "pieces", "price", "said", "stars"]
    (found,) = labelled_lines(lines, source, left_out_keys(lines, source)).collect()
    assert (found.reasons, found.quantity, found.item.title) == ([], None, None)

    with pytest.raises(ConfigurationError, match=r"^interactions\.event_time: `at` cannot be computed"):
        labelled_lines(lines.drop("at"), source, left_out_keys(lines.drop("at"), source))
    with pytest.raises(ConfigurationError, match=r"^interactions\.quantity: `pieces` cannot be computed"):
        labelled_lines(lines, SOURCE)
