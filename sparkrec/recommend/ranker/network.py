"""DeepFM as a ranker: features in buckets going in, and the network's logits without TensorFlow."""

import io
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sparkrec.recommend.ranker.booster import Text
from sparkrec.recommend.users import Floats

BUCKETS = 64
"""Of a feature: the first holds what is missing, the others equal shares of the pairs that were learned from."""

_ROWS_OF_QUANTILES = 200_000


def bucket_edges(features: Floats, seed: int) -> Floats:
    """Inner bounds of each feature's buckets: quantiles of what is there.

    Args:
        features: (pairs, features), NaN where there is nothing to tell.
        seed: Of the pairs that are looked at, where there are many.

    Returns:
        (features, BUCKETS - 2), ascending.
    """
    if len(features) > _ROWS_OF_QUANTILES:
        features = features[np.random.default_rng(seed).choice(len(features), _ROWS_OF_QUANTILES, replace=False)]
    shares = np.linspace(0, 1, BUCKETS)[1:-1]
    edges = np.zeros((features.shape[1], BUCKETS - 2), np.float32)
    for place, column in enumerate(features.T):
        there = column[~np.isnan(column)]
        if len(there):
            edges[place] = np.quantile(there, shares)
    return edges


def bucketed(features: Floats, edges: Floats) -> NDArray[np.int32]:
    """Rows of the one table of all features' buckets, (pairs, features)."""
    rows = np.empty(features.shape, np.int32)
    for place, (column, bounds) in enumerate(zip(features.T, edges, strict=True)):
        bucket = 1 + np.searchsorted(bounds, column, side="right")
        rows[:, place] = place * BUCKETS + np.where(np.isnan(column), 0, bucket)
    return rows


def packed(edges: Floats, weights: Sequence[Floats]) -> Text:
    """A trained DeepFM as bytes.

    Args:
        edges: `bucket_edges` of its features.
        weights: The table, then kernel and bias of each hidden layer and of the last one.
    """
    buffer = io.BytesIO()
    np.savez(buffer, edges=edges, **{f"weight_{number}": one for number, one in enumerate(weights)})
    return np.frombuffer(buffer.getvalue(), np.uint8)


class Network:
    """What `packed` gave, ready to score; the same function as sparkrec.models.deepfm.DeepFM without dropout."""

    def __init__(self, text: Text) -> None:
        with np.load(io.BytesIO(text.tobytes())) as arrays:
            self._edges = arrays["edges"]
            self._table, *self._layers = [arrays[f"weight_{number}"] for number in range(len(arrays.files) - 1)]

    def predict(self, features: Floats) -> Floats:
        """Scores, (pairs,): logits."""
        found = self._table[bucketed(features, self._edges)]
        embedded, first_order = found[..., :-1], found[..., -1]
        pairs = 0.5 * (np.square(embedded.sum(axis=1)) - np.square(embedded).sum(axis=1)).sum(axis=1)
        hidden = embedded.reshape(len(embedded), -1)
        kernels = list(zip(self._layers[::2], self._layers[1::2], strict=True))
        for kernel, bias in kernels[:-1]:
            hidden = np.maximum(hidden @ kernel + bias, 0)
        kernel, bias = kernels[-1]
        return np.asarray(first_order.sum(axis=1) + pairs + (hidden @ kernel + bias)[:, 0], np.float32)
