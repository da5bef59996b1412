"""Losses over batches of vectors and logits."""

import math
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
    logits = _dot_products(users, items) / temperature - log_q[None, :]
    same_item = ops.equal(item_index[:, None], item_index[None, :])
    own = ops.eye(ops.shape(logits)[0], dtype="bool")
    logits = ops.where(ops.logical_and(same_item, ops.logical_not(own)), -1e9, logits)
    return ops.mean(ops.logsumexp(logits, axis=1) - ops.diagonal(logits))


def full_softmax(users: Any, items: Any, item_index: Any, weight: Any) -> Any:
    """Softmax cross-entropy of each user's own item against the whole catalogue.

    Args:
        users: (batch, size).
        items: (items, size), all of them.
        item_index: (batch,) row of ``items`` that is the user's own.
        weight: (batch,) what each row counts for.

    Returns:
        Mean loss, a scalar.
    """
    logits = _dot_products(users, items)
    own = ops.take_along_axis(logits, item_index[:, None], axis=1)[:, 0]
    return _mean(ops.logsumexp(logits, axis=1) - own, weight)


def sampled_softmax(
    users: Any, own: Any, own_index: Any, drawn: Any, drawn_index: Any, stands_for: float, weight: Any
) -> Any:
    """Softmax cross-entropy of each user's own item against items that were drawn with equal chances.

    Each drawn item counts for all those that it stands for, so that the sum over the catalogue is estimated without
    bias (Bengio & Senécal, "Adaptive importance sampling to accelerate training of a neural probabilistic language
    model", IEEE Transactions on Neural Networks, 2008).

    Args:
        users: (batch, size).
        own: (batch, size), the users' own items.
        own_index: (batch,) which items these are; where one of them was drawn, it is not its own negative.
        drawn: (drawn, size), the same ones for all users.
        drawn_index: (drawn,) which items these are.
        stands_for: Items of the catalogue for each drawn one.
        weight: (batch,) what each row counts for.

    Returns:
        Mean loss, a scalar.
    """
    positive = ops.cast(ops.sum(users * own, axis=-1), "float32")
    logits = _dot_products(users, drawn) + math.log(stands_for)
    logits = ops.where(ops.equal(own_index[:, None], drawn_index[None, :]), -1e9, logits)
    return _mean(ops.logaddexp(ops.logsumexp(logits, axis=1), positive) - positive, weight)


def bpr(users: Any, items: Any, item_index: Any) -> Any:
    """Bayesian personalised ranking over the batch: a user's own item is to score above each other row's item.

    Rendle et al., "BPR: Bayesian personalized ranking from implicit feedback", UAI 2009. The items of the other rows
    are the negatives, drawn so by their popularity.

    Args:
        users: (batch, size).
        items: (batch, size); row i is the item of user i.
        item_index: (batch,) which item each row is; other rows of the same item are no negatives.

    Returns:
        Mean loss over the pairs, a scalar.
    """
    scores = _dot_products(users, items)
    above = ops.diagonal(scores)[:, None] - scores
    differ = ops.cast(ops.not_equal(item_index[:, None], item_index[None, :]), scores.dtype)
    return ops.sum(ops.softplus(-above) * differ) / ops.maximum(ops.sum(differ), 1.0)


def down_sampled_cross_entropy(logits: Any, labels: Any, log_rate: Any | None = None) -> Any:
    """Binary cross-entropy where negatives were kept at a rate only, with logits that are calibrated all the same.

    Among what was kept the odds are higher by one over the rate; the logits are corrected by it here and need no
    correction where the model is used (King & Zeng, "Logistic regression in rare events data", 2001).

    Args:
        logits: (batch,) of the whole, unsampled data.
        labels: (batch,) 1 or 0.
        log_rate: (batch,) or a scalar: logarithm of the share of the negatives that was kept; None where all were.

    Returns:
        Mean loss, a scalar.
    """
    seen = logits if log_rate is None else logits - log_rate
    return ops.mean(ops.softplus(seen) - labels * seen)


def _dot_products(users: Any, items: Any) -> Any:
    """(users, items), in single precision also where the vectors are not."""
    return ops.cast(ops.matmul(users, ops.transpose(items)), "float32")


def _mean(losses: Any, weight: Any) -> Any:
    return ops.sum(losses * weight) / ops.maximum(ops.sum(weight), 1.0)
