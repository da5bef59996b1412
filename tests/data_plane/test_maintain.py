import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from odd_name import ODD_NAME
from pyspark.sql import SparkSession

from sparkrec.contracts import load_contract
from sparkrec.contracts.spark import conform, struct_type
from sparkrec.lake import Lake
from sparkrec.steps.maintain import maintain
from sparkrec.steps.runs import RUNS


def test_versions_that_no_run_names_go_and_those_that_count_stay(spark: SparkSession, tmp_path: Path) -> None:
    lake = Lake(spark, str(tmp_path / ODD_NAME))
    for number in range(4):
        lake.replace("silver.items", spark.range(number, number + 10, 1, 2))
        lake.replace("silver.users", spark.range(number, number + 10, 1, 2))
        lake.append("bronze.shop", spark.range(number, number + 1, 1, 1), f"delivery {number}")
    run_of(lake, "clean", datetime.now(UTC) - timedelta(days=3), inputs={"silver.items": 0})
    run_of(lake, "clean", datetime.now(UTC) - timedelta(days=2), inputs={"silver.items": 1})
    run_of(lake, "report", datetime.now(UTC) - timedelta(days=2), inputs={"silver.items": 3, "bronze.shop": 3})
    said: list[str] = []

    removed = maintain(lake.root, spark, timedelta(0), said.append)

    assert "silver.users" in removed
    assert "silver.items: versions from 1 on stay, which a run that counts has named" in said
    assert sorted(row.id for row in lake.read("silver.items", 1).collect()) == [*range(1, 11)]
    users = lake.read("silver.users")
    assert sorted(row.id for row in users.collect()) == [*range(3, 13)]
    assert len([*(tmp_path / ODD_NAME / "silver/users").glob("*.parquet")]) == len(users.inputFiles())
    assert sorted(row.id for row in lake.read("bronze.shop").collect()) == [0, 1, 2, 3]
    assert len(lake.read("bronze.shop").inputFiles()) == 1


def test_who_asks_for_one_user_reads_one_file_after_the_maintenance(spark: SparkSession, tmp_path: Path) -> None:
    lake, contract = Lake(spark, str(tmp_path / ODD_NAME)), load_contract("gold.user_profiles")
    spread = spark.range(4_000).selectExpr("date '2026-01-01' as_of", "sha2(cast(id as string), 256) user_id")
    lake.replace(contract.table, spread.repartition(4), looked_up_by=contract.looked_up_by)
    one = spread.orderBy("user_id").collect()[2_000]
    files_before = files_that_may_hold(lake, contract.table, one.user_id)

    # Else so few rows would lie in one file.
    spark.conf.set("spark.databricks.delta.optimize.maxFileSize", 100_000)
    try:
        maintain(lake.root, spark, timedelta(days=1), lambda line: None)
        clustered = set(lake.read(contract.table).inputFiles())
        maintain(lake.root, spark, timedelta(days=1), lambda line: None)
    finally:
        spark.conf.unset("spark.databricks.delta.optimize.maxFileSize")

    # What is in order already is not written again.
    assert set(lake.read(contract.table).inputFiles()) == clustered
    assert len(clustered) > 1
    assert (files_before, files_that_may_hold(lake, contract.table, one.user_id)) == (4, 1)
    assert lake.read(contract.table).exceptAll(spread).isEmpty()


def files_that_may_hold(lake: Lake, table: str, user: str) -> int:
    """How many files a query for the user reads, by what Delta noted of them."""
    stats: dict[str, Any] = {}
    for commit in sorted((Path(lake.path(table)) / "_delta_log").glob("*.json")):
        for action in map(json.loads, commit.read_text(encoding="utf-8").splitlines()):
            if "remove" in action:
                stats.pop(action["remove"]["path"], None)
            elif "add" in action:
                stats[action["add"]["path"]] = json.loads(action["add"]["stats"])
    return sum(of["minValues"]["user_id"] <= user <= of["maxValues"]["user_id"] for of in stats.values())


def run_of(lake: Lake, job: str, started: datetime, inputs: dict[str, int]) -> None:
    """Write a run of the job down."""
    row: dict[str, Any] = {
        "run_id": "r",
        "job": job,
        "run_date": None,
        "started_at": started,
        "seconds": 1.0,
        "outcome": "done",
        "inputs": inputs,
        "outputs": {},
        "counts": {},
        "message": None,
        "settings": "s",
        "code_version": "v",
    }
    contract = load_contract(RUNS)
    rows = lake.spark.createDataFrame([row], struct_type(contract))
    lake.append(RUNS, conform(rows, contract), f"{job} {started}")
