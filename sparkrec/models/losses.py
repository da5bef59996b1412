"""Losses over batches of vectors."""

from typing import Any

from keras import ops


def in_batch_softmax(users: Any, items: Any, item_index: Any, log_q: Any, temperature: float) -> Any:
    """Softmax cross-entropy of each user's own item against the batch's other items.

    An item stands among the negatives as often as it is bought, so the logarithm of its sampling
    probability is taken off its logit (Yi et al., "Sampling-bias-corrected neural modeling for large
    corpus item recommendations", RecSys 2019). Other rows of the same item are no negatives.

    Args:
        users: (batch, size).
        items: (batch, size); row i is the item of user i.
        item_index: (batch,) which item each row is.
        log_q: (batch,) logarithm of each item's share of the samples.
        temperature: Divides the dot products.

    Returns:
        Mean loss, a scalar.
    """
    logits = ops.matmul(users, ops.transpose(items)) / temperature - log_q[None, :]
    same_item = ops.equal(item_index[:, None], item_index[None, :])
    own = ops.eye(ops.shape(logits)[0], dtype="bool")
    logits = ops.where(ops.logical_and(same_item, ops.logical_not(own)), -1e9, logits)
    positive = ops.diagonal(logits)
    return ops.mean(ops.logsumexp(logits, axis=1) - positive)
