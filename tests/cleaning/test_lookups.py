import pytest
from pyspark.sql import DataFrame, SparkSession

from sparkrec.cleaning.lookups import ambiguous_keys, with_lookup
from sparkrec.errors import ConfigurationError


@pytest.fixture
def lines(spark: SparkSession) -> DataFrame:
    return spark.createDataFrame(
        [("1", "mug", "north"), ("2", "tin", "north"), ("3", None, "north"), ("4", "mug", "south")],
        "line string, item string, store string",
    )


def test_each_line_gets_the_row_of_its_key_and_no_line_is_lost_or_doubled(
    spark: SparkSession, lines: DataFrame
) -> None:
    rows = [("mug", "Red mug", None), ("mug", "Red mug", None), ("bag", "Bag", "Acme"), (None, "Nothing", None)]
    products = spark.createDataFrame(rows, "item string, `the title` string, brand string")

    found = with_lookup(lines, "product", products, ["item"])

    assert found.columns == ["line", "item", "store", "product"]
    titles = found.selectExpr("line", "product.`the title` title").collect()
    assert sorted((row.line, row.title) for row in titles) == [
        ("1", "Red mug"), ("2", None), ("3", None), ("4", "Red mug"),
    ]  # fmt: skip


def test_of_rows_that_differ_the_smallest_counts_whatever_their_order(spark: SparkSession, lines: DataFrame) -> None:
    rows = [("mug", "north", "9"), ("mug", "north", "5"), ("mug", "north", "5"), ("mug", "south", "7")]
    for order in (rows, rows[::-1]):
        promotions = spark.createDataFrame(order, "item string, store string, place string")

        found = with_lookup(lines, "promotion", promotions, ["item", "store"]).selectExpr("line", "promotion.place")

        assert dict(found.collect()) == {"1": "5", "2": None, "3": None, "4": "7"}
        assert ambiguous_keys(promotions, ["item", "store"]) == 1


def test_a_key_that_line_or_lookup_lack_is_named(spark: SparkSession, lines: DataFrame) -> None:
    products = spark.createDataFrame([("mug", "Red mug")], "item string, title string")

    with pytest.raises(ConfigurationError, match=r"^lookups\.product\.key: lookup product has no store; it has item"):
        with_lookup(lines, "product", products, ["item", "store"])
    with pytest.raises(ConfigurationError, match=r"^lookups\.product\.key: the line has no sku; it has line, item, st"):
        with_lookup(lines, "product", products, ["sku"])
    with pytest.raises(ConfigurationError, match=r"^lookups\.item: the line has a column of this name"):
        with_lookup(lines, "item", products, ["item"])
