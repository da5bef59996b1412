from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from sparkrec.cleaning.outliers import MIN_VALUES, with_outliers
from sparkrec.contracts import OutlierRule

PIECES = OutlierRule(name="pieces_far_out", column="quantity", spreads=3, description="")
PRICE = OutlierRule(name="price_far_out", column="unit_price", spreads=2, description="")


def day(spark: SparkSession, name: str, quantities: list[int | None], price: float = 1.0) -> DataFrame:
    """Events of one day, numbered; only the last one has another price than 1."""
    last = len(quantities) - 1
    rows = [(f"{name} {n}", name, q, price if n == last else 1.0) for n, q in enumerate(quantities)]
    return spark.createDataFrame(rows, "event_id string, event_date string, quantity int, unit_price double")


def judged(events: DataFrame, *rules: OutlierRule) -> dict[str, list[str]]:
    """What is found of the events that have anything."""
    found = with_outliers(events.withColumn("outliers", F.lit(None).cast("array<string>")), rules)
    assert found.where("outliers is null").isEmpty()
    return {row.event_id: row.outliers for row in found.where("size(outliers) > 0").collect()}


def test_a_value_is_far_out_beyond_three_spreads_of_its_day_on_a_logarithmic_scale(spark: SparkSession) -> None:
    # Quartiles 2 and 8: a factor of 4 between them, so that 8 * 4 ** 3 = 512 is the bound.
    usual = [2] * 20 + [4] * 20 + [8] * 20
    events = day(spark, "a", [*usual, 511]).union(day(spark, "b", [*usual, 513]))

    assert judged(events, PIECES) == {"b 60": ["pieces_far_out"]}


def test_a_day_is_judged_by_itself(spark: SparkSession) -> None:
    many = day(spark, "sale", [900] * 30 + [1_000] * 30)
    few = day(spark, "usual", [2] * 30 + [900])

    assert judged(many.union(few), PIECES) == {"usual 30": ["pieces_far_out"]}


def test_where_half_the_values_are_the_same_the_spread_counts_as_a_factor_of_two(spark: SparkSession) -> None:
    assert judged(day(spark, "a", [1] * 40 + [8]), PIECES) == {}
    assert judged(day(spark, "a", [1] * 40 + [9]), PIECES) == {"a 40": ["pieces_far_out"]}


def test_every_rule_looks_on_its_own_and_both_ways(spark: SparkSession) -> None:
    found = judged(day(spark, "a", [1] * 40 + [99], price=0.24), PIECES, PRICE)

    assert found == {"a 40": ["pieces_far_out", "price_far_out"]}


def test_missing_and_empty_values_are_never_far_out_and_count_for_no_quartile(spark: SparkSession) -> None:
    nothing: list[int | None] = [None, 0] * 50
    events = day(spark, "a", [*nothing, *[5] * MIN_VALUES, 5_000])

    assert judged(events, PIECES) == {"a 130": ["pieces_far_out"]}


def test_a_day_with_few_values_judges_none(spark: SparkSession) -> None:
    assert judged(day(spark, "a", [1] * (MIN_VALUES - 2) + [9_999]), PIECES) == {}
    assert judged(day(spark, "a", [1] * (MIN_VALUES - 1) + [9_999]), PIECES) != {}
