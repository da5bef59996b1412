"""How much of what an exact search finds another one finds."""

import numpy as np

from sparkrec.recommend.item_lists import ItemLists
from sparkrec.recommend.scorers.scorer import Best
from sparkrec.recommend.search.index import ItemIndex
from sparkrec.recommend.search.search import ItemSearch
from sparkrec.recommend.users import Floats


def recall(found: Best, exact: Best) -> float:
    """Share of the exact lists' items that are in the lists found; 1 where these are empty."""
    there, wanted = found.items >= 0, exact.items >= 0
    lists = ItemLists(np.concatenate([[0], np.cumsum(there.sum(axis=1))]), found.items[there].astype(np.int64))
    catalogue = 1 + max(int(best.items.max(initial=0)) for best in (found, exact))
    hits = lists.hold(exact.items.astype(np.int64), catalogue)
    return float(hits.sum() / wanted.sum()) if wanted.any() else 1.0


def probe_enough(
    index: ItemIndex, search: ItemSearch, exact: ItemSearch, sample: Floats, most: int, least: float
) -> float:
    """Let the index see the fewest cells, doubled from one on, with which its recall is at least ``least``.

    Args:
        index: An index of cells, which is set.
        search: The search by it.
        exact: The search by all vectors.
        sample: Vectors of the users that the recall is measured on, (users, size).
        most: Length of a list.
        least: Recall that is enough.

    Returns:
        The recall measured.
    """
    nobody = ItemLists.none(len(sample))
    wanted = exact.best(sample, nobody, most)
    cells, reached = 1, 0.0
    while True:
        index.probe(cells)
        reached = recall(search.best(sample, nobody, most), wanted)
        if reached >= least or cells >= index.cells:
            return reached
        cells *= 2
