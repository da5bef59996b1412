"""What people clicked of what earlier searches showed them."""

from dataclasses import dataclass
from typing import Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from scipy import sparse

from sparkrec.recommend.queries.catalogue import Catalogue, vectors_of

NEIGHBOURS = 20
"""Other queries that a query learns from."""
MIN_SIMILARITY = 0.6
"""The cosine that such a query has at least."""


@dataclass(frozen=True)
class ClickHistory:
    """Clicks of queries at a fold.

    Attributes:
        places: Row of each query.
        vectors: Of the queries; 0 where one has none, (queries, size).
        impressions: Searches that showed an item, (queries, items).
        clicks: Those of them in which it was clicked.
        scores: Clicks over those expected of the places.
    """

    places: dict[str, int]
    vectors: NDArray[np.float32]
    impressions: sparse.csr_matrix
    clicks: sparse.csr_matrix
    scores: sparse.csr_matrix

    @classmethod
    def of(cls, clicks: pa.Table, queries: pa.Table, catalogue: Catalogue) -> Self:
        """Of rows of `item_clicks`, and ``query, vector`` of their queries."""
        queries = queries.sort_by("query").combine_chunks()
        items = pc.index_in(clicks["item_id"], catalogue.item_ids)
        rows = pc.index_in(clicks["query"], queries["query"].combine_chunks())
        known = pc.and_(items.is_valid(), rows.is_valid())
        at = tuple(column.filter(known).to_numpy() for column in (rows, items))
        shape = (len(queries), len(catalogue))

        def matrix(name: str) -> sparse.csr_matrix:
            found = sparse.csr_matrix((clicks[name].filter(known).to_numpy().astype(np.float32), at), shape)
            found.sort_indices()
            return found

        names = queries["query"].to_pylist()
        return cls(
            dict(zip(names, range(len(names)), strict=True)),
            vectors_of(queries["vector"]),
            *map(matrix, ("impressions", "clicks", "click_score")),
        )

    @property
    def strength(self) -> sparse.csr_matrix:
        """Clicks, each by how far they are above what their places let expect, (queries, items)."""
        return sparse.csr_matrix(self.clicks.multiply(self.scores))

    def own(self, queries: list[str]) -> sparse.csr_matrix:
        """Which row is whose, (queries asked, queries known)."""
        rows = np.array([self.places.get(query, -1) for query in queries])
        there = np.flatnonzero(rows >= 0)
        return sparse.csr_matrix((np.ones(len(there), np.float32), (there, rows[there])), (len(rows), len(self.places)))

    def neighbours(self, queries: list[str], vectors: NDArray[np.float32]) -> sparse.csr_matrix:
        """Cosines of the nearest other queries, (queries asked, queries known)."""
        shape = (len(queries), len(self.places))
        if not len(self.places) or vectors.shape[1] != self.vectors.shape[1]:
            return sparse.csr_matrix((np.zeros(0, np.float32), (np.zeros(0, int), np.zeros(0, int))), shape)
        cosines = vectors @ self.vectors.T
        own = self.own(queries).tocoo()
        cosines[own.row, own.col] = 0
        most = min(NEIGHBOURS, len(self.places))
        nearest = np.sort(np.argpartition(-cosines, most - 1, axis=1)[:, :most], axis=1)
        near = np.take_along_axis(cosines, nearest, 1)
        kept = near >= MIN_SIMILARITY
        rows = np.repeat(np.arange(len(queries)), kept.sum(axis=1))
        return sparse.csr_matrix((near[kept], (rows, nearest[kept])), shape)
