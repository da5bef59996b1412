import hashlib
import itertools
from collections import Counter
from pathlib import Path

import pytest
from pyarrow import parquet as pq
from pyspark.sql import DataFrame, SparkSession

from sparkrec.shards.manifest import Dataset
from sparkrec.shards.write import describe_datasets, write_dataset

ROWS = 1003
Row = tuple[int, tuple[int, ...]]


@pytest.fixture(scope="module")
def rows(spark: SparkSession) -> DataFrame:
    """Rows with their number, which is the key, and two lists; every third row occurs twice but for its key."""
    numbers = spark.range(ROWS).coalesce(1)
    return numbers.selectExpr(
        "concat('e', lpad(id, 5, '0')) as event_id",
        "cast(if(id % 3 = 1, id - 1, id) as int) as number",
        "array(cast(id % 5 as int), 7, 0) as history",
    )


def _write(
    spark: SparkSession, rows: DataFrame, root: Path, seed: int = 1, groups: int = 5, ranks: int = 2, total: int = ROWS
) -> Dataset:
    write_dataset(rows, total, str(root), "train", "event_id", groups=groups, ranks=ranks, seed=seed)
    return describe_datasets(spark, str(root), ["train"])["train"]


def _read(root: Path, data: Dataset) -> list[list[Row]]:
    tables = [pq.read_table(root / data.folder / file.name).to_pydict() for file in data.files]
    return [
        [(number, tuple(history)) for number, history in zip(table["number"], table["history"], strict=True)]
        for table in tables
    ]


@pytest.fixture(scope="module")
def written(spark: SparkSession, rows: DataFrame, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Dataset]:
    root = tmp_path_factory.mktemp("shards")
    return root, _write(spark, rows, root)


def test_every_row_is_written_exactly_once(rows: DataFrame, written: tuple[Path, Dataset]) -> None:
    root, data = written

    found = Counter(row for part in _read(root, data) for row in part)

    assert found == Counter((row.number, tuple(row.history)) for row in rows.collect())
    assert data.rows == ROWS


def test_the_key_is_not_written_and_the_columns_are_described(written: tuple[Path, Dataset]) -> None:
    root, data = written

    assert data.columns == {"number": "int32", "history": "list<element: int32>"}
    assert pq.read_schema(root / data.folder / data.files[0].name).names == ["number", "history"]


def test_files_are_of_one_row_group_nearly_equal_and_a_multiple_of_the_ranks(written: tuple[Path, Dataset]) -> None:
    root, data = written

    assert len(data.files) == 6
    for file in data.files:
        content = (root / data.folder / file.name).read_bytes()
        metadata = pq.read_metadata(root / data.folder / file.name)
        assert (file.rows, file.row_groups) == (metadata.num_rows, 1)
        assert file.sha256 == hashlib.sha256(content).hexdigest()
    sizes = [file.rows for file in data.files]
    assert max(sizes) - min(sizes) <= 1


def test_files_of_rows_in_many_partitions_differ_by_a_row_a_partition_at_most(
    spark: SparkSession, rows: DataFrame, tmp_path: Path
) -> None:
    data = _write(spark, rows.repartition(7), tmp_path)

    sizes = [file.rows for file in data.files]
    assert sum(sizes) == ROWS
    assert max(sizes) - min(sizes) <= 7


def test_fewer_rows_than_files_are_all_written(spark: SparkSession, rows: DataFrame, tmp_path: Path) -> None:
    data = _write(spark, rows.where("event_id < 'e00003'"), tmp_path, groups=8, ranks=4, total=3)

    assert data.rows == 3
    assert sorted(number for part in _read(tmp_path, data) for number, _ in part) == [0, 0, 2]
    # A rank without rows makes no step, and so none does.
    assert data.steps(4, 1) == 0


@pytest.mark.parametrize(("groups", "ranks", "files"), [(1, 3, 3), (4, 3, 6), (4, 4, 4), (1, 1, 1)])
def test_there_are_at_least_as_many_files_as_groups_and_ranks(
    spark: SparkSession, rows: DataFrame, tmp_path: Path, groups: int, ranks: int, files: int
) -> None:
    data = _write(spark, rows, tmp_path, groups=groups, ranks=ranks)

    assert len(data.files) == files
    assert data.rows == ROWS


def test_neighbours_by_key_are_spread_within_and_over_the_files(written: tuple[Path, Dataset]) -> None:
    root, data = written

    for part in _read(root, data):
        numbers = [number for number, _ in part]
        distances = [abs(one - other) for one, other in itertools.pairwise(numbers)]
        # In a random order it is a third of all rows.
        assert sum(distances) / len(distances) > ROWS / 4
        assert 0.35 < sum(number < ROWS / 2 for number in numbers) / len(numbers) < 0.65


def test_the_same_rows_and_seed_give_the_same_bytes(
    spark: SparkSession, rows: DataFrame, tmp_path: Path, written: tuple[Path, Dataset]
) -> None:
    again = _write(spark, rows, tmp_path)

    assert [file.sha256 for file in again.files] == [file.sha256 for file in written[1].files]


def test_another_seed_gives_another_order_of_the_same_rows(
    spark: SparkSession, rows: DataFrame, tmp_path: Path, written: tuple[Path, Dataset]
) -> None:
    root, data = written

    other = _write(spark, rows, tmp_path, seed=2)

    assert {file.sha256 for file in other.files}.isdisjoint(file.sha256 for file in data.files)
    one, two = _read(root, data), _read(tmp_path, other)
    assert sorted(row for part in one for row in part) == sorted(row for part in two for row in part)
    # It is more than another order within the same files.
    assert Counter(one[0]) != Counter(two[0])


def test_what_lay_in_the_folder_is_replaced(spark: SparkSession, rows: DataFrame, tmp_path: Path) -> None:
    _write(spark, rows, tmp_path)
    few = rows.where("number < 9")

    data = _write(spark, few, tmp_path, groups=1, total=9)

    assert data.rows == few.count()
    assert sorted(path.name for path in (tmp_path / "train").glob("*.parquet")) == [file.name for file in data.files]
