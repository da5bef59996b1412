import pytest
from pyspark.sql import DataFrame, SparkSession

from sparkrec.cleaning.lookups import ambiguous_keys, with_lookups
from sparkrec.config.settings import LookupSettings
from sparkrec.errors import ConfigurationError


def lookup(key: list[str] | dict[str, str], **further: str) -> LookupSettings:
    return LookupSettings.model_validate({"landing": "nowhere", "key": key, **further})


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

    found = with_lookups(lines, {"product": lookup(["item"])}, {"product": products})

    assert found.columns == ["line", "item", "store", "product"]
    titles = found.selectExpr("line", "product.`the title` title").collect()
    assert sorted((row.line, row.title) for row in titles) == [
        ("1", "Red mug"), ("2", None), ("3", None), ("4", "Red mug"),
    ]  # fmt: skip


def test_of_rows_that_differ_the_smallest_counts_whatever_their_order(spark: SparkSession, lines: DataFrame) -> None:
    rows = [("mug", "north", "9"), ("mug", "north", "5"), ("mug", "north", "5"), ("mug", "south", "7")]
    settings = lookup(["item", "store"])
    for order in (rows, rows[::-1]):
        promotions = spark.createDataFrame(order, "item string, store string, place string")

        found = with_lookups(lines, {"promotion": settings}, {"promotion": promotions})

        assert dict(found.selectExpr("line", "promotion.place").collect()) == {"1": "5", "2": None, "3": None, "4": "7"}
        assert ambiguous_keys(promotions, settings) == 1


def test_of_a_keys_rows_the_latest_counts_by_number_and_of_equals_the_smallest(
    spark: SparkSession, lines: DataFrame
) -> None:
    rows = [("mug", "9", "b"), ("mug", "10", "z"), ("mug", "10", "y"), ("mug", None, "a"), ("tin", None, "t")]
    prices = spark.createDataFrame(rows, "item string, at string, price string")
    settings = lookup(["item"], latest_by="at")

    found = with_lookups(lines, {"said": settings}, {"said": prices}).selectExpr("line", "said.price")

    assert dict(found.collect()) == {"1": "y", "2": "t", "3": None, "4": "y"}
    assert ambiguous_keys(prices, settings) == 0


def test_a_file_of_properties_is_a_map_of_the_latest_value_of_each(spark: SparkSession, lines: DataFrame) -> None:
    rows = [
        ("9", "mug", "888", "old"), ("10", "mug", "888", "new"), ("3", "mug", "colour", "red"), ("3", "mug", None, "x"),
        ("3", "tin", "colour", "grey"),
    ]  # fmt: skip
    properties = spark.createDataFrame(rows, "timestamp string, item string, property string, value string")
    settings = lookup(["item"], property="property", value="value", latest_by="bigint(timestamp)")

    found = with_lookups(lines, {"said": settings}, {"said": properties})

    said = found.selectExpr("line", "said['888'] as words", "said.colour", "said.size").collect()
    assert sorted(map(tuple, said)) == [
        ("1", "new", "red", None), ("2", None, "grey", None), ("3", None, None, None), ("4", "new", "red", None),
    ]  # fmt: skip


def test_a_key_may_be_a_column_of_another_lookup_or_an_expression(spark: SparkSession, lines: DataFrame) -> None:
    rows = {
        "town": spark.createDataFrame([("oslo", "Norway")], "name string, country string"),
        "owner": spark.createDataFrame([("o1", "oslo")], "owner string, town string"),
        "shop": spark.createDataFrame([("north", "o1")], "store string, owner string"),
    }
    lookups = {"town": lookup({"name": "lower(owner.town)"}), "owner": lookup(["owner"]), "shop": lookup(["store"])}

    found = with_lookups(lines, lookups, rows).selectExpr("line", "town.country")

    assert dict(found.collect()) == {"1": "Norway", "2": "Norway", "3": "Norway", "4": None}


def test_keys_that_cannot_be_found_are_named(spark: SparkSession, lines: DataFrame) -> None:
    products = spark.createDataFrame([("mug", "a", "b")], "item string, maker string, brand string")
    makers = spark.createDataFrame([("a", "b")], "maker string, brand string")

    def refused(why: str, rows: dict[str, DataFrame], **lookups: LookupSettings) -> None:
        with pytest.raises(ConfigurationError, match=why):
            with_lookups(lines, lookups, rows)

    one = {"product": products}
    refused(r"^lookups\.product: the files have no store; they have item", one, product=lookup(["item", "store"]))
    refused(r"^lookups\.product\.key: the line has no maker; it has line, item, st", one, product=lookup(["maker"]))
    refused(r"^lookups\.item: the line has a column of this name", {"item": products}, item=lookup(["item"]))
    refused(
        r"^lookups\.product\.key\.item: `upper\(itm\)` cannot be computed", one, product=lookup({"item": "upper(itm)"})
    )
    refused(
        r"^lookups\.product\.latest_by: `max\(brand\)` cannot be used",
        one,
        product=lookup(["item"], latest_by="max(brand)"),
    )
    three = {"a": products, "b": products, "maker": makers}
    refused(
        r"^lookups\.maker\.key: the line has no maker, and the lookups a, b have it: .*`key: \{maker: a\.maker\}`",
        three, a=lookup(["item"]), b=lookup(["item"]), maker=lookup(["maker"]),
    )  # fmt: skip
    two = {"a": products, "b": makers}
    refused(
        r"^lookups: their keys need each other: a needs b; b needs a$",
        two, a=lookup({"item": "b.brand"}), b=lookup({"maker": "a.maker"}),
    )  # fmt: skip
