"""Top-N lists of a model of dot products, on the executors."""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql import types as T

from sparkrec.config.settings import SearchSettings
from sparkrec.lake import files
from sparkrec.recommend.item_lists import ItemLists
from sparkrec.recommend.search.index import ItemIndex
from sparkrec.recommend.search.recall import probe_enough
from sparkrec.recommend.search.search import ItemSearch
from sparkrec.recommend.search.vectors import Askers, SearchVectors
from sparkrec.recommend.users import Floats
from sparkrec.registry.model_store import CurrentModels
from sparkrec.registry.user_vectors import vectors_of_users


@dataclass(frozen=True)
class PreparedSearch:
    """A search that executors can load.

    Attributes:
        current: The models.
        model: Name of a model of dot products.
        fold: The fold that it was fitted at.
        askers: Users, by their scores, or items, by the cosine.
        cells: File of the cells that the search goes by; None where it is exact.
        recall: Share of the exact lists that it finds, measured; 1 where it is exact.
        items: Items that may be shown.
    """

    current: CurrentModels
    model: str
    fold: str
    askers: Askers
    cells: str | None
    recall: float
    items: int

    @property
    def told(self) -> str:
        """How it searches, in words."""
        how = f"approximately, recall {self.recall:.3f}" if self.cells else "exactly"
        return f"{self.model}: {self.items:,} items are searched {how}"


def prepare(
    spark: SparkSession,
    current: CurrentModels,
    model: str,
    fold: str,
    askers: Askers,
    most: int,
    settings: SearchSettings,
    seed: int,
) -> PreparedSearch:
    """Make ready to search, on the driver.

    Up to ``exact_items`` items there is nothing to do. With more, the vectors are put into cells, and as many are
    looked at as the recall asks for, which is measured on users drawn by lot.

    Args:
        spark: The session that reads vectors of users.
        current: The models.
        model: Name of a model of dot products.
        fold: The fold that it was fitted at.
        askers: Users, by their scores, or items, by the cosine.
        most: Length of the lists that the recall is measured on.
        settings: When the search is approximate, and how good it then is.
        seed: Of the cells and of the lot.
    """
    shown = int(current.known_items(fold).sum())
    if shown <= settings.exact_items:
        return PreparedSearch(current, model, fold, askers, cells=None, recall=1.0, items=shown)
    vectors = SearchVectors.read(current, model, fold, askers)
    index = ItemIndex.in_cells(vectors.items, seed)
    recall = probe_enough(
        index,
        ItemSearch(index, vectors.shown),
        ItemSearch(ItemIndex.flat(vectors.items), vectors.shown),
        _sample(spark, current, model, fold, vectors, settings.recall_sample, seed),
        most,
        settings.min_recall,
    )
    content = index.to_bytes()
    # Named after what it holds, for workers keep what they have read.
    digest = hashlib.sha256(content.tobytes()).hexdigest()[:12]
    cells = f"{current.folder(model)}/{fold}/cells-{askers}-{digest}.npz"
    files.write_arrays(cells, {"index": content})
    return PreparedSearch(current, model, fold, askers, cells, recall, shown)


def _sample(
    spark: SparkSession, current: CurrentModels, model: str, fold: str, vectors: SearchVectors, most: int, seed: int
) -> Floats:
    """Vectors, drawn by lot, of those who ask and have one that is not 0, (at most ``most``, size)."""
    if vectors.queries is not None:
        asking = np.flatnonzero(vectors.queries.any(axis=1))
        drawn = np.random.default_rng(seed).choice(asking, min(most, len(asking)), replace=False)
        return np.asarray(vectors.queries[np.sort(drawn)])
    users = vectors_of_users(spark, current, model, fold).where(F.exists("vector", lambda value: value != 0))
    drawn_users = users.orderBy(F.xxhash64(F.lit(seed), "user_index")).limit(most).toPandas()
    return np.asarray(drawn_users["vector"].to_list(), np.float32).reshape(-1, vectors.items.shape[1])


def top_items(askers: DataFrame, search: PreparedSearch, most: int) -> DataFrame:
    """The best items of each, with their scores.

    Each Python worker reads the vectors once and keeps them. Rows go through it as Arrow batches, so that its memory
    hangs on the catalogue and the vocabulary, not on how many rows a partition has.

    Args:
        askers: ``query_index``: vocabulary index of the user or item who asks; ``seen``: item indices that the list
            must not hold; where users ask ``query_vector``; and any other columns.
        search: What `prepare` gave.
        most: Length of a list; shorter where fewer items are left.

    Returns:
        A row for each who asks, but for items that may not be shown: ``query_index``, the other columns but ``seen``
        and ``query_vector``,
        ``top_items`` (array<int>) and ``top_scores`` (array<float>), best first, ties by the lower index.
    """
    loaded = (search.current.model_dump_json(), search.model, search.fold, search.askers, search.cells)

    def find(batches: Iterable[Any]) -> Iterator[Any]:
        found, vectors = _load(*loaded)
        for batch in batches:
            yield _answered(batch, found, vectors, most)

    kept = [field for field in askers.schema.fields if field.name not in ("seen", "query_vector")]
    schema = T.StructType(kept).add("top_items", T.ArrayType(T.IntegerType(), False))
    return askers.mapInArrow(find, schema.add("top_scores", T.ArrayType(T.FloatType(), False)))


def ranked(lists: DataFrame) -> DataFrame:
    """Lists of `top_items` as one row an item: the other columns, ``rank`` from 1, ``item_index`` and ``score``."""
    kept = [column for column in lists.columns if column not in ("top_items", "top_scores")]
    listed = F.posexplode(F.arrays_zip("top_items", "top_scores")).alias("place", "listed")
    return lists.select(*kept, listed).select(
        *kept,
        (F.col("place") + 1).alias("rank"),
        F.col("listed.top_items").alias("item_index"),
        F.col("listed.top_scores").cast("double").alias("score"),
    )


def _answered(batch: Any, search: ItemSearch, vectors: SearchVectors, most: int) -> Any:
    if vectors.asking is not None:
        batch = batch.filter(pa.array(vectors.asking[_indices(batch)]))
    columns = dict(zip(batch.schema.names, batch.columns, strict=True))
    seen = ItemLists.of_arrow(columns.pop("seen"))
    asked = columns.pop("query_vector") if vectors.queries is None else None
    queries = _vectors(asked, vectors.items.shape[1]) if vectors.queries is None else vectors.queries[_indices(batch)]
    best = search.best(queries, seen, most)
    there = best.items >= 0
    ends = pa.array(np.concatenate([[0], np.cumsum(there.sum(axis=1))]).astype(np.int32))
    columns["top_items"] = pa.ListArray.from_arrays(ends, pa.array(best.items[there]))
    columns["top_scores"] = pa.ListArray.from_arrays(ends, pa.array(best.scores[there]))
    return pa.RecordBatch.from_arrays(list(columns.values()), names=list(columns))


def _vectors(column: Any, size: int) -> Floats:
    """Vectors of an Arrow array of lists, (rows, size); 0 where there is none."""
    found = np.zeros((len(column), size), np.float32)
    has = column.is_valid().to_numpy(zero_copy_only=False)
    found[has] = column.flatten().to_numpy(zero_copy_only=False).reshape(-1, size)
    return found


def _indices(batch: Any) -> NDArray[np.int32]:
    found: NDArray[np.int32] = batch.column(batch.schema.get_field_index("query_index")).to_numpy(zero_copy_only=False)
    return found


@lru_cache(maxsize=1)
def _load(
    current_json: str, model: str, fold: str, askers: Askers, cells: str | None
) -> tuple[ItemSearch, SearchVectors]:
    current = CurrentModels.model_validate_json(current_json)
    vectors = SearchVectors.read(current, model, fold, askers)
    if cells is None:
        index = ItemIndex.flat(vectors.items)
        # The index holds them now.
        vectors = replace(vectors, items=index.vectors)
    else:
        index = ItemIndex.of_bytes(files.read_arrays(cells)["index"], vectors.items)
    return ItemSearch(index, vectors.shown), vectors
