"""Write shards, with Spark or from the driver: plain Parquet of equal row groups, shuffled globally by a seed."""

import hashlib
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import parquet as pq
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from sparkrec.lake import files
from sparkrec.lake.files import Arrays
from sparkrec.shards.manifest import Dataset, ShardFile

# A reader holds a row group at a time.
_MAX_ROWS_A_GROUP = 100_000


def write_dataset(
    rows: DataFrame, total: int, root: str, folder: str, key: str, groups: int, ranks: int, seed: int
) -> None:
    """Write one data set as files of one row group each.

    Rows are dealt to the files evenly and lie in each in the order of a seeded hash of ``key``, so
    that neighbours in time or by user are not neighbours on disk. The same rows in the same partitions give the
    same files.

    Args:
        rows: What to write; list columns have one length.
        total: Number of rows.
        root: Folder of all shards.
        folder: The data set's folder below it; what lies there is replaced.
        key: Column that tells rows apart; it is not written.
        groups: Row groups wanted; raised to a multiple of ``ranks`` that keeps groups small.
        ranks: Readers that share the rows.
        seed: Seed of the shuffle.
    """
    wanted = max(groups, math.ceil(total / _MAX_ROWS_A_GROUP), ranks)
    wanted = math.ceil(wanted / ranks) * ranks
    place = F.xxhash64(F.lit(seed), F.col(key))
    dealt = rows.withColumn("_place", place).repartition(wanted).sortWithinPartitions("_place", key)
    target = f"{root}/{folder}"
    # A row group is as large as its file: the writer must not start a second one.
    options = {"parquet.block.size": str(1 << 30), "compression": "snappy"}
    dealt.drop("_place", key).write.mode("overwrite").options(**options).parquet(target)


def describe_datasets(spark: SparkSession, root: str, folders: Sequence[str]) -> dict[str, Dataset]:
    """What the data sets in these folders hold, by folder, from the files' footers and bytes."""
    uris = {folder: files.find_files(f"{root}/{folder}/*.parquet") for folder in folders}
    sums = files.sha256_of_files(spark, [uri for found in uris.values() for uri in found])
    described = {}
    for folder, found in uris.items():
        shards = []
        for uri in found:
            rows, row_groups = files.parquet_size(uri)
            shards.append(ShardFile(name=uri.rpartition("/")[2], rows=rows, row_groups=row_groups, sha256=sums[uri]))
        described[folder] = Dataset(folder=folder, columns=files.parquet_columns(found[0]), files=tuple(shards))
    return described


def write_columns(columns: Arrays, root: str, folder: str, groups: int, seed: int) -> Dataset:
    """Write columns that the driver holds as a data set of files of one row group each, shuffled by the seed.

    Args:
        columns: (rows,) or (rows, list length) each.
        root: Folder of all shards.
        folder: The data set's folder below it; what lies there is replaced.
        groups: Files wanted.
        seed: Seed of the shuffle.
    """
    files.delete_folder(f"{root}/{folder}")
    rows = len(next(iter(columns.values())))
    order = np.random.default_rng(seed).permutation(rows)
    shards = []
    for number in range(groups):
        part = order[number::groups]
        table = pa.table({name: _arrow(column[part]) for name, column in columns.items()})
        name = f"part-{number:05}.parquet"
        sink = pa.BufferOutputStream()
        pq.write_table(table, sink, compression="snappy", row_group_size=max(len(part), 1))
        written = sink.getvalue().to_pybytes()
        files.write_bytes(f"{root}/{folder}/{name}", written)
        shards.append(ShardFile(name=name, rows=len(part), row_groups=1, sha256=hashlib.sha256(written).hexdigest()))
    return Dataset(
        folder=folder, columns=files.parquet_columns(f"{root}/{folder}/{shards[0].name}"), files=tuple(shards)
    )


def _arrow(column: NDArray[Any]) -> pa.Array:
    if column.ndim == 1:
        return pa.array(column)
    starts = pa.array(np.arange(0, column.size + 1, column.shape[1], dtype="int32"))
    return pa.ListArray.from_arrays(starts, pa.array(np.ascontiguousarray(column).ravel()))
