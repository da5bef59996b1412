from datetime import datetime

import pytest
from pyspark.sql import Row, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import ArrayType, IntegerType, StringType, TimestampType

from sparkrec.contracts import Contract, all_contracts, load_contract
from sparkrec.contracts.spark import broken_rules, conform, struct_type
from sparkrec.errors import DataError

BASKETS = Contract.model_validate(
    {
        "table": "silver.baskets",
        "description": "Baskets.",
        "grain": "one basket",
        "people": {"forget": "nothing", "why": "Baskets of nobody."},
        "columns": {
            "basket_id": {"type": "string", "nullable": False, "description": "The basket."},
            "pieces": {"type": "int", "description": "Pieces."},
            "items": {"type": "array<string>", "description": "What is in it."},
        },
        "rules": [
            {"name": "empty", "condition": "pieces > 0", "on_failure": "quarantine", "description": "Has pieces."},
            {"name": "huge", "condition": "pieces < 1000", "on_failure": "warn", "description": "Rare."},
            {"name": "unknown", "condition": "basket_id like 'b%'", "on_failure": "quarantine", "description": "By b."},
        ],
    }
)


@pytest.mark.parametrize("contract", all_contracts(), ids=lambda contract: contract.table)
def test_every_contract_fits_a_table_of_its_own_types(spark: SparkSession, contract: Contract) -> None:
    rows = spark.createDataFrame([], struct_type(contract))

    conformed = conform(rows, contract).select("*", *map(F.expr, (rule.condition for rule in contract.rules)))

    conditions = conformed.schema.fields[len(contract.columns) :]
    assert {field.dataType.simpleString() for field in conditions} <= {"boolean"}


def test_struct_type_gives_types_nullability_and_comments(spark: SparkSession) -> None:
    schema = struct_type(BASKETS)

    assert [(field.name, field.dataType, field.nullable) for field in schema] == [
        ("basket_id", StringType(), False),
        ("pieces", IntegerType(), True),
        ("items", ArrayType(StringType()), True),
    ]
    assert schema["pieces"].metadata == {"comment": "Pieces."}


def test_conform_orders_casts_and_comments_the_columns(spark: SparkSession) -> None:
    rows = spark.createDataFrame(
        [("7", ["a"], "b1"), ("many", None, "b2")], "pieces string, items array<string>, basket_id string"
    )

    conformed = conform(rows, BASKETS)

    assert conformed.collect() == [
        Row(basket_id="b1", pieces=7, items=["a"]),
        Row(basket_id="b2", pieces=None, items=None),
    ]
    assert conformed.schema["pieces"].dataType == IntegerType()
    assert conformed.schema["pieces"].metadata == {"comment": "Pieces."}


def test_conform_names_missing_and_unexpected_columns(spark: SparkSession) -> None:
    rows = spark.createDataFrame([("b1", "x", "y")], "basket_id string, colour string, size string")

    with pytest.raises(DataError) as error:
        conform(rows, BASKETS)

    assert str(error.value) == (
        "silver.baskets does not have the columns of its contract: "
        "missing columns: pieces, items; unexpected columns: colour, size"
    )


def test_conform_keeps_the_sources_own_columns_as_and_where_they_are_in_an_open_table(spark: SparkSession) -> None:
    rows = spark.createDataFrame(
        [("1", "f.csv", "b", "2011-12-09 12:50:00")],
        "`Unit.Price ``net``` string, _source_file string, _batch_id string, _ingested_at string",
    )

    conformed = conform(rows, load_contract("bronze.any_shop"))

    assert conformed.columns == ["Unit.Price `net`", "_source_file", "_batch_id", "_ingested_at"]
    assert conformed.schema["_ingested_at"].dataType == TimestampType()
    assert tuple(conformed.collect()[0]) == ("1", "f.csv", "b", datetime(2011, 12, 9, 12, 50))


def test_broken_rules_names_all_that_a_row_breaks_in_the_contracts_order(spark: SparkSession) -> None:
    rows = spark.createDataFrame(
        [("b1", 1), ("b2", 0), ("c3", -1), ("c4", 2000), ("b5", None), (None, None)], "basket_id string, pieces int"
    )

    named = rows.select("basket_id", "pieces", broken_rules(BASKETS), broken_rules(BASKETS, "warn"))

    assert [tuple(row) for row in named.collect()] == [
        ("b1", 1, [], []),
        ("b2", 0, ["empty"], []),
        ("c3", -1, ["empty", "unknown"], []),
        ("c4", 2000, ["unknown"], ["huge"]),
        ("b5", None, ["empty"], ["huge"]),
        (None, None, ["empty", "unknown"], ["huge"]),
    ]


def test_broken_rules_is_empty_where_the_contract_has_none(spark: SparkSession) -> None:
    named = spark.range(1).select(broken_rules(BASKETS, "fail").alias("broken"))

    assert named.collect() == [Row(broken=[])]
    assert named.schema["broken"].dataType.simpleString() == "array<string>"
