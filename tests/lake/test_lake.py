from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from unittest.mock import MagicMock

import pytest
from chispa import assert_df_equality
from delta.tables import DeltaTable
from odd_name import ODD_NAME
from pyspark.sql import DataFrame, SparkSession

from sparkrec.contracts import load_contract
from sparkrec.contracts.spark import struct_type
from sparkrec.errors import DataError
from sparkrec.graph import JobSpec
from sparkrec.lake import JobTables, Lake
from sparkrec.lake.delta_log import removes_with_values


@pytest.fixture
def lake(spark: SparkSession, tmp_path: Path) -> Lake:
    return Lake(spark, f"{tmp_path}/{ODD_NAME}/")


def numbers(spark: SparkSession, *values: int) -> DataFrame:
    """Rows of one number."""
    return spark.createDataFrame([(value,) for value in values], "number long")


def read(lake: Lake, table: str, version: int | None = None) -> list[int]:
    """The numbers of a table."""
    return sorted(row.number for row in lake.read(table, version).collect())


def test_tables_and_artefacts_lie_under_the_root_by_their_names(lake: Lake, tmp_path: Path) -> None:
    assert lake.path("gold.item_profiles") == f"{tmp_path}/{ODD_NAME}/gold/item_profiles"
    assert lake.path("models/current.json") == f"{tmp_path}/{ODD_NAME}/models/current.json"


def test_a_replaced_table_has_the_new_rows_and_columns_and_its_earlier_versions(
    spark: SparkSession, lake: Lake
) -> None:
    lake.replace("gold.numbers", numbers(spark, 1, 2, 3))
    lake.replace("gold.numbers", numbers(spark, 4).selectExpr("number", "'four' name"))

    expected = spark.createDataFrame([(4, "four")], "number long, name string")
    assert_df_equality(lake.read("gold.numbers"), expected, ignore_nullable=True)
    assert read(lake, "gold.numbers", version=0) == [1, 2, 3]
    assert (lake.version("gold.numbers"), lake.rows_written("gold.numbers")) == (1, 1)

    lake.restore("gold.numbers", 0)

    assert read(lake, "gold.numbers") == [1, 2, 3]
    assert lake.read("gold.numbers").columns == ["number"]
    assert lake.version("gold.numbers") == 2


def test_a_column_that_readers_looked_up_may_go(spark: SparkSession, lake: Lake) -> None:
    lake.replace("gold.numbers", numbers(spark, 1).selectExpr("number", "'a' name"), looked_up_by=["number"])

    lake.replace("gold.numbers", spark.sql("select 'b' name, 2 `place of it`"), looked_up_by=["name"])

    assert [(row.name, row[1]) for row in lake.read("gold.numbers").collect()] == [("b", 2)]
    detail = DeltaTable.forPath(spark, lake.path("gold.numbers")).detail().first()
    assert detail is not None
    assert detail.properties["delta.dataSkippingStatsColumns"] == "name"


def test_an_append_happens_once_per_transaction(spark: SparkSession, lake: Lake) -> None:
    lake.append("bronze.numbers", numbers(spark, 1, 2), "monday")
    lake.append("bronze.numbers", numbers(spark, 1, 2), "monday")
    lake.append("bronze.numbers", numbers(spark, 2).selectExpr("number", "'new' `further one`"), "tuesday")

    assert read(lake, "bronze.numbers") == [1, 2, 2]
    assert lake.read("bronze.numbers").columns == ["number", "further one"]
    assert lake.version("bronze.numbers") == 2  # One more commit lets columns have blanks.


def test_of_purged_tables_nothing_is_left_but_their_newest_rows(
    lake: Lake, spark: SparkSession, tmp_path: Path
) -> None:
    for names in (["olga", "paul"], ["nora", "olga"]):
        rows = spark.createDataFrame([(name,) for name in names], "name string").coalesce(1)
        lake.replace("silver.items", rows, looked_up_by=["name"])
    lake.restore("silver.items", 0)
    assert removes_with_values(lake.path("silver.items"), 2)
    (Path(lake.path("silver.items")) / "part-of-a-killed-job.parquet").write_bytes(b"nora")
    assert any(file.suffix == ".json" for file in holding(tmp_path, b"nora"))

    lake.purge("silver.items")

    assert holding(tmp_path, b"nora") == []
    assert sorted(row.name for row in lake.read("silver.items").collect()) == ["olga", "paul"]
    lake.replace("silver.items", lake.read("silver.items").where("name = 'paul'").localCheckpoint())
    # As `forget` does: several tables at once.
    with ThreadPoolExecutor(1) as pool:
        pool.submit(lake.purge, "silver.items").result()
    lake.purge("silver.items")
    assert holding(tmp_path, b"olga") == []
    assert [row.name for row in lake.read("silver.items").collect()] == ["paul"]


def test_a_history_that_is_needed_stays(
    lake: Lake, spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in (1, 2):
        lake.append("silver.items", numbers(spark, number), f"delivery {number}")
    # Delta says nothing where it cannot write a checkpoint.
    monkeypatch.setattr("sparkrec.lake.lake.delta_log", MagicMock())

    with pytest.raises(DataError, match=r"^silver\.items: no checkpoint of version 1 can be written"):
        lake.purge("silver.items")

    assert read(lake, "silver.items") == [1, 2]


def holding(folder: Path, text: bytes) -> list[Path]:
    """Files that hold the text."""
    return [file for file in folder.rglob("*") if file.is_file() and text in file.read_bytes()]


def test_a_missing_table_is_a_data_error_that_names_it_and_the_lake(lake: Lake) -> None:
    assert not lake.exists("silver.interactions")
    with pytest.raises(DataError) as error:
        lake.read("silver.interactions")

    assert str(error.value) == f"silver.interactions does not exist in {lake.root}: run the jobs before this one first"
    with pytest.raises(DataError, match=r"silver\.interactions does not exist"):
        lake.version("silver.interactions")


def test_only_folders_with_a_version_are_tables(spark: SparkSession, lake: Lake) -> None:
    assert lake.tables() == []
    lake.replace("gold.numbers", numbers(spark, 1))
    lake.replace("bronze.numbers", numbers(spark, 1))
    (Path(lake.root) / "gold" / "no_table" / "_delta_log").mkdir(parents=True)
    (Path(lake.root) / "models" / "no_layer").mkdir(parents=True)

    assert lake.tables() == ["bronze.numbers", "gold.numbers"]


SPEC = JobSpec(
    name="count",
    description="Counts.",
    reads=("bronze.{source}", "models/current.json"),
    writes=("silver.items", "bronze.log", "shards/retrieval"),
)


@pytest.fixture
def tables(lake: Lake) -> JobTables:
    return JobTables(lake, SPEC, ["shop"])


def items(spark: SparkSession, *ids: str) -> DataFrame:
    """Rows that fit silver.items."""
    start = datetime(2011, 1, 1, tzinfo=UTC)
    rows = [(id_, start, None, None, [], None, None, None, 1.0, "shop") for id_ in ids]
    return spark.createDataFrame(rows, struct_type(load_contract("silver.items")))


def test_a_job_may_touch_only_what_its_spec_names(spark: SparkSession, tables: JobTables) -> None:
    rows = numbers(spark, 1)
    refused = {
        "read gold.item_profiles": lambda: tables.read("gold.item_profiles"),
        "read bronze.other_shop": lambda: tables.exists("bronze.other_shop"),
        "write bronze.shop": lambda: tables.append("bronze.shop", rows, "once"),
        "write gold.item_profiles": lambda: tables.replace("gold.item_profiles", rows),
        "read models/other": lambda: tables.read_artefact("models/other"),
        "write models/current.json": lambda: tables.write_artefact("models/current.json"),
    }
    for what, touch in refused.items():
        with pytest.raises(ValueError, match=f"^job count may not {what}: add it to its JobSpec"):
            touch()

    assert tables.written == tables.read_versions == {}


def test_a_job_finds_its_artefacts_in_the_lake(lake: Lake, tables: JobTables) -> None:
    assert tables.read_artefact("models/current.json") == f"{lake.root}/models/current.json"
    assert tables.write_artefact("shards/retrieval") == f"{lake.root}/shards/retrieval"


def test_a_job_reads_one_version_of_its_input_but_its_own_last_result(
    spark: SparkSession, lake: Lake, tables: JobTables
) -> None:
    with pytest.raises(DataError, match=r"bronze\.shop does not exist"):
        tables.read("bronze.shop")
    lake.replace("bronze.shop", numbers(spark, 1))
    assert tables.read("bronze.shop").count() == 1
    lake.replace("bronze.shop", numbers(spark, 1, 2))
    assert tables.read("bronze.shop").count() == 1

    assert tables.replace("silver.items", items(spark, "a", "b")) == 2
    assert tables.replace("silver.items", items(spark, "c").drop("title").selectExpr("*", "'TIN' title")) == 1

    assert [(row.item_id, row.title) for row in tables.read("silver.items").collect()] == [("c", "TIN")]
    assert tables.read("silver.items").columns == [*load_contract("silver.items").columns]
    assert tables.read_versions == {"bronze.shop": 0}
    # As it was before the job.
    assert tables.written == {"silver.items": None}


def test_a_job_writes_only_what_fits_the_contract(spark: SparkSession, lake: Lake, tables: JobTables) -> None:
    with pytest.raises(
        DataError, match=r"silver\.items does not have the columns of its contract: missing columns: price"
    ):
        tables.replace("silver.items", items(spark, "a").drop("price"))

    assert not lake.exists("silver.items")


def test_a_repeated_append_of_a_job_writes_no_rows(spark: SparkSession, tables: JobTables) -> None:
    lines = numbers(spark, 1, 2).selectExpr(
        "number", "'f' _source_file", "'b' _batch_id", "current_timestamp() _ingested_at"
    )

    assert tables.append("bronze.log", lines, "monday") == 2
    assert tables.append("bronze.log", lines, "monday") == 0
    assert tables.append("bronze.log", lines.limit(1), "tuesday") == 1

    assert tables.read("bronze.log").count() == 3
    assert tables.written == {"bronze.log": None}
