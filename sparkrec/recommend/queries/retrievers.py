"""The retrievers of queries: each names items, and all of these are candidates."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy import sparse

from sparkrec.config.settings import MatchSettings
from sparkrec.recommend.pairs import find, keys, stored, values_at
from sparkrec.recommend.queries.catalogue import Catalogue, vectors_of
from sparkrec.recommend.queries.click_history import ClickHistory
from sparkrec.recommend.scorers.item_item import heaviest_of_rows

Floats = NDArray[np.float32]
Matrix = sparse.csr_matrix

_RRF = 60


@dataclass(frozen=True)
class QueryBatch:
    """Some queries, and what their words and earlier clicks say of the items.

    Attributes:
        catalogue: The items.
        history: The clicks that are known.
        settings: How many items are named.
        queries: As normalised.
        words: Words of each.
        vectors: (queries, size); 0 where one has none.
        brands: The brand that each names; None without one.
    """

    catalogue: Catalogue
    history: ClickHistory
    settings: MatchSettings
    queries: list[str]
    words: list[list[str]]
    vectors: Floats
    brands: list[str | None]

    @cached_property
    def title_bm25(self) -> Matrix:
        """BM25 of the titles that share a word, (queries, items)."""
        return self.catalogue.titles.bm25_scores(self.catalogue.titles.counts(self.words))

    @cached_property
    def text_bm25(self) -> Matrix:
        """BM25 of all that is written of the items."""
        return self.catalogue.texts.bm25_scores(self.catalogue.texts.counts(self.words))

    @cached_property
    def own_rows(self) -> Matrix:
        """The queries' own rows in the history."""
        return self.history.own(self.queries)

    @cached_property
    def clicks(self) -> Matrix:
        """Clicks after the query itself."""
        return _ordered(self.own_rows @ self.history.strength)

    @cached_property
    def neighbour_clicks(self) -> Matrix:
        """Clicks after other queries that mean about the same, each by its cosine."""
        return _ordered(self.history.neighbours(self.queries, self.vectors) @ self.history.strength)

    @cached_property
    def nearest_titles(self) -> Matrix:
        """Cosines of the titles whose vectors are nearest."""
        index, shape = self.catalogue.index, (len(self.queries), len(self.catalogue))
        asking = np.flatnonzero(self.vectors.any(axis=1))
        if not len(asking) or self.vectors.shape[1] != index.vectors.shape[1]:
            return _ordered(Matrix((np.zeros(0, np.float32), (asking[:0], asking[:0])), shape))
        cosines, places = index.nearest(self.vectors[asking], self.settings.items)
        kept = (places >= 0) & (cosines >= self.settings.min_cosine)
        rows = np.repeat(asking, kept.sum(axis=1))
        return _ordered(Matrix((cosines[kept], (rows, places[kept])), shape))

    def candidates(self) -> pa.Table:
        """What some retriever names, with all features of the pair.

        Returns:
            ``query, item_id``, the features by their names in features.query_items, ``place_<retriever>``, null where
            it does not name the item, and ``rank_fusion``.
        """
        named = {name: heaviest_of_rows(scores(self), self.settings.items) for name, scores in RETRIEVERS.items()}
        most = len(self.catalogue)
        of_retriever = {name: keys(*stored(found), most) for name, found in named.items()}
        pairs = np.unique(np.concatenate([*of_retriever.values(), np.zeros(0, np.int64)]))
        rows, items = np.divmod(pairs, max(most, 1))
        columns: dict[str, object] = {
            "query": pa.array(self.queries, pa.string()).take(pa.array(rows)),
            "item_id": self.catalogue.item_ids.take(pa.array(items)),
            **{name: pa.array(value) for name, value in self._features(rows, items).items()},
        }
        for name, found in named.items():
            place, there = find(pairs, of_retriever[name])
            places = np.zeros(len(pairs), np.int32)
            places[there] = _places(found)[place[there]]
            columns[f"place_{name}"] = pa.array(places, mask=~there)
        columns["rank_fusion"] = _fused([columns[f"place_{name}"] for name in named], len(pairs))
        return pa.table(columns)

    def _features(self, rows: NDArray[np.int64], items: NDArray[np.int64]) -> dict[str, Floats]:
        titles, history, own = self.catalogue.titles, self.history, self.own_rows
        impressions, shown = values_at(_ordered(own @ history.impressions), rows, items)
        scores = values_at(_ordered(own @ history.scores), rows, items)[0]
        brand = np.array([self.catalogue.brands.get(name, -2) if name else -2 for name in self.brands])
        return {
            "bm25": values_at(self.title_bm25, rows, items)[0],
            "text_bm25": values_at(self.text_bm25, rows, items)[0],
            "tfidf_cosine": values_at(titles.cosines(titles.counts(self.words)), rows, items)[0],
            "embedding_cosine": self._cosines(rows, items),
            "impressions": impressions,
            "clicks": values_at(_ordered(own @ history.clicks), rows, items)[0],
            "click_score": np.where(shown, scores, 1.0).astype(np.float32),
            "neighbour_clicks": values_at(self.neighbour_clicks, rows, items)[0],
            "category_share": self._category_shares(rows, items),
            "same_brand": (brand[rows] == self.catalogue.brand_of[items]).astype(np.float32),
        }

    def _cosines(self, rows: NDArray[np.int64], items: NDArray[np.int64]) -> Floats:
        """NaN where query or title has no vector."""
        of_items = self.catalogue.index.vectors
        if self.vectors.shape[1] != of_items.shape[1]:
            return np.full(len(rows), np.nan, np.float32)
        found = np.einsum("ps,ps->p", self.vectors[rows], of_items[items])
        missing = ~self.vectors.any(axis=1)[rows] | ~of_items.any(axis=1)[items]
        return np.where(missing, np.nan, found).astype(np.float32)

    def _category_shares(self, rows: NDArray[np.int64], items: NDArray[np.int64]) -> Floats:
        """The share of the clicks after the query and its neighbours that fell on items of the item's category."""
        codes = self.catalogue.categories
        of_category = Matrix(
            (np.ones((codes >= 0).sum(), np.float32), (np.flatnonzero(codes >= 0), codes[codes >= 0])),
            (len(codes), int(codes.max(initial=0)) + 1),
        )
        totals = _ordered((self.clicks + self.neighbour_clicks) @ of_category)
        all_clicks = np.asarray(totals.sum(axis=1)).ravel()
        share = values_at(totals, rows, np.maximum(codes[items], 0))[0] / np.maximum(all_clicks[rows], 1e-9)
        return np.where(codes[items] >= 0, share, 0).astype(np.float32)


RETRIEVERS: dict[str, Callable[[QueryBatch], Matrix]] = {
    "bm25": lambda batch: batch.title_bm25,
    "text_bm25": lambda batch: batch.text_bm25,
    "embedding": lambda batch: batch.nearest_titles,
    "clicks": lambda batch: batch.clicks,
    "neighbour_clicks": lambda batch: batch.neighbour_clicks,
}
"""Scores above 0 of each retriever, (queries, items). One entry each; features.query_items has its places."""


def _fused(places: Sequence[pa.Array], pairs: int) -> Floats:
    """Reciprocal rank fusion: the sum of 1 / (60 + place) over the retrievers that name the item.

    Cormack, Clarke and Büttcher, "Reciprocal rank fusion outperforms Condorcet and individual rank learning methods",
    SIGIR 2009, with their constant.
    """
    found = np.zeros(pairs, np.float32)
    for of_retriever in places:
        there = of_retriever.is_valid().to_numpy(zero_copy_only=False)
        found[there] += 1 / (_RRF + of_retriever.drop_null().to_numpy())
    return found


def _places(found: Matrix) -> NDArray[np.int32]:
    """The place, from 1, of each stored value in its row: the greatest first, equals by column."""
    rows, columns = stored(found)
    order = np.lexsort((columns, -found.data, rows))
    places = np.empty(len(rows), np.int32)
    places[order] = np.arange(len(rows)) - found.indptr[rows] + 1
    return places


def _ordered(scores: Matrix) -> Matrix:
    found = Matrix(scores)
    found.sort_indices()
    return found


def batch_of(rows: pa.RecordBatch, catalogue: Catalogue, history: ClickHistory, settings: MatchSettings) -> QueryBatch:
    """Of rows of ``query, words, vector, brand``."""
    return QueryBatch(
        catalogue,
        history,
        settings,
        rows["query"].to_pylist(),
        rows["words"].to_pylist(),
        vectors_of(rows["vector"]),
        rows["brand"].to_pylist(),
    )
