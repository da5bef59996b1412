from datetime import date
from pathlib import Path

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from sparkrec.lake import Lake

TABLE = "silver.numbers"


def of_days(spark: SparkSession, **numbers: int) -> DataFrame:
    """One row a day of January, named as ``d<day>``."""
    rows = [(date(2026, 1, int(name[1:])), number) for name, number in numbers.items()]
    return spark.createDataFrame(rows, "day date, number int")


def held(lake: Lake) -> dict[int, list[int]]:
    rows = lake.read(TABLE).groupBy("day").agg(F.array_sort(F.collect_list("number")).alias("numbers")).collect()
    return {row.day.day: row.numbers for row in rows}


@pytest.fixture
def lake(spark: SparkSession, tmp_path: Path) -> Lake:
    lake = Lake(spark, str(tmp_path))
    lake.replace(TABLE, of_days(spark, d1=1, d2=2, d3=3), "day")
    return lake


def test_days_are_replaced_or_emptied_and_the_others_stay(spark: SparkSession, lake: Lake) -> None:
    days = {date(2026, 1, day) for day in (2, 3, 4)}
    lake.replace_days(TABLE, of_days(spark, d2=20, d4=40), "day", days)

    assert held(lake) == {1: [1], 2: [20], 4: [40]}
    assert lake.days_replaced(TABLE, 0) == days
    assert lake.days_replaced(TABLE, 1) == set()

    lake.replace_days(TABLE, of_days(spark, d5=5), "day", {date(2026, 1, 5)})

    assert lake.days_replaced(TABLE, 0) == days | {date(2026, 1, 5)}
    assert lake.days_replaced(TABLE, 1) == {date(2026, 1, 5)}


def test_a_commit_of_another_kind_may_have_changed_any_day(spark: SparkSession, lake: Lake) -> None:
    lake.replace_days(TABLE, of_days(spark, d5=5), "day", {date(2026, 1, 5)})
    lake.replace(TABLE, of_days(spark, d1=1))
    assert lake.days_replaced(TABLE, 0) is None
    assert lake.days_replaced(TABLE, 2) == set()


def test_rows_of_other_days_are_refused(spark: SparkSession, lake: Lake) -> None:
    with pytest.raises(Exception, match="REPLACE_WHERE_MISMATCH"):
        lake.replace_days(TABLE, of_days(spark, d6=6), "day", {date(2026, 1, 5)})
    assert held(lake) == {1: [1], 2: [2], 3: [3]}
