from collections import Counter
from collections.abc import Sequence
from datetime import date
from typing import Any

import numpy as np
import pytest
from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql import functions as F

from sparkrec.contracts import load_contract
from sparkrec.contracts.features import Feature
from sparkrec.contracts.spark import struct_type
from sparkrec.monitoring.drift import drift_level, population_stability_index
from sparkrec.monitoring.feature_statistics import feature_statistics
from sparkrec.monitoring.value_counts import value_counts

YESTERDAY = date(2026, 1, 4)
Values = Sequence[float | str | list[int] | None]


def feature(column: str, kind: str, version: int = 1, *tags: str) -> Feature:
    return Feature("shop.baskets", column, kind, column, version, "as_of", None, tags)


def described(rows: DataFrame, known: list[Feature], earlier: DataFrame | None = None) -> DataFrame:
    if earlier is None:
        earlier = rows.sparkSession.createDataFrame([], struct_type(load_contract("gold.feature_statistics")))
    counts = value_counts({"shop.baskets": rows}, known)
    return feature_statistics(counts, known, earlier)


def drifts(spark: SparkSession, before: dict[str, Values], now: dict[str, Values], known: list[Feature]) -> list[Row]:
    """The second day's statistics, in the order of the features."""
    schema = ", ".join(f"{one.column} {one.type}" for one in known)
    days = [
        spark.createDataFrame(list(zip(*(day[one.column] for one in known), strict=True)), schema)
        for day in (before, now)
    ]
    earlier = described(days[0], known).withColumn("run_date", F.lit(YESTERDAY))
    found = {row.feature: row for row in described(days[1], known, earlier).collect()}
    return [found[one.column] for one in known]


def bins_of(values: Values, before: Values) -> list[Any]:
    """The bin of each value by plain numpy and counting: deciles of numbers, the ten most frequent of texts."""
    there = [value for value in before if value is not None]
    if any(isinstance(value, str) for value in [*values, *before]):
        counts = Counter(there)
        frequent = sorted(counts, key=lambda value: (-counts[value], value))[:10]
        return ["missing" if value is None else value if value in frequent else "other" for value in values]
    edges = np.quantile(there, np.arange(1, 10) / 10, method="inverted_cdf")
    return ["missing" if value is None else int(np.searchsorted(edges, value)) for value in values]


def oracle(before: Values, now: Values) -> float:
    then, is_ = (Counter(bins_of(values, before)) for values in (before, now))
    total = 0.0
    for one in then.keys() | is_.keys():
        expected, actual = max(then[one] / len(before), 1e-4), max(is_[one] / len(now), 1e-4)
        total += (actual - expected) * np.log(actual / expected)
    return total


def cases() -> list[tuple[Values, Values]]:
    """Days of 300 and of 250 rows: numbers with and without ties and gaps, texts of few and of many values."""
    chance = np.random.default_rng(7)
    found: list[tuple[Values, Values]] = []
    for shift in (0.0, 0.1, 0.6, 5.0):
        days = [np.round(chance.normal(place, 2, rows), 2) for place, rows in ((0, 300), (shift, 250))]
        found.append((days[0].tolist(), days[1].tolist()))
        ties = [chance.poisson(place, rows).astype(float) for place, rows in ((1, 300), (1 + shift, 250))]
        found.append((ties[0].tolist(), ties[1].tolist()))
        texts = [[f"v{value:.0f}" for value in day] for day in ties]
        found.append((texts[0], texts[1]))
        many = [[f"v{chance.zipf(1.3) % 40}" for _ in range(rows)] for rows in (300, 250)]
        found.append((many[0], many[1]))
    with_gaps = [
        tuple(
            [None if chance.random() < share else value for value in day]
            for day, share in zip(case, (0.1, 0.4), strict=True)
        )
        for case in found
    ]
    return found + [(before, now) for before, now in with_gaps]


def test_drift_is_that_of_an_oracle(spark: SparkSession) -> None:
    pairs = cases()
    kinds = ["string" if any(isinstance(value, str) for value in before) else "double" for before, _ in pairs]
    known = [feature(f"f{place:02}", kind) for place, kind in enumerate(kinds)]
    before, now = ({one.column: pair[day] for one, pair in zip(known, pairs, strict=True)} for day in (0, 1))

    rows = drifts(spark, before, now, known)

    expected = [oracle(*pair) for pair in pairs]
    assert [row.drift for row in rows] == pytest.approx(expected, rel=1e-9, abs=1e-12)
    assert {row.compared_with for row in rows} == {YESTERDAY}
    # The cases are of all levels.
    assert {row.drift_level for row in rows} == {"none", "small", "large"}


def test_the_first_day_has_bins_but_no_drift(spark: SparkSession) -> None:
    rows = spark.createDataFrame([(float(n), "ab"[n % 2]) for n in range(1, 21)], "amount double, country string")
    found = {
        row.feature: row
        for row in described(rows, [feature("amount", "double"), feature("country", "string")]).collect()
    }

    assert found["amount"].bin_shares == [0.1] * 10
    assert found["country"].bin_shares == [0.5, 0.5, *[0.0] * 8]
    for row in found.values():
        assert (row.drift, row.drift_level, row.compared_with) == (None, None, None)


def test_values_that_come_or_go_altogether_are_a_large_drift(spark: SparkSession) -> None:
    known = [feature("goes", "double"), feature("comes", "double"), feature("appears", "string")]
    before: dict[str, Values] = {"goes": [1.0, 2.0], "comes": [None, None], "appears": [None, None]}
    now: dict[str, Values] = {"goes": [None, None], "comes": [1.0, 2.0], "appears": ["a", "b"]}

    assert [row.drift_level for row in drifts(spark, before, now, known)] == ["large"] * 3


def test_identifiers_do_not_drift_but_how_many_there_are_does(spark: SparkSession) -> None:
    known = [feature("user", "int", 1, "identifier"), feature("items", "array<int>", 1, "identifier")]
    row, items = drifts(spark, {"user": [1, 2], "items": [[1], [2]]}, {"user": [3, 4], "items": [[1], [1, 2]]}, known)

    assert (row.bin_shares, row.drift, row.drift_level) == (None, None, None)
    assert items.drift_level == "large"


def test_values_of_another_version_are_not_compared(spark: SparkSession) -> None:
    rows = spark.createDataFrame([(1.0,), (2.0,)], "amount double")
    earlier = described(rows, [feature("amount", "double", 1)]).withColumn("run_date", F.lit(YESTERDAY))

    (same,) = described(rows, [feature("amount", "double", 1)], earlier).collect()
    (other,) = described(rows, [feature("amount", "double", 2)], earlier).collect()

    assert (same.drift, same.compared_with) == (0.0, YESTERDAY)
    assert (other.drift, other.compared_with) == (None, None)


def test_the_index_by_hand(spark: SparkSession) -> None:
    shares = spark.createDataFrame([([0.5, 0.5, 0.0], [0.2, 0.8, 0.0])], "was array<double>, now array<double>")
    (row,) = shares.select(population_stability_index(F.col("was"), F.col("now")).alias("index")).collect()

    assert row["index"] == pytest.approx(-0.3 * np.log(0.4) + 0.3 * np.log(1.6), rel=1e-12)


def test_levels_begin_at_their_bounds(spark: SparkSession) -> None:
    rows = spark.createDataFrame([(x,) for x in (0.0, 0.0999, 0.1, 0.2499, 0.25, 9.0, None)], "x double").coalesce(1)

    assert [row.level for row in rows.select(drift_level(F.col("x")).alias("level")).collect()] == [
        *["none", "none", "small", "small", "large", "large"],
        None,
    ]
