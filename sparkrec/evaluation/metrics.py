"""List metrics of each user, binary relevance, at k."""

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]


def list_metrics(hits: NDArray[np.bool_], targets: NDArray[np.int64], k: int) -> dict[str, Values]:
    """Metrics of each list's first k places.

    - ``ndcg``: gain 1 / log2(place + 1) of each hit, over that of min(k, targets) hits in front.
    - ``hit_rate``: whether there is a hit; ``recall``: hits over targets; ``precision``: hits over k.
    - ``mrr``: 1 / place of the first hit, 0 without one.
    - ``map``: mean over the targets, at most k of them, of the precision at each hit's place.

    Args:
        hits: (lists, at most k): whether the item in each place is a target.
        targets: (lists,): how many targets each list has, at least 1.
        k: Cut-off.

    Returns:
        (lists,) by name with its cut-off, as ``ndcg@10``.
    """
    hits = hits[:, :k]
    places = np.arange(1, hits.shape[1] + 1)
    ideal = np.cumsum(1.0 / np.log2(np.arange(2, k + 2)))[np.minimum(targets, k) - 1]
    found = hits.sum(axis=1)
    first = np.where(found > 0, hits.argmax(axis=1) + 1, np.inf)
    precision_at = np.cumsum(hits, axis=1) / places
    values = {
        "ndcg": (hits / np.log2(places + 1)).sum(axis=1) / ideal,
        "hit_rate": (found > 0).astype(np.float64),
        "recall": found / targets,
        "precision": found / k,
        "mrr": 1.0 / first,
        "map": (precision_at * hits).sum(axis=1) / np.minimum(targets, k),
    }
    return {f"{name}@{k}": value for name, value in values.items()}
