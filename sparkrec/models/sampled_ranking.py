"""How well a batch is ranked, as an estimate for the whole catalogue."""

import math
from typing import Any

from keras import ops


def sampled_ndcg(users: Any, items: Any, item_index: Any, log_q: Any) -> Any:
    """Mean NDCG of each user's own item, as if it were ranked among all items.

    An item stands in the batch about batch x q times, where q is its share of the samples. Each row of
    another item that scores higher therefore adds 1 / (batch x q) to the rank: the items above, each counted
    once (inverse propensity weighting).

    Args:
        users: (batch, size).
        items: (batch, size); row i is the item of user i.
        item_index: (batch,) which item each row is.
        log_q: (batch,) logarithm of each item's share of the samples.

    Returns:
        Mean of 1 / log2(1 + rank), a scalar.
    """
    scores = ops.cast(ops.matmul(users, ops.transpose(items)), "float32")
    above = ops.logical_and(scores > ops.diagonal(scores)[:, None], item_index[:, None] != item_index[None, :])
    counts_for = ops.exp(-log_q) / ops.cast(ops.shape(scores)[0], "float32")
    rank = 1.0 + ops.matmul(ops.cast(above, "float32"), counts_for[:, None])[:, 0]
    return ops.mean(math.log(2.0) / ops.log(1.0 + rank))
