import math
from typing import Any

import numpy as np
import pytest
from pyspark.sql import DataFrame, Row, SparkSession

from sparkrec.contracts import load_contract
from sparkrec.contracts.features import Feature
from sparkrec.contracts.spark import struct_type
from sparkrec.monitoring.feature_statistics import feature_statistics
from sparkrec.monitoring.value_counts import value_counts

TYPES = {
    "amount": "double",
    "pieces": "long",
    "gift": "boolean",
    "words": "array<string>",
    "history": "array<int>",
    "facts": "map<string,string>",
    "country": "string",
    "user_index": "int",
    "street": "string",
    "never": "double",
}
TAGS = {"gift": ("categorical",), "history": ("padded",), "user_index": ("identifier", "user"), "street": ("pii",)}
ROWS: list[tuple[Any, ...]] = [
    (1.0, 10, True, ["a"], [0, 0], {"age": "7"}, "France", 7, "High", None),
    (2.0, 20, False, ["a", "b"], [0, 5], {}, "Spain", 7, "Low", None),
    (3.0, 20, True, [], [3, 4], None, "Spain", 8, "Low", None),
    (4.0, 40, None, None, [0, 0], {"age": "8"}, "", None, None, math.nan),
    (None, 50, True, ["c"], [7, 8], {"age": "9", "pay": "1"}, None, 7, "", None),
]


def feature(column: str, kind: str, *tags: str) -> Feature:
    return Feature("shop.baskets", column, kind, column, 1, "as_of", None, tags)


KNOWN = [feature(column, kind, *TAGS.get(column, ())) for column, kind in TYPES.items()]


def statistics(rows: DataFrame, known: list[Feature]) -> dict[str, Row]:
    earlier = rows.sparkSession.createDataFrame([], struct_type(load_contract("gold.feature_statistics")))
    counts = value_counts({"shop.baskets": rows}, known)
    return {row.feature: row for row in feature_statistics(counts, known, earlier).collect()}


@pytest.fixture(scope="module")
def found(spark: SparkSession) -> dict[str, Row]:
    """Statistics of one feature of each kind."""
    schema = ", ".join(f"{column} {kind}" for column, kind in TYPES.items())
    return statistics(spark.createDataFrame(ROWS, schema), KNOWN)


def test_every_feature_is_described_over_all_rows(found: dict[str, Row]) -> None:
    assert sorted(found) == sorted(TYPES)
    assert {(row.table, row.version, row.rows) for row in found.values()} == {("shop.baskets", 1, 5)}


@pytest.mark.parametrize(
    ("column", "fill_rate"),
    [
        ("amount", 0.8),
        ("pieces", 1.0),
        ("gift", 0.8),
        ("words", 0.6),
        ("history", 0.6),
        ("facts", 0.6),
        ("country", 0.6),
        ("user_index", 0.8),
        ("street", 0.6),
        ("never", 0.0),
    ],
)
def test_neither_null_nor_empty_is_filled(found: dict[str, Row], column: str, fill_rate: float) -> None:
    assert found[column].fill_rate == fill_rate


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("amount", [1, 2, 3, 4]),
        ("pieces", [10, 20, 20, 40, 50]),
        ("gift", [0, 1, 1, 1]),
        ("words", [1, 1, 2]),
        ("history", [1, 2, 2]),
        ("facts", [1, 1, 2]),
    ],
)
def test_numbers_truths_and_sizes_have_moments_and_deciles(
    found: dict[str, Row], column: str, values: list[float]
) -> None:
    row = found[column]

    assert row.mean == pytest.approx(np.mean(values), rel=1e-15)
    assert row.standard_deviation == pytest.approx(np.std(values), rel=1e-15)
    assert row.quantiles == np.quantile(values, np.arange(11) / 10, method="inverted_cdf").tolist()
    assert (row.distinct_values, row.frequent_values, row.frequent_share) == (None, None, None)


def test_texts_have_their_most_frequent_values(found: dict[str, Row]) -> None:
    row = found["country"]

    assert (row.distinct_values, row.frequent_values, row.frequent_share) == (2, ["Spain", "France"], 2 / 3)
    assert (row.mean, row.standard_deviation, row.quantiles) == (None, None, None)


@pytest.mark.parametrize(("column", "distinct", "share"), [("user_index", 2, 0.75), ("street", 2, 2 / 3)])
def test_nobody_stands_among_the_frequent_values(
    found: dict[str, Row], column: str, distinct: int, share: float
) -> None:
    row = found[column]

    assert (row.distinct_values, row.frequent_values, row.frequent_share) == (distinct, None, share)
    assert row.mean is None


def test_what_is_never_there_has_only_its_fill_rate(found: dict[str, Row]) -> None:
    row = found["never"]

    assert (row.mean, row.standard_deviation, row.quantiles, row.frequent_values) == (None, None, None, None)


def test_a_table_without_rows_is_described_all_the_same(spark: SparkSession) -> None:
    known = [feature("amount", "double"), feature("country", "string")]
    found = statistics(spark.createDataFrame([], "amount double, country string"), known)

    assert {name: (row.rows, row.fill_rate, row.mean) for name, row in found.items()} == {
        "amount": (0, None, None),
        "country": (0, None, None),
    }


def test_the_ten_most_frequent_values_come_by_value_where_they_tie(spark: SparkSession) -> None:
    texts = [*"aaabb", *"zyxwvutsrq"]
    found = statistics(spark.createDataFrame([(text,) for text in texts], "country string"), [KNOWN[6]])

    assert found["country"].frequent_values == [*"abqrstuvwx"]
    assert found["country"].distinct_values == 12


def test_numbers_count_to_four_digits(spark: SparkSession) -> None:
    exact = [0.0, -0.0, 7.0, 9999.0, 12.34, 0.07, 1e-12, -1.1, 1e15]
    given = [*exact, 12345.678, -0.00123456, 123456789.0, 99999.9, math.inf, -math.inf, math.nan]
    rows = spark.createDataFrame([(number,) for number in given], "amount double")
    counted = value_counts({"shop.baskets": rows}, [KNOWN[0]]).orderBy("number").collect()

    assert [(row.number, row.rows) for row in counted] == [
        (None, 3),
        (-1.1, 1),
        (-0.001235, 1),
        (0.0, 2),
        (1e-12, 1),
        (0.07, 1),
        (7.0, 1),
        (12.34, 1),
        (9999.0, 1),
        (12350.0, 1),
        (100000.0, 1),
        (123500000.0, 1),
        (1e15, 1),
    ]


def test_the_order_of_the_rows_is_of_no_account(spark: SparkSession) -> None:
    numbers = np.random.default_rng(1).lognormal(3, 4, 2_000)
    rows = spark.createDataFrame([(float(number),) for number in numbers], "amount double")
    once = statistics(rows.coalesce(1), [KNOWN[0]])
    again = statistics(rows.repartition(5, "amount").sortWithinPartitions("amount"), [KNOWN[0]])

    assert once == again
    assert once["amount"].quantiles == pytest.approx(np.quantile(numbers, np.arange(11) / 10), rel=0.05)
    assert once["amount"].mean == pytest.approx(numbers.mean(), rel=1e-3)
