import numpy as np
import pytest

from sparkrec.recommend.item_lists import ItemLists
from sparkrec.recommend.scorers.scorer import Best
from sparkrec.recommend.search.index import ItemIndex
from sparkrec.recommend.search.recall import probe_enough, recall
from sparkrec.recommend.search.search import ItemSearch

RANDOM = np.random.default_rng(6)
ITEMS = RANDOM.standard_normal((3_000, 12), dtype=np.float32)
USERS = RANDOM.standard_normal((40, 12), dtype=np.float32)
SHOWN = np.ones(3_000, bool)


def _by_hand(found: Best) -> float:
    exact = np.argsort(-(USERS @ ITEMS.T), axis=1)[:, :10]
    return sum(len(set(exact[user]) & set(found.items[user])) for user in range(40)) / 400


def test_recall_counts_the_items_of_the_exact_lists() -> None:
    exact = Best(np.array([[1, 2, 3], [4, 5, -1], [-1, -1, -1]], np.int32), np.zeros((3, 3), np.float32))
    found = Best(np.array([[3, 9, 1], [4, -1, -1], [7, -1, -1]], np.int32), np.zeros((3, 3), np.float32))

    assert recall(found, exact) == 3 / 5
    assert recall(exact, exact) == 1
    assert recall(found, Best(np.full((3, 3), -1, np.int32), exact.scores)) == 1


@pytest.mark.parametrize("cells", [1, 4, 16, 46])
def test_the_recall_measured_is_that_by_hand_and_scores_are_exact(cells: int) -> None:
    index = ItemIndex.in_cells(ITEMS, seed=1)
    index.probe(cells)

    found = ItemSearch(index, SHOWN).best(USERS, ItemLists.none(40), 10)
    exact = ItemSearch(ItemIndex.flat(ITEMS), SHOWN).best(USERS, ItemLists.none(40), 10)

    assert index.cells == 46
    assert recall(found, exact) == _by_hand(found)
    assert (recall(found, exact) == 1) == (cells == 46)
    np.testing.assert_allclose(found.scores, np.take_along_axis(USERS @ ITEMS.T, found.items, 1), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("least", [0.5, 0.95, 1.0])
def test_as_few_cells_as_the_recall_needs(least: float) -> None:
    index = ItemIndex.in_cells(ITEMS, seed=1)
    search, exact = ItemSearch(index, SHOWN), ItemSearch(ItemIndex.flat(ITEMS), SHOWN)

    reached = probe_enough(index, search, exact, USERS, 10, least)

    at_cells = {}
    for cells in (1, 2, 4, 8, 16, 32, 64):
        index.probe(cells)
        at_cells[cells] = _by_hand(search.best(USERS, ItemLists.none(40), 10))
    assert reached == next(found for found in at_cells.values() if found >= least)
    assert at_cells[1] < 0.5 < at_cells[16] < at_cells[64] == 1


def test_cells_written_and_read_find_the_same() -> None:
    index = ItemIndex.in_cells(ITEMS, seed=1)
    index.probe(5)
    again = ItemIndex.of_bytes(index.to_bytes(), ITEMS)

    seen = ItemLists(np.arange(41), RANDOM.integers(0, 3_000, 40))
    one, other = (ItemSearch(which, SHOWN).best(USERS, seen, 10) for which in (index, again))

    np.testing.assert_array_equal(one.items, other.items)
    np.testing.assert_array_equal(one.scores, other.scores)
    assert (again.exact, again.cells) == (False, 46)


def test_the_same_vectors_and_seed_give_the_same_cells() -> None:
    one, same, other = (ItemIndex.in_cells(ITEMS, seed).to_bytes().tobytes() for seed in (1, 1, 2))

    assert one == same != other


def test_an_approximate_search_shows_nothing_seen_and_nothing_that_must_not_be() -> None:
    shown = RANDOM.random(3_000) < 0.5
    index = ItemIndex.in_cells(ITEMS[shown], seed=1)
    index.probe(3)
    seen = np.argsort(-np.where(shown, USERS @ ITEMS.T, -np.inf), axis=1)[:, :5]

    found = ItemSearch(index, shown).best(USERS, ItemLists(np.arange(0, 201, 5), seen.ravel()), 10)

    assert shown[found.items[found.items >= 0]].all()
    assert not (found.items[:, :, None] == seen[:, None, :]).any()
    assert (found.scores[:, :-1] >= found.scores[:, 1:]).all()
