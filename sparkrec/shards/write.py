"""Write shards with Spark: plain Parquet of equal row groups, shuffled globally by a seed."""

import math
from collections.abc import Sequence

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from sparkrec.lake import files
from sparkrec.shards.manifest import Dataset, ShardFile

# A reader holds a row group at a time.
_MOST_ROWS_A_GROUP = 100_000


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
    wanted = max(groups, math.ceil(total / _MOST_ROWS_A_GROUP), ranks)
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
