import pytest
from chispa import assert_df_equality
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from sparkrec.cleaning.expressions import check_expressions
from sparkrec.cleaning.mapping import given, interaction_columns, unreadable_columns
from sparkrec.config.settings import InteractionsMapping, SourceSettings
from sparkrec.contracts import load_contract
from sparkrec.contracts.spark import names_where
from sparkrec.errors import ConfigurationError

CONTRACT = load_contract("silver.interactions")
MINIMAL = InteractionsMapping(user_id="who", item_id="upper(what)", event_time="to_timestamp(at)")


def mapped(lines: DataFrame, mapping: InteractionsMapping) -> DataFrame:
    """The canonical columns of lines that have a ``row_id``."""
    source = SourceSettings(name="shop", landing="nowhere", interactions=mapping)
    columns = interaction_columns(source, CONTRACT, F.col("row_id"))
    return lines.select(*[column.alias(name) for name, column in columns.items()])


def test_the_least_mapping_gives_every_column_of_the_contract_typed(spark: SparkSession) -> None:
    lines = spark.createDataFrame(
        [("r1", "u", "a7", "2011-12-09 23:59:59")], "row_id string, who string, what string, at string"
    )

    events = mapped(lines, MINIMAL)

    assert {field.name: field.dataType.simpleString() for field in events.schema} == {
        name: column.type for name, column in CONTRACT.columns.items()
    } | {"account_id": "string"}
    expected = spark.sql(
        "select 'r1' event_id, 'u' user_id, 'A7' item_id, 'purchase' event_type, "
        "timestamp '2011-12-09 23:59:59' event_time, timestamp '2011-12-09 23:59:59' known_time, "
        "date '2011-12-09' event_date, cast(null as string) session_id, 'organic' scene, "
        "cast(null as string) search_id, cast(null as int) position, cast(null as double) quantity, "
        "cast(null as double) unit_price, cast(null as double) discount, cast(null as string) promotion, "
        "cast(null as string) country, cast(null as boolean) is_bot, 'shop' source, "
        "cast(null as string) account_id, cast(null as string) visitor_id, cast(null as boolean) names_bot, "
        "cast(null as long) line_hash, cast(null as array<string>) outliers"
    )
    assert_df_equality(events, expected, ignore_nullable=True, ignore_column_order=True)


def test_an_event_is_known_when_the_source_says_and_never_before_it_happens(spark: SparkSession) -> None:
    sent = ["2026-01-03 09:00", "2025-12-31 23:00", None, ""]
    rows = [(f"r{n}", "2026-01-01 10:00", time) for n, time in enumerate(sent)]
    lines = spark.createDataFrame(rows, "row_id string, at string, sent string")
    mapping = InteractionsMapping(user_id="'u'", item_id="'a'", event_time="at", known_time="sent")

    known = mapped(lines, mapping).orderBy("event_id").select(F.date_format("known_time", "MM-dd HH:mm"))

    assert [row[0] for row in known.collect()] == ["01-03 09:00", "01-01 10:00", "01-01 10:00", "01-01 10:00"]


def test_identifiers_are_trimmed_and_empty_ones_are_missing(spark: SparkSession) -> None:
    lines = spark.createDataFrame(
        [("r1", " u 1 ", " a "), ("r2", "", "  "), ("r3", None, None)], "row_id string, who string, what string"
    )
    mapping = InteractionsMapping(user_id="who", item_id="what", event_time="current_timestamp()")

    ids = mapped(lines, mapping).orderBy("event_id").select("user_id", "item_id")

    assert [tuple(row) for row in ids.collect()] == [("u 1", "a"), (None, None), (None, None)]


def test_session_and_event_ids_come_from_the_source_and_the_event_id_else_from_the_line(spark: SparkSession) -> None:
    lines = spark.createDataFrame(
        [("r1", "s1", "e1"), ("r2", " ", ""), ("r3", None, "e3")], "row_id string, session string, id string"
    )
    mapping = InteractionsMapping(
        user_id="'u'", item_id="'a'", event_time="current_timestamp()", session_id="session", event_id="id"
    )

    ids = mapped(lines, mapping).select("event_id", "session_id")

    assert sorted(tuple(row) for row in ids.collect()) == [("e1", "s1"), ("e3", None), ("r2", None)]


def test_a_text_that_cannot_be_read_is_told_from_a_missing_one(spark: SparkSession) -> None:
    mapping = MINIMAL.model_copy(update={"event_time": "at", "quantity": "pieces", "unit_price": "price"})
    cases = {
        ("2011-12-09 12:50:00", "7", "1.25"): [],
        ("2011-12-09 12:50:00", None, None): [],
        ("2011-12-09 12:50:00", "", "  "): [],
        ("9 December", "many", "1,25"): ["event_time", "quantity", "unit_price"],
        ("2011-12-09", "1.75", "0"): [],
        ("2011-12-09", "1e999", "0"): ["quantity"],
        ("2011-12-09", "-7", "nan"): ["unit_price"],
        ("2011-12-09", "0", "-Infinity"): ["unit_price"],
    }
    lines = spark.createDataFrame([*cases], "at string, pieces string, price string")

    named = lines.select("*", names_where(unreadable_columns(lines, mapping, CONTRACT)).alias("reasons")).collect()

    assert {(row.at, row.pieces, row.price): sorted(row.reasons) for row in named} == cases


def test_a_time_that_the_pattern_does_not_read_is_told_from_a_missing_one(spark: SparkSession) -> None:
    pattern = "case when kind = 'a' then to_timestamp(concat(day, ' ', hour), 'MM/dd/yyyy HH:mm') end"
    lines = spark.createDataFrame(
        [("a", "12/1/2010", "8:26"), ("a", "12/10/2010", "08:26"), ("a", None, " "), ("a", "12/10/2010", None)],
        "kind string, day string, hour string",
    )
    unreadable = unreadable_columns(lines, MINIMAL.model_copy(update={"event_time": pattern}), CONTRACT)["event_time"]

    assert [row[0] for row in lines.select(unreadable).collect()] == [True, False, False, True]


@pytest.mark.parametrize(
    ("section", "expression", "cause"),
    [
        ("interactions", "upper(StockKode)", "StockKode"),
        ("items", "trim(StockCode", "Syntax error"),
        ("interactions", "to_moment(StockCode)", "to_moment"),
        ("interactions", "max(StockCode)", "aggregate function"),
        ("refuse", "StockCode", "BOOLEAN"),
    ],
    ids=["unknown column", "no expression", "unknown function", "aggregate", "condition that is none"],
)
def test_a_wrong_expression_names_its_key_its_cause_and_the_landed_columns(
    spark: SparkSession, section: str, expression: str, cause: str
) -> None:
    lines = spark.createDataFrame([], "StockCode string, CustomerID string, _source_file string")

    with pytest.raises(ConfigurationError) as error:
        check_expressions(lines, section, {"good": "StockCode = CustomerID", "wrong": expression})

    first, *rest = str(error.value).splitlines()
    assert first.startswith(f"{section}.wrong: `{expression}` cannot be ")
    assert cause in first
    assert rest == ["  landed columns: StockCode, CustomerID"]


def test_only_the_expressions_that_the_source_gives_are_mapped() -> None:
    assert given(MINIMAL) == {
        "user_id": "who",
        "item_id": "upper(what)",
        "event_time": "to_timestamp(at)",
        "event_type": "'purchase'",
        "scene": "'organic'",
    }
