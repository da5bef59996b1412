"""Vectors of users and items as models of a lake, and users who ask for the best items."""

from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import parquet as pq
from pyspark.sql import DataFrame, SparkSession

from sparkrec.config.settings import SearchSettings
from sparkrec.lake import files
from sparkrec.lake.model_tables import USERS, user_vectors
from sparkrec.recommend.search.top_items import PreparedSearch, prepare
from sparkrec.registry.model_store import CurrentModels

SIZE = 64
"""Length of a vector."""
MOST = 100
"""Length of a list."""
THREADS = 2
SEED = 1


def models_of(root: str, users: NDArray[np.float32], items: NDArray[np.float32]) -> CurrentModels:
    """Models of which one has these vectors of users and items; every item may be shown."""
    files.write_arrays(f"{root}/popularity/1/publish/arrays.npz", {"scores": np.ones(len(items), np.float32)})
    files.write_arrays(f"{root}/als/1/publish/arrays.npz", {"items": items})
    rows = user_vectors(np.arange(len(users), dtype=np.int32), users)
    files.write_table(f"{root}/als/1/publish/{USERS}/part-0.parquet", [rows])
    versions = {"popularity": "1", "als": "1"}
    return CurrentModels(root=root, versions=versions, folds=("publish",), items=len(items), left_out={})


def search_of(spark: SparkSession, current: CurrentModels, settings: SearchSettings) -> PreparedSearch:
    """The search for a user's first `MOST` items among those of `models_of`."""
    return prepare(spark, current, "als", "publish", "users", MOST, settings, SEED)


def askers_of(
    spark: SparkSession, root: str, users: NDArray[np.float32], items: int, random: np.random.Generator
) -> DataFrame:
    """Users, in twice as many files as there are cores, with what they have seen: some items, few of them very many."""
    folder = Path(root) / f"askers-{len(users)}"
    folder.mkdir(parents=True)
    lengths = np.minimum(random.lognormal(3, 1, len(users)), 1_000).astype(np.int64)
    for number, part in enumerate(np.array_split(np.arange(len(users)), 2 * THREADS)):
        ends = np.concatenate([[0], np.cumsum(lengths[part])]).astype(np.int32)
        # The first items are seen most.
        seen = (items * random.random(ends[-1]) ** 3).astype(np.int32)
        lists = pa.ListArray.from_arrays(pa.array(ends), pa.array(seen))
        vectors = user_vectors(part.astype(np.int32), users[part]).rename_columns(["query_index", "query_vector"])
        table = vectors.append_column("seen", lists)
        pq.write_table(table, folder / f"{number}.parquet")
    return spark.read.option("mergeSchema", False).parquet(str(folder))


def made(lists: DataFrame) -> None:
    """Have all rows made and kept nowhere."""
    lists.write.format("noop").mode("overwrite").save()


def of_tastes(
    tastes: int, users: int, items: int, random: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Vectors of users, (users, size), and items, (items, size), near the centres of so many tastes."""
    centres = random.standard_normal((tastes, SIZE), dtype=np.float32)
    of_users, of_items = (
        centres[random.integers(0, tastes, rows)] + 0.7 * random.standard_normal((rows, SIZE), dtype=np.float32)
        for rows in (users, items)
    )
    return of_users, of_items
