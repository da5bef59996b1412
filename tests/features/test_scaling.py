"""Statistics of the training part, and features scaled by them."""

import math

import pytest
from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql import functions as F

from sparkrec.contracts import load_contract
from sparkrec.contracts.features import model_inputs
from sparkrec.contracts.spark import conform
from sparkrec.features.scaling import KINDS, apply_scaling, fit_scaling


def samples(spark: SparkSession, part: str, values: list[float | None], start: int = 0) -> DataFrame:
    """Samples of one part whose numeric features all have these values."""
    rows = [(start + number, part, value) for number, value in enumerate(values)]
    frame = spark.createDataFrame(rows, "sample_id int, part string, value double")
    return frame.select("sample_id", "part", *[F.col("value").alias(name) for name in KINDS])


def by_feature(scalers: DataFrame) -> dict[str, Row]:
    return {row.feature: row for row in scalers.collect()}


@pytest.fixture(scope="module")
def train(spark: SparkSession) -> DataFrame:
    """0 to 100, and one that is missing."""
    return samples(spark, "train", [*map(float, range(101)), None])


def test_every_numeric_feature_has_its_statistics(train: DataFrame) -> None:
    contract = load_contract("features.scalers")

    fitted = by_feature(conform(fit_scaling(train), contract))

    assert fitted.keys() == KINDS.keys()
    price = fitted["item_log_price"]
    assert (price.kind, price.low, price.high) == ("standard", 1.0, 99.0)
    assert price.mean == 50.0
    assert price.standard_deviation == pytest.approx(math.sqrt((101**2 - 1) / 12))
    recency = fitted["pair_days_since"]
    assert (recency.kind, recency.boundaries) == ("buckets", [10.0, 20.0, 30.0, 40.0, 50.0, 60.0, 70.0, 80.0, 90.0])
    count = fitted["item_positives"]
    assert (count.kind, count.high) == ("log", pytest.approx(math.log1p(99)))
    assert count.mean == pytest.approx(sum(math.log1p(n) for n in range(101)) / 101)
    assert {row.version for row in fitted.values()} == {2}


def test_every_numeric_column_of_the_samples_is_scaled() -> None:
    inputs = model_inputs("numeric", "features.ranking_samples")
    assert {feature.column for feature in inputs} == KINDS.keys()


def test_what_is_held_out_moves_no_statistic(spark: SparkSession, train: DataFrame) -> None:
    validation = samples(spark, "validation", [1e6] * 500, 1_000)
    test = samples(spark, "test", [-5.0, None] * 500, 2_000)

    alone, among = fit_scaling(train), fit_scaling(validation.unionByName(train).unionByName(test))

    assert by_feature(among) == by_feature(alone)
    # The same values in the training part do.
    moved = by_feature(fit_scaling(train.unionByName(validation.withColumn("part", F.lit("train")))))
    assert all(moved[name] != row for name, row in by_feature(alone).items())


def scaled(rows: DataFrame, scalers: DataFrame) -> dict[str, list[float]]:
    found = apply_scaling(rows, scalers).orderBy("sample_id")
    return {
        name: [row[name] for row in found.collect()] for name in ("item_log_price", "item_positives", "pair_days_since")
    }


def test_values_are_clipped_standardised_and_put_in_buckets(spark: SparkSession, train: DataFrame) -> None:
    values = [0.0, 10.0, 50.0, 95.0, 1e9, None]

    found = scaled(samples(spark, "test", values), fit_scaling(train))

    deviation = math.sqrt((101**2 - 1) / 12)
    expected = [-49 / deviation, -40 / deviation, 0.0, 45 / deviation, 49 / deviation, 0.0]
    assert found["item_log_price"] == pytest.approx(expected, abs=1e-6)
    assert found["pair_days_since"] == [1, 2, 6, 10, 10, 0]
    logs = [math.log1p(n) for n in range(101)]
    mean = sum(logs) / 101
    spread = math.sqrt(sum((log - mean) ** 2 for log in logs) / 101)
    clipped = [math.log1p(min(max(value, 1), 99)) for value in values[:5] if value is not None]
    assert found["item_positives"] == pytest.approx([*((log - mean) / spread for log in clipped), 0.0], abs=1e-6)


@pytest.mark.parametrize(("values", "bucket"), [([None], 1), ([4.0, 4.0], 2)])
def test_features_without_a_value_or_of_one_alone_say_nothing(
    spark: SparkSession, values: list[float | None], bucket: int
) -> None:
    found = scaled(samples(spark, "test", [7.0, None]), fit_scaling(samples(spark, "train", values)))

    assert found == {"item_log_price": [0.0, 0.0], "item_positives": [0.0, 0.0], "pair_days_since": [bucket, 0]}
