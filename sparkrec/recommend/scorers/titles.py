"""Items whose titles are alike."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Self

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame
from scipy import sparse

from sparkrec.lake import files
from sparkrec.lake.model_tables import NEIGHBOURS, neighbour_rows
from sparkrec.recommend.pairs import Indices
from sparkrec.recommend.scorers.item_item import heaviest_of_rows

_TITLES_AT_ONCE = 1024
_PAIRS_AT_ONCE = 1 << 24
_MIN_SIMILARITY = 1e-3
# Titles with a word in common are compared where no more than so many share it: what is in most titles tells little.
_MAX_SHARED = 5_000


def title_vectors(item_text: DataFrame, items: int) -> sparse.csr_matrix:
    """TF-IDF vectors of all titles of features.item_text, (items, words)."""
    return _matrix(item_text.select("item_index", "word_indices", "weights").toArrow(), items)


def nearest_titles(item_text: DataFrame, scratch: str, items: int, power: int, most: int) -> DataFrame:
    """`title_similarity` of all titles, in parts on the executors, as `NEIGHBOURS`.

    Args:
        item_text: features.item_text.
        scratch: Folder through which all vectors reach the executors; it can be removed once the rows are made.
        items: Size of the item vocabulary.
        power: See `title_similarity`.
        most: See `title_similarity`.
    """
    item_text.select("item_index", "word_indices", "weights").write.mode("overwrite").parquet(scratch)

    def compare(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        # Once for each task, and not kept by the worker: another fit lays other titles into the folder.
        titles = Titles.of(_matrix(files.read_tables(scratch), items))
        for batch in batches:
            for part in batch["id"].to_pylist():
                rows = np.arange(part * _TITLES_AT_ONCE, min((part + 1) * _TITLES_AT_ONCE, items))
                nearest = title_similarity(titles, rows, power, most, _PAIRS_AT_ONCE)
                yield from neighbour_rows(nearest, int(rows[0])).to_batches()

    parts = -(-items // _TITLES_AT_ONCE)
    cores = item_text.sparkSession.sparkContext.defaultParallelism
    return item_text.sparkSession.range(0, parts, numPartitions=min(parts, 4 * cores)).mapInArrow(compare, NEIGHBOURS)


@dataclass(frozen=True)
class Titles:
    """Title vectors that can be compared.

    A word of more than `_MAX_SHARED` titles is left out: it weighs little, and pairs grow with the square of the titles
    that share it.

    Attributes:
        vectors: (items, words).
        others: The same, (words, items).
        shared: Titles that have each word, (words,).
    """

    vectors: sparse.csr_matrix
    others: sparse.csr_matrix
    shared: Indices

    @classmethod
    def of(cls, vectors: sparse.csr_matrix) -> Self:
        """Of `title_vectors`, each of length 1 or empty."""
        shared = np.bincount(vectors.indices, minlength=vectors.shape[1])
        telling = (vectors @ sparse.diags((shared <= _MAX_SHARED).astype(np.float32))).tocsr()
        telling.eliminate_zeros()
        return cls(telling, telling.T.tocsr(), shared)


def title_similarity(titles: Titles, rows: Indices, power: int, most: int, pairs: int) -> sparse.csr_matrix:
    """Cosine of the TF-IDF vectors of two titles, to a power that leaves only near ones a say.

    Args:
        titles: All titles.
        rows: The titles to compare with all others; they follow one another.
        power: Of the cosine.
        most: Titles that each keeps, the nearest ones.
        pairs: Products in memory at once, about.

    Returns:
        (rows, items)
    """
    of_rows = titles.vectors[rows]
    # Products up to and with each row.
    products = np.concatenate([[0], np.cumsum(titles.shared[of_rows.indices])])[of_rows.indptr[1:]]
    found = []
    for some in np.split(np.arange(len(rows)), np.flatnonzero(np.diff(products // pairs)) + 1):
        part = (of_rows[some] @ titles.others).tocoo()
        similarity = part.data**power
        kept = (similarity >= _MIN_SIMILARITY) & (rows[some][part.row] != part.col)
        alike = sparse.csr_matrix((similarity[kept], (part.row[kept], part.col[kept])), part.shape)
        found.append(heaviest_of_rows(alike, most))
    return sparse.csr_matrix(sparse.vstack(found))


def _matrix(item_text: pa.Table, items: int) -> sparse.csr_matrix:
    words, weights = (item_text[name].combine_chunks().flatten().to_numpy() for name in ("word_indices", "weights"))
    lengths = item_text["word_indices"].combine_chunks().value_lengths().to_numpy()
    rows = np.repeat(item_text["item_index"].to_numpy(), lengths)
    return sparse.csr_matrix((weights.astype(np.float32), (rows, words)), (items, int(words.max(initial=0)) + 1))
