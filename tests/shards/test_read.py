from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet as pq
from pyspark.sql import SparkSession

from sparkrec.shards.manifest import Dataset, ShardFile
from sparkrec.shards.read import epoch_batches
from sparkrec.shards.write import describe_datasets, write_dataset

ROWS = 101
LENGTH = 3


@pytest.fixture(scope="module")
def shards(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Dataset]:
    """Rows that tell their number in every column, in files of 16 and 17 rows, and one file of none."""
    root = tmp_path_factory.mktemp("shards")
    rows = spark.range(ROWS).selectExpr(
        "id as key",
        "cast(id as int) as number",
        "cast(id / 2 as float) as half",
        "array(cast(id as int), cast(id + 1 as int), 0) as history",
    )
    write_dataset(rows, ROWS, str(root), "train", "key", groups=6, ranks=3, seed=1)
    data = describe_datasets(spark, str(root), ["train"])["train"]
    schema = pq.read_schema(root / "train" / data.files[0].name)
    pq.write_table(pa.Table.from_pylist([], schema), root / "train" / "part-empty.parquet")
    empty = ShardFile(name="part-empty.parquet", rows=0, row_groups=0, sha256="")
    return str(root), data.model_copy(update={"files": (data.files[0], empty, *data.files[1:])})


def _epoch(shards: tuple[str, Dataset], rank: int, ranks: int, **options: Any) -> list[dict[str, np.ndarray]]:
    with epoch_batches(*shards, rank, ranks, 10, **options) as batches:
        return [{name: column.numpy() for name, column in batch.items()} for batch in batches]


def _numbers(batches: list[dict[str, np.ndarray]]) -> list[int]:
    return [int(number) for batch in batches for number in batch["number"]]


@pytest.mark.parametrize("seed", [None, 5])
@pytest.mark.parametrize("ranks", [1, 2, 3])
def test_an_epoch_of_all_ranks_reads_every_row_exactly_once(
    shards: tuple[str, Dataset], ranks: int, seed: int | None
) -> None:
    parts = [_epoch(shards, rank, ranks, seed=seed, drop_remainder=False) for rank in range(ranks)]

    assert Counter(number for part in parts for number in _numbers(part)) == Counter(range(ROWS))
    for rank, part in enumerate(parts):
        rows = sum(file.rows for file in shards[1].of_rank(rank, ranks))
        assert [len(batch["number"]) for batch in part] == [10] * (rows // 10) + [rows % 10] * (rows % 10 > 0)


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


def _stored(shards: tuple[str, Dataset], file: ShardFile) -> list[int]:
    return [int(n) for n in pq.read_table(Path(shards[0]) / shards[1].folder / file.name)["number"].to_pylist()]
