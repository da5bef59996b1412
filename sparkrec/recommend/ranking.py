"""Order items by score, exactly and always in the same way."""

import numpy as np
from numpy.typing import NDArray

from sparkrec.recommend.users import Floats


def top_k(scores: Floats, k: int) -> NDArray[np.int64]:
    """Indices of each row's k highest scores, highest first; ties go to the lower index.

    Args:
        scores: (rows, items); -inf marks what must not be shown, and comes last.
        k: At most this many; fewer where there are fewer items.

    Returns:
        (rows, min(k, items)).
    """
    k = min(k, scores.shape[1])
    if k == scores.shape[1]:
        return np.argsort(-scores, axis=1, kind="stable")
    chosen = np.sort(np.argpartition(-scores, k - 1, axis=1)[:, :k], axis=1)
    values = np.take_along_axis(scores, chosen, 1)
    # Where the lowest chosen score occurs outside the chosen, too, the partition took any of them.
    lowest = values.min(axis=1, keepdims=True)
    cut_ties = (scores == lowest).sum(axis=1) > (values == lowest).sum(axis=1)
    order = np.argsort(-values, axis=1, kind="stable")
    ranked = np.take_along_axis(chosen, order, 1)
    ranked[cut_ties] = np.argsort(-scores[cut_ties], axis=1, kind="stable")[:, :k]
    return ranked


def standardised(scores: Floats, known: NDArray[np.bool_]) -> Floats:
    """Each row with mean 0 and deviation 1 over the known items, so that scores of models add up."""
    among = scores[:, known]
    # In double precision, or equal scores would differ from their mean by a rounding error, which counts for much then.
    mean = among.mean(axis=1, keepdims=True, dtype=np.float64).astype(np.float32)
    deviation = among.std(axis=1, keepdims=True, dtype=np.float64).astype(np.float32)
    return np.asarray((scores - mean) / np.maximum(deviation, np.float32(1e-9)), np.float32)


def shown(scores: Floats, known: NDArray[np.bool_], touched: NDArray[np.bool_], shelf: str) -> Floats:
    """The scores with -inf where the shelf must not show an item.

    No shelf shows an item that is not known; discover shows nothing that the user has touched.
    """
    return np.where(visible(known, touched, shelf), scores, np.float32(-np.inf))


def visible(known: NDArray[np.bool_], touched: NDArray[np.bool_], shelf: str) -> NDArray[np.bool_]:
    """What the shelf may show each user, (users, items)."""
    return known & ~touched if shelf == "discover" else np.broadcast_to(known, touched.shape)
