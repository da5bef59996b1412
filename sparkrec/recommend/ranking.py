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
