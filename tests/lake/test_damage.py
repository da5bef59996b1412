"""What is said of files of a lake that are damaged."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from odd_name import ODD_NAME
from pyspark.sql import SparkSession

from sparkrec.errors import DataError
from sparkrec.lake import Lake, files
from sparkrec.lake.damage import damage_of_files, damage_of_tables
from sparkrec.lake.delta_log import check_commit

CUTS: dict[str, Callable[[bytes], bytes]] = {
    "within a line": lambda content: content[:-40],
    "behind a line": lambda content: content[: content.rstrip(b"\n").rfind(b"\n") + 1],
    "all of it": lambda content: b"",
}


@pytest.fixture(scope="module")
def written(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Lake:
    lake = Lake(spark, str(tmp_path_factory.mktemp("damage") / ODD_NAME))
    rows = spark.range(20).selectExpr("id", "date '2026-01-01' + cast(id % 2 as int) as day")
    lake.replace("gold.a", rows, "day")
    lake.append("gold.a", rows.limit(3), "more")
    return lake


@pytest.fixture
def lake(written: Lake, tmp_path: Path) -> Lake:
    shutil.copytree(written.root, tmp_path / ODD_NAME)
    return Lake(written.spark, str(tmp_path / ODD_NAME))


@pytest.mark.parametrize("cut", CUTS)
def test_a_newest_commit_that_lacks_a_part_is_named(lake: Lake, cut: str) -> None:
    check_commit(lake.path("gold.a"), 1)
    entry = Path(lake.path("gold.a"), "_delta_log", f"{1:020d}.json")
    entry.write_bytes(CUTS[cut](entry.read_bytes()))

    with pytest.raises(DataError) as found:
        check_commit(lake.path("gold.a"), 1)

    assert str(found.value).startswith(f"{entry} is damaged: a part of this commit is missing. If it is the newest")


def test_files_of_tables_that_are_gone_or_cut_off_are_named(lake: Lake) -> None:
    root, tables = lake.root, ["gold.none", "gold.a"]
    assert list(damage_of_tables(root, tables)) == []
    first, second = sorted(Path(lake.path("gold.a")).glob("day=*/*.parquet"))[:2]
    size = first.stat().st_size
    first.write_bytes(first.read_bytes()[:-10])
    second.unlink()

    told = sorted(damage_of_tables(root, tables))

    assert told[0].startswith(f"{first} has {size - 10:,} of {size:,} bytes: bring it back from a backup, or remove")
    assert told[1].startswith(f"{second} is missing: ")


def test_arrays_tables_and_json_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    folder = str(tmp_path / "models")
    files.write_arrays(f"{folder}/knn/arrays.npz", {"scores": np.arange(100)})
    files.write_table(f"{folder}/knn/items/0.parquet", [pa.table({"item_index": [1, 2]})])
    files.write_bytes(f"{folder}/current.json", json.dumps({"versions": {}}).encode())
    assert list(damage_of_files(folder)) == list(damage_of_files(f"{folder}/nowhere")) == []
    for name in ("knn/arrays.npz", "knn/items/0.parquet", "current.json"):
        path = tmp_path / "models" / name
        path.write_bytes(path.read_bytes()[:-9])

    removed = {"current.json": "it", "knn/arrays.npz": "it", "knn/items/0.parquet": f"the folder {folder}/knn"}
    assert sorted(damage_of_files(folder)) == [
        f"{folder}/{name} is damaged: remove {what} and run `sparkrec run` again, which makes what it held again"
        for name, what in removed.items()
    ]
