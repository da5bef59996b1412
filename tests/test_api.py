"""The Python API: tables with and without Spark, lists, settings."""

import subprocess
import sys
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pytest
from pyspark.sql import SparkSession

import sparkrec
from sparkrec.errors import ConfigurationError, DataError
from sparkrec.lake import Lake
from sparkrec.snapshot import snapshot

DAY = date(2026, 1, 2)


@pytest.fixture(scope="module")
def root(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A lake with a published list, a table of all types by days, and one with names that Parquet does not allow."""
    lake = Lake(spark, str(tmp_path_factory.mktemp("lake")))
    lists = [(DAY, shelf, user, rank, f"i{rank}", 1.0 / rank) for shelf in "ab" for user in "uv" for rank in (2, 1)]
    columns = "run_date date, shelf string, user_id string, rank int, item_id string, score double"
    lake.replace("gold.recommendations", spark.createDataFrame(lists, columns))
    pairs = [("i1", 2, "i3"), ("i1", 1, "i2"), ("i2", 1, "i1")]
    near = spark.createDataFrame(pairs, "item_id string, rank int, similar_item_id string")
    lake.replace("gold.similar_items", near)
    typed = spark.sql(
        "select date'2026-01-02' as event_date, timestamp'2026-01-02 03:04:05.678901' as at, 7L as large, "
        "1.5D as double, cast(2.50 as decimal(10, 2)) as money, array(1.0F, 2.0F) as vector, map('k', 1) as pairs, "
        "struct('x' as name) as inner, true as yes, cast(null as string) as nothing"
    )
    lake.replace("silver.typed", typed, interval="event_date")
    vectors = spark.createDataFrame([("i1", [0.0, 1.0]), ("i2", None)], "item_id string, session_vector array<float>")
    lake.replace("features.item_vectors", vectors)
    odd = spark.createDataFrame([("1", "a")], "`Customer ID` string, `a;b` string")
    lake.append("bronze.shop", odd, "first")
    return lake.root


def test_a_lake_names_its_tables(root: str) -> None:
    lake = sparkrec.open_lake(root + "/")
    assert lake.tables() == [
        "bronze.shop",
        "silver.typed",
        "features.item_vectors",
        "gold.recommendations",
        "gold.similar_items",
    ]
    assert repr(lake) == f"sparkrec.open_lake({root!r})"


def test_a_folder_without_tables_is_no_lake(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="there is no lake at"):
        sparkrec.open_lake(str(tmp_path))


def test_every_type_comes_as_it_is(root: str) -> None:
    (row,) = sparkrec.open_lake(root).arrow("silver.typed").to_pylist()
    assert row["event_date"] == DAY
    assert row["at"].replace(tzinfo=None) == datetime(2026, 1, 2, 3, 4, 5, 678901)
    assert str(row["at"].tzinfo) == "UTC"
    assert (row["large"], row["double"], row["money"]) == (7, 1.5, Decimal("2.50"))
    assert (row["vector"], row["pairs"], row["inner"]) == ([1.0, 2.0], [("k", 1)], {"name": "x"})
    assert (row["yes"], row["nothing"]) == (True, None)


def test_columns_and_conditions_choose_what_is_read(root: str) -> None:
    lake = sparkrec.open_lake(root)
    found = lake.pandas("gold.recommendations", ["item_id", "rank"], [("user_id", "==", "u"), ("rank", "<=", 1)])
    expected = pd.DataFrame({"item_id": ["i1", "i1"], "rank": [1, 1]})
    pd.testing.assert_frame_equal(found, expected, check_dtype=False)
    assert lake.arrow("gold.recommendations", where=[("user_id", "in", {"v"})]).num_rows == 4
    assert lake.arrow("gold.recommendations", where=[("rank", ">", 2)]).num_rows == 0


@pytest.mark.parametrize(
    ("comparison", "value", "rows"), [("==", 1, 4), ("!=", 1, 4), ("<", 2, 4), ("<=", 2, 8), (">", 1, 4), (">=", 1, 8)]
)
def test_comparisons(root: str, comparison: str, value: int, rows: int) -> None:
    table = f"{root}/gold/recommendations"
    assert snapshot(table).read(["rank"], [("rank", comparison, value)]).num_rows == rows


def test_mistakes_are_told(root: str) -> None:
    lake = sparkrec.open_lake(root)
    with pytest.raises(DataError, match="no column colour; the table has run_date, shelf"):
        lake.pandas("gold.recommendations", ["colour"])
    with pytest.raises(DataError, match="no comparison 'like'; one of =="):
        lake.pandas("gold.recommendations", where=[("user_id", "like", "u%")])
    with pytest.raises(DataError, match="there is no table at"):
        lake.pandas("gold.nothing")
    with pytest.raises(DataError, match="cannot be read at version 9"):
        lake.pandas("gold.recommendations", version=9)


def test_names_that_parquet_does_not_allow_are_the_tables_own(root: str) -> None:
    assert sparkrec.open_lake(root).arrow("bronze.shop").to_pylist() == [{"Customer ID": "1", "a;b": "a"}]


def test_polars_and_spark_have_the_same_rows(root: str, spark: SparkSession) -> None:
    lake = sparkrec.open_lake(root)
    told = lake.polars("gold.similar_items").sort("item_id", "rank").rows()
    assert told == [("i1", 1, "i2"), ("i1", 2, "i3"), ("i2", 1, "i1")]
    assert [tuple(row) for row in lake.spark("gold.similar_items", spark).orderBy("item_id", "rank").collect()] == told


def test_lists_neighbours_and_vectors(root: str) -> None:
    lake = sparkrec.open_lake(root)
    assert list(lake.lists("u")[["shelf", "rank"]].itertuples(index=False, name=None)) == [
        ("a", 1),
        ("a", 2),
        ("b", 1),
        ("b", 2),
    ]
    assert lake.lists("u", shelf="b")["item_id"].tolist() == ["i1", "i2"]
    assert lake.lists("nobody").empty
    assert lake.similar_items("i1")["rank"].tolist() == [1, 2]
    vectors = lake.vectors("items")
    assert vectors["item_id"].tolist() == ["i1"]
    assert vectors["vector"][0].tolist() == [0.0, 1.0]


def test_settings_are_those_of_the_command_line() -> None:
    settings = sparkrec.settings("online_retail", lake="lake", overrides=["seed=3"])
    assert (settings.source.name, settings.seed, settings.env) == ("online_retail", 3, "local")


def test_a_project_that_is_not_there_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="there is no folder /no/such"):
        sparkrec.use_project("/no/such")


def test_to_read_a_table_imports_no_spark(root: str) -> None:
    code = (
        "import sys, sparkrec\n"
        f"lake = sparkrec.open_lake({root!r})\n"
        "print(len(lake.pandas('gold.recommendations')), len(lake.lists('u')))\n"
        "print(sorted({'pyspark', 'py4j', 'delta', 'tensorflow'} & {*sys.modules}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.split("\n")[:2] == ["8 4", "[]"]
