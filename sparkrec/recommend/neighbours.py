"""The nearest items of each item."""

from collections.abc import Iterable, Iterator

import numpy as np
import pandas as pd
from pyspark.sql import DataFrame

from sparkrec.recommend.ranking import top_k
from sparkrec.registry.model_store import CurrentModels


def item_neighbours(items: DataFrame, current: CurrentModels, model: str, most: int) -> DataFrame:
    """Items with the highest cosine of their vectors.

    Args:
        items: ``item_index`` of the items to find neighbours of.
        current: The models.
        model: A model with item vectors.
        most: Neighbours of each item.

    Returns:
        ``item_index, rank, similar_index, score`` of items that are known at the publish cut.
    """

    def find(batches: Iterable[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        known = current.known_items("publish")
        vectors = current.arrays(model, "publish")["items"]
        unit = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
        for rows in batches:
            index = rows["item_index"].to_numpy()
            index = index[known[index]]
            for part in np.array_split(index, max(1, len(index) // 512)):
                scores = np.where(known, unit[part] @ unit.T, -np.inf).astype(np.float32)
                scores[np.arange(len(part)), part] = -np.inf
                nearest = top_k(scores, most)
                values = np.take_along_axis(scores, nearest, 1)
                found = pd.DataFrame(
                    {
                        "item_index": np.repeat(part, nearest.shape[1]),
                        "rank": np.tile(np.arange(1, nearest.shape[1] + 1, dtype=np.int32), len(part)),
                        "similar_index": nearest.ravel().astype(np.int32),
                        "score": values.ravel().astype(np.float64),
                    }
                )
                yield found[np.isfinite(found["score"])]

    return items.mapInPandas(find, "item_index int, rank int, similar_index int, score double")
