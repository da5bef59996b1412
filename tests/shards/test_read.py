import itertools
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import tensorflow as tf
from odd_name import ODD_NAME
from pyarrow import parquet as pq
from pyspark.sql import SparkSession

from sparkrec.compat import petastorm
from sparkrec.errors import DataError
from sparkrec.lake import files
from sparkrec.shards.manifest import Dataset, ShardFile
from sparkrec.shards.read import epoch_batches
from sparkrec.shards.write import describe_datasets, write_dataset

ROWS = 101
LENGTH = 3
READ_ALL = """
import sys
from sparkrec.shards.manifest import Dataset
from sparkrec.shards.read import epoch_batches
rows = 0
dataset = Dataset.model_validate_json(sys.argv[2])
with epoch_batches(sys.argv[1], dataset, 0, 1, 1024, seed=1, drop_remainder=False) as batches:
    for batch in batches:
        rows += len(batch["number"])
(peak,) = [line for line in open("/proc/self/status") if line.startswith("VmHWM:")]
print(rows, peak.split()[1])
"""


@pytest.fixture(scope="module")
def shards(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Dataset]:
    """Rows that tell their number in every column, in files of 16 and 17 rows, and one file of none."""
    root = tmp_path_factory.mktemp("shards") / ODD_NAME
    root.mkdir()
    rows = spark.range(ROWS).selectExpr(
        "id as key",
        "cast(id as int) as number",
        "cast(id / 2 as float) as half",
        "array(cast(id as int), cast(id + 1 as int), 0) as history",
    )
    write_dataset(rows, ROWS, str(root), "train", "key", groups=6, ranks=3, seed=1)
    data = describe_datasets(spark, str(root), ["train"])["train"]
    schema = pq.read_schema(root / "train" / data.files[0].name)
    empty = _write(root / "train" / "part-empty.parquet", pa.Table.from_pylist([], schema))
    return str(root), data.model_copy(update={"files": (data.files[0], empty, *data.files[1:])})


def _write(path: Path, table: pa.Table) -> ShardFile:
    pq.write_table(table, path, row_group_size=max(len(table), 1))
    return ShardFile(name=path.name, rows=len(table), row_groups=pq.read_metadata(path).num_row_groups, sha256="")


def _dataset(root: Path, *tables: pa.Table) -> Dataset:
    """The tables as a data set, a file each."""
    (root / "train").mkdir()
    shards = [_write(root / "train" / f"part-{number}.parquet", table) for number, table in enumerate(tables)]
    columns = files.parquet_columns(f"{root}/train/part-0.parquet")
    return Dataset(folder="train", columns=columns, files=tuple(shards))


def _epoch(shards: tuple[str, Dataset], rank: int, ranks: int, **options: Any) -> list[dict[str, np.ndarray]]:
    with epoch_batches(*shards, rank, ranks, 10, **options) as batches:
        return [{name: column.numpy() for name, column in batch.items()} for batch in batches]


def _numbers(batches: list[dict[str, np.ndarray]]) -> list[int]:
    return [int(number) for batch in batches for number in batch["number"]]


@pytest.mark.parametrize("seed", [None, 5])
@pytest.mark.parametrize("ranks", [1, 2, 3, 4, 9])
def test_an_epoch_of_all_ranks_reads_every_row_exactly_once(
    shards: tuple[str, Dataset], ranks: int, seed: int | None
) -> None:
    parts = [_epoch(shards, rank, ranks, seed=seed, drop_remainder=False) for rank in range(ranks)]

    assert Counter(number for part in parts for number in _numbers(part)) == Counter(range(ROWS))
    for rank, part in enumerate(parts):
        rows = sum(file.rows for file in shards[1].of_rank(rank, ranks))
        assert [len(batch["number"]) for batch in part] == [10] * (rows // 10) + [rows % 10] * (rows % 10 > 0)


@pytest.mark.parametrize("ranks", [1, 2, 3, 4])
def test_every_rank_can_make_the_steps_that_are_agreed(shards: tuple[str, Dataset], ranks: int) -> None:
    steps = shards[1].steps(ranks, 10)

    parts = [_epoch(shards, rank, ranks, seed=5) for rank in range(ranks)]

    assert steps == min(len(part) for part in parts) > 0


def test_a_rank_whose_files_are_empty_gets_no_batches(shards: tuple[str, Dataset]) -> None:
    (empty,) = [place for place, file in enumerate(shards[1].files) if not file.rows]

    for rank in (empty, 7, 8):
        assert _epoch(shards, rank, 9, seed=5, drop_remainder=False) == []
    assert shards[1].steps(9, 10) == 0


@pytest.mark.parametrize("drop_remainder", [True, False])
@pytest.mark.parametrize("seed", [None, 5, 6])
@pytest.mark.parametrize("ranks", [1, 3])
def test_a_pass_from_a_step_on_is_the_rest_of_the_whole_one(
    shards: tuple[str, Dataset], ranks: int, seed: int | None, drop_remainder: bool
) -> None:
    for rank in range(ranks):
        whole = _epoch(shards, rank, ranks, seed=seed, drop_remainder=drop_remainder)
        assert len(whole) >= 1
        for first_step in (1, 2, len(whole) // 2, len(whole) - 1, len(whole), len(whole) + 1):
            rest = _epoch(shards, rank, ranks, seed=seed, drop_remainder=drop_remainder, first_step=first_step)

            assert len(rest) == len(whole[first_step:])
            for one, other in zip(rest, whole[first_step:], strict=True):
                assert one.keys() == other.keys()
                for name, column in one.items():
                    np.testing.assert_array_equal(column, other[name])


def test_files_before_the_first_step_are_not_read(shards: tuple[str, Dataset], monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    make = petastorm.make_batch_reader

    def recorded(urls: list[str], **options: Any) -> Any:
        opened.extend(url.rpartition("/")[2] for url in urls)
        return make(urls, **options)

    monkeypatch.setattr(petastorm, "make_batch_reader", recorded)
    rows = {file.name: file.rows for file in shards[1].files}
    _epoch(shards, 0, 1, seed=5, drop_remainder=False)
    whole = list(opened)
    assert sorted(whole) == sorted(name for name in rows if rows[name])

    for first_step in range(12):
        opened.clear()
        _epoch(shards, 0, 1, seed=5, drop_remainder=False, first_step=first_step)
        ends = itertools.accumulate(rows[name] for name in whole)
        assert opened == [name for name, end in zip(whole, ends, strict=True) if end > 10 * first_step]


def test_the_order_within_a_file_hangs_on_its_place_and_not_on_its_name(
    shards: tuple[str, Dataset], tmp_path: Path
) -> None:
    # Spark gives the files of each run other names.
    tables = [pq.read_table(Path(shards[0]) / shards[1].folder / file.name) for file in shards[1].files]

    again = _epoch((str(tmp_path), _dataset(tmp_path, *tables)), 0, 2, seed=5)

    assert _numbers(again) == _numbers(_epoch(shards, 0, 2, seed=5))


def test_files_of_equal_rows_are_not_shuffled_alike(tmp_path: Path) -> None:
    data = _dataset(tmp_path, *[pa.table({"number": pa.array(range(50), pa.int32())})] * 2)

    numbers = _numbers(_epoch((str(tmp_path), data), 0, 1, seed=5))

    assert sorted(numbers[:50]) == sorted(numbers[50:]) == list(range(50))
    assert numbers[:50] != numbers[50:]


def test_no_epoch_of_many_ends_before_its_last_files(shards: tuple[str, Dataset]) -> None:
    # Petastorm's thread pool of itself ends a quarter of such epochs early.
    for seed in range(1, 16):
        assert len(_numbers(_epoch(shards, 0, 1, seed=seed, drop_remainder=False))) == ROWS


def test_a_remainder_of_less_than_a_batch_is_left_out(shards: tuple[str, Dataset]) -> None:
    for rank in range(2):
        whole = _numbers(_epoch(shards, rank, 2, seed=5, drop_remainder=False))
        batches = _epoch(shards, rank, 2, seed=5)

        assert {len(batch["number"]) for batch in batches} == {10}
        assert len(batches) >= shards[1].steps(2, 10)
        assert _numbers(batches) == whole[: len(whole) // 10 * 10]


def test_columns_come_as_vectors_and_list_columns_as_matrices(shards: tuple[str, Dataset]) -> None:
    for batch in _epoch(shards, 0, 1, seed=5, drop_remainder=False):
        rows = len(batch["number"])
        assert {name: (column.shape, column.dtype) for name, column in batch.items()} == {
            "number": ((rows,), np.int32),
            "half": ((rows,), np.float32),
            "history": ((rows, LENGTH), np.int32),
        }
        number = batch["number"]
        np.testing.assert_array_equal(batch["history"], np.stack([number, number + 1, 0 * number], axis=1))
        np.testing.assert_array_equal(batch["half"], number / np.float32(2))


def test_the_order_is_the_seeds(shards: tuple[str, Dataset]) -> None:
    first, again, other = (_numbers(_epoch(shards, 0, 2, seed=seed)) for seed in (5, 5, 6))

    assert first == again
    assert first != other
    # Files change their places, and rows theirs within their file.
    files = [set(_stored(shards, file)) for file in shards[1].of_rank(0, 2) if file.rows]
    assert {frozenset(first[:16]) <= file for file in files} == {True, False}
    assert first[:10] not in [_stored(shards, file)[:10] for file in shards[1].files]


def test_without_a_seed_rows_come_as_they_were_written(shards: tuple[str, Dataset]) -> None:
    expected = [number for file in shards[1].of_rank(1, 2) for number in _stored(shards, file)]

    assert _numbers(_epoch(shards, 1, 2, drop_remainder=False)) == expected


def test_a_pass_may_stop_early_and_the_next_one_is_whole(shards: tuple[str, Dataset]) -> None:
    with epoch_batches(*shards, 0, 1, 10, seed=5) as batches:
        stopped = [int(number) for batch in batches.take(2) for number in batch["number"]]

    whole = _numbers(_epoch(shards, 0, 1, seed=5, drop_remainder=False))
    assert stopped == whole[:20]
    assert len(whole) == ROWS


def test_a_pass_may_be_left_while_its_iterator_is_open(shards: tuple[str, Dataset]) -> None:
    iterators = []
    for _ in range(5):
        with epoch_batches(*shards, 0, 1, 10, seed=5) as batches:
            iterators.append(iter(batches))
            next(iterators[-1])
    # What is left of them must neither wait for a reader that is stopped nor hold up the end of the process.
    iterators.clear()


def test_files_that_are_not_those_of_the_manifest_are_refused_before_the_epoch(tmp_path: Path) -> None:
    data = _dataset(tmp_path, *[pa.table({"number": pa.array(range(50), pa.int32())})] * 2)
    (tmp_path / "train" / "part-1.parquet").unlink()

    for _ in range(2):
        with pytest.raises(DataError, match=r"train/part-1\.parquet: no such file.*run `sparkrec job shard` again"):
            _epoch((str(tmp_path), data), 0, 2)


def test_footers_are_compared_once_a_data_set(
    shards: tuple[str, Dataset], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[str] = []
    size = files.parquet_size
    monkeypatch.setattr(files, "parquet_size", lambda uri: looked.append(uri) or size(uri))
    data = _dataset(tmp_path, *[pa.table({"number": pa.array(range(50), pa.int32())})] * 2)

    for seed in (1, 2):
        assert len(_epoch((str(tmp_path), data), 0, 1, seed=seed)) == 10

    assert sorted(looked) == [f"{tmp_path}/train/part-{number}.parquet" for number in (0, 1)]


def test_lists_of_different_lengths_are_refused(tmp_path: Path) -> None:
    data = _dataset(tmp_path, pa.table({"history": pa.array([[1, 2], [3, 4, 5], [6]], pa.list_(pa.int32()))}))

    with pytest.raises(tf.errors.OpError, match="history: lists of 1 to 3 values, where all need one length"):
        _epoch((str(tmp_path), data), 0, 1)


@pytest.mark.parametrize("kind", [pa.int32(), pa.list_(pa.int32())])
def test_nulls_are_refused(tmp_path: Path, kind: pa.DataType) -> None:
    values = [1, None, 3] if kind == pa.int32() else [[1], None, [3]]
    data = _dataset(tmp_path, pa.table({"number": pa.array(values, kind)}))

    with pytest.raises(tf.errors.OpError):
        _epoch((str(tmp_path), data), 0, 1)


def test_ten_times_the_rows_take_hardly_more_memory(tmp_path: Path) -> None:
    random = np.random.default_rng(1)
    values = random.integers(0, 1 << 30, 10_000 * 64).astype("int32")
    history = pa.ListArray.from_arrays(pa.array(np.arange(0, len(values) + 1, 64, dtype="int32")), values)
    data = _dataset(tmp_path, pa.table({"number": pa.array(range(10_000), pa.int32()), "history": history}))
    (first,) = data.files
    peaks = {}
    for count in (10, 100):
        for number in range(1, count):
            path = tmp_path / "train" / f"part-{number}.parquet"
            if not path.exists():
                os.link(tmp_path / "train" / first.name, path)
        shards = tuple(first.model_copy(update={"name": f"part-{number}.parquet"}) for number in range(count))
        whole = data.model_copy(update={"files": shards})
        # The high-water mark of the child's own memory: ru_maxrss would begin with that of this process.
        told = subprocess.run(
            [sys.executable, "-c", READ_ALL, str(tmp_path), whole.model_dump_json()],
            env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
            capture_output=True,
            text=True,
            check=True,
        )
        rows, peaks[count] = map(int, told.stdout.split())
        assert rows == count * 10_000

    # All rows of the larger one are 230 MB more.
    assert peaks[100] - peaks[10] < 64_000


def _stored(shards: tuple[str, Dataset], file: ShardFile) -> list[int]:
    return [int(n) for n in pq.read_table(Path(shards[0]) / shards[1].folder / file.name)["number"].to_pylist()]
