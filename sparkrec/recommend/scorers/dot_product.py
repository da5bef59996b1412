"""Models of one vector a user and one an item."""

from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sparkrec.recommend.item_lists import ItemLists
from sparkrec.recommend.pairs import Indices
from sparkrec.recommend.scorers.scorer import Best, Scorer, UserScores
from sparkrec.recommend.search.index import ItemIndex
from sparkrec.recommend.search.search import ItemSearch
from sparkrec.recommend.users import Floats, UserBatch


class DotProduct(Scorer):
    """Array ``items`` (items, size), by vocabulary index; the users' vectors come with the users."""

    @cached_property
    def items(self) -> Floats:
        """Vectors of the items, (items, size)."""
        return np.ascontiguousarray(self.arrays["items"], np.float32)

    @cached_property
    def search(self) -> ItemSearch:
        """Over the known items' vectors."""
        return ItemSearch(ItemIndex.flat(self.items[self.known]), self.known)

    @cached_property
    def centre_and_spread(self) -> tuple[NDArray[Any], NDArray[Any]]:
        """Mean, (size,), and covariance, (size, size), of the known items' vectors."""
        vectors = self.items[self.known].astype(np.float64)
        centre = vectors.mean(axis=0) if len(vectors) else np.zeros(vectors.shape[1])
        return centre, (vectors - centre).T @ (vectors - centre) / max(len(vectors), 1)

    def of(self, users: UserBatch) -> UserScores:
        """Dot products of the users' vectors and the items'."""
        return _DotProducts(self, users.vectors(self.name, self.items.shape[1]))


class _DotProducts(UserScores):
    def __init__(self, model: DotProduct, vectors: Floats) -> None:
        self._model, self._vectors = model, vectors

    @cached_property
    def moments(self) -> tuple[NDArray[Any], NDArray[Any]]:
        """Those of the products follow from those of the items' vectors."""
        centre, spread = self._model.centre_and_spread
        vectors = self._vectors.astype(np.float64)
        variance = np.einsum("ui,ij,uj->u", vectors, spread, vectors, optimize=True)
        return vectors @ centre, np.sqrt(np.maximum(variance, 0))

    def at(self, users: Indices, items: Indices) -> Floats:
        """Dot products of the pairs."""
        return np.asarray(np.einsum("ps,ps->p", self._vectors[users], self._model.items[items]), np.float32)

    def best(self, hidden: ItemLists, most: int) -> Best:
        """By an exact search."""
        return self._model.search.best(self._vectors, hidden, most)
