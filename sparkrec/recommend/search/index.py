"""Item vectors that faiss searches, which nothing else imports."""

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sparkrec.recommend.users import Floats

_POINTS_PER_CELL = 64


@cache
def _faiss() -> Any:
    import faiss

    # Spark counts the cores: each of its Python workers searches on one.
    faiss.omp_set_num_threads(1)
    # Products of a batch of queries as one product of matrices; below this many numbers in the batch faiss would take
    # pair by pair, at a quarter of the speed.
    faiss.cvar.distance_compute_blas_threshold = 1
    return faiss


class ItemIndex:
    """Vectors of items, to be searched by their dot products with others.

    Attributes:
        vectors: (items, size). An item's place here is what a search gives.
        exact: Whether a search sees every item.
    """

    def __init__(self, faiss_index: Any, vectors: Floats, exact: bool) -> None:
        self._index = faiss_index
        self.vectors = vectors
        self.exact = exact

    @classmethod
    def flat(cls, vectors: Floats) -> "ItemIndex":
        """The index that sees every item."""
        faiss = _faiss()
        count, size = vectors.shape
        index = faiss.IndexFlatIP(size)
        index.add(_plain(vectors))
        # What faiss holds is looked at, not held twice.
        held = faiss.rev_swig_ptr(index.get_xb(), count * size) if count else np.zeros(0, np.float32)
        return cls(index, held.reshape(count, size), exact=True)

    @classmethod
    def in_cells(cls, vectors: Floats, seed: int) -> "ItemIndex":
        """An index of inverted lists, of which a search sees those whose centres are nearest (`probe`).

        There are about four times the square root of the items' number of cells. The same vectors and seed give the
        same cells.
        """
        faiss = _faiss()
        count, size = vectors.shape
        cells = max(1, min(round(4 * count**0.5), count // _POINTS_PER_CELL))
        index = faiss.IndexIVFFlat(faiss.IndexFlatIP(size), size, cells, faiss.METRIC_INNER_PRODUCT)
        index.cp.seed = seed % (1 << 31)
        index.cp.max_points_per_centroid = _POINTS_PER_CELL
        index.cp.min_points_per_centroid = 1
        index.train(_plain(vectors))
        index.add(_plain(vectors))
        return cls(index, _plain(vectors), exact=False)

    @classmethod
    def of_bytes(cls, content: NDArray[np.uint8], vectors: Floats) -> "ItemIndex":
        """What `to_bytes` gave of these vectors' cells."""
        return cls(_faiss().deserialize_index(content), _plain(vectors), exact=False)

    def to_bytes(self) -> NDArray[np.uint8]:
        """The index with its probes, as faiss writes it."""
        return np.asarray(_faiss().serialize_index(self._index), np.uint8)

    @property
    def cells(self) -> int:
        """Inverted lists; 1 where every item is seen."""
        return 1 if self.exact else int(self._index.nlist)

    def probe(self, cells: int) -> None:
        """Let a search see so many cells; as many as there are see every item. Nothing to set for a flat index."""
        if not self.exact:
            self._index.nprobe = min(cells, self.cells)

    def nearest(self, queries: Floats, most: int) -> tuple[Floats, NDArray[np.int64]]:
        """The items with the highest dot products, as faiss adds them up, highest first.

        Args:
            queries: (queries, size).
            most: At most this many items.

        Returns:
            Dot products and places, (queries, min(most, items)); -inf and -1 behind the last item found.
        """
        most = min(most, len(self.vectors))
        if not most or not len(queries):
            return np.zeros((len(queries), most), np.float32), np.zeros((len(queries), most), np.int64)
        found, places = self._index.search(_plain(queries), most)
        # Behind the last item found, faiss writes the lowest number that there is.
        found[places < 0] = -np.inf
        return found, places

    def dot_products(self, queries: Floats, places: NDArray[np.int64]) -> Floats:
        """Dot products of each query with items of its own.

        Each follows from its two vectors alone: it does not hang on what else is asked for in one call, as an element
        of a product of matrices does in its last digits. Equal items so have equal scores.

        Args:
            queries: (queries, size).
            places: (queries, wanted); -1 is no item.

        Returns:
            (queries, wanted); -inf where there is no item.
        """
        faiss = _faiss()
        queries, places = _plain(queries), np.ascontiguousarray(places, np.int64)
        found = np.full(places.shape, -np.inf, np.float32)
        if found.size:
            faiss.fvec_inner_products_by_idx(
                *(faiss.swig_ptr(array) for array in (found, queries, self.vectors, places)),
                self.vectors.shape[1],
                *places.shape,
            )
            found[places < 0] = -np.inf
        return found


def _plain(vectors: Floats) -> Floats:
    return np.ascontiguousarray(vectors, np.float32)
