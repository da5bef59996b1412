"""What a search is made of: the vectors of those who ask and of the items."""

from dataclasses import dataclass
from typing import Literal, Self

import numpy as np
from numpy.typing import NDArray

from sparkrec.recommend.users import Floats
from sparkrec.registry.model_store import CurrentModels

Askers = Literal["users", "items"]


@dataclass(frozen=True)
class SearchVectors:
    """Vectors of a model of dot products, by vocabulary index.

    Attributes:
        queries: Of the items who ask, (items, size); None where users ask, whose vectors come with them.
        items: Of the items that may be shown, in their order, (shown, size).
        shown: Which items these are, (items,).
        asking: Who has an answer, (askers,); None where all have.
    """

    queries: Floats | None
    items: Floats
    shown: NDArray[np.bool_]
    asking: NDArray[np.bool_] | None

    @classmethod
    def read(cls, current: CurrentModels, model: str, fold: str, askers: Askers) -> Self:
        """A model's vectors from the lake.

        Where items ask, all vectors are of length 1, so that dot products are cosines, and an item that may not be
        shown has no answer.
        """
        arrays, shown = current.arrays(model, fold), current.known_items(fold)
        items = np.asarray(arrays["items"], np.float32)
        if askers == "users":
            return cls(None, items[shown], shown, None)
        items = items / np.maximum(np.linalg.norm(items, axis=1, keepdims=True), np.float32(1e-12))
        return cls(items, items[shown], shown, shown)
