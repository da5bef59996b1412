"""Order items by score, exactly and always in the same way."""

import numpy as np
from numpy.typing import NDArray

from sparkrec.recommend.users import Floats

_PIECES_OF_A_PLACE, _WIDEST_PIECE = 4, 64


def top_k(scores: Floats, k: int) -> NDArray[np.int64]:
    """Indices of each row's k highest scores, highest first; ties go to the lower index.

    Args:
        scores: (rows, items); -inf marks what must not be shown, and comes last.
        k: At most this many; fewer where there are fewer items.

    Returns:
        (rows, min(k, items)).
    """
    items = scores.shape[1]
    k = min(k, items)
    width = min(items // (_PIECES_OF_A_PLACE * k), _WIDEST_PIECE)
    if width < 2:
        return np.argsort(-scores, axis=1, kind="stable")[:, :k]
    # Of k pieces of the row each has an item of at least the bound, so that the first k items have, too.
    heights = np.maximum.reduceat(scores, np.arange(0, items, width), axis=1)
    bounds = np.partition(heights, -k, axis=1)[:, -k]
    first = np.empty((len(scores), k), np.int64)
    for row, bound, chosen in zip(scores, bounds, first, strict=True):
        above = np.flatnonzero(row > bound)
        # Those of the bound itself are in the order of their indices already, and may be very many.
        found = above[np.argsort(-row[above], kind="stable")][:k]
        chosen[: len(found)] = found
        chosen[len(found) :] = np.flatnonzero(row == bound)[: k - len(found)]
    return first


def standardised(scores: Floats, known: NDArray[np.bool_]) -> Floats:
    """Each row with mean 0 and deviation 1 over the known items, so that scores of models add up."""
    mean, deviation = (values.astype(np.float32)[:, None] for values in moments(scores, known))
    return np.asarray((scores - mean) / np.maximum(deviation, np.float32(1e-9)), np.float32)


def moments(scores: Floats, known: NDArray[np.bool_]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and deviation of each row over the known items, (rows,) each."""
    mean, deviation = np.empty(len(scores)), np.empty(len(scores))
    # A row at a time stays in the processor's cache. In double precision, or equal scores would differ from their mean
    # by a rounding error, which counts for much then.
    for place, row in enumerate(scores):
        among = row[known].astype(np.float64)
        mean[place], deviation[place] = among.mean(), among.std()
    return mean, deviation


def shown(scores: Floats, known: NDArray[np.bool_], touched: NDArray[np.bool_], shelf: str) -> Floats:
    """The scores with -inf where the shelf must not show an item.

    No shelf shows an item that is not known; discover shows nothing that the user has touched.
    """
    return np.where(visible(known, touched, shelf), scores, np.float32(-np.inf))


def visible(known: NDArray[np.bool_], touched: NDArray[np.bool_], shelf: str) -> NDArray[np.bool_]:
    """What the shelf may show each user, (users, items)."""
    return known & ~touched if shelf == "discover" else np.broadcast_to(known, touched.shape)
