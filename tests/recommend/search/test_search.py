import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sparkrec.recommend.item_lists import ItemLists
from sparkrec.recommend.ranking import top_k
from sparkrec.recommend.scorers.scorer import Best
from sparkrec.recommend.search import search as searching
from sparkrec.recommend.search.index import ItemIndex
from sparkrec.recommend.search.search import ItemSearch


def _lists(of_users: list[list[int]]) -> ItemLists:
    starts = np.concatenate([[0], np.cumsum([len(items) for items in of_users])]).astype(np.int64)
    return ItemLists(starts, np.array([item for items in of_users for item in items], np.int64))


def _best(queries: np.ndarray, items: np.ndarray, shown: np.ndarray, seen: list[list[int]], most: int) -> Best:
    return ItemSearch(ItemIndex.flat(items[shown]), shown).best(queries, _lists(seen), most)


def _by_numpy(scores: np.ndarray, shown: np.ndarray, seen: list[list[int]], most: int) -> list[list[int]]:
    masked = np.where(shown, scores, -np.inf).astype(np.float32)
    for user, items in enumerate(seen):
        masked[user, items] = -np.inf
    best = top_k(masked, most)
    return [[item for item in row if masked[user, item] > -np.inf] for user, row in enumerate(best.tolist())]


def _found(best: Best) -> list[list[int]]:
    return [[item for item in row if item >= 0] for row in best.items.tolist()]


@given(st.data())
@settings(max_examples=200, deadline=None)
def test_the_best_are_those_of_numpy_ties_and_what_is_seen_and_not_shown_included(data: st.DataObject) -> None:
    users, count, size = (data.draw(st.integers(1, most)) for most in (6, 60, 5))
    random = np.random.default_rng(data.draw(st.integers(0, 1 << 20)))
    # Whole numbers: products are exact however they are added up, and many are alike.
    queries = random.integers(-2, 3, (users, size)).astype(np.float32)
    items = random.integers(-2, 3, (count, size)).astype(np.float32)
    shown = random.random(count) < data.draw(st.sampled_from([0.0, 0.5, 1.0]))
    share = data.draw(st.sampled_from([0.0, 0.2, 0.9, 1.0]))
    seen = [np.flatnonzero(random.random(count) < share).tolist() for _ in range(users)]
    most = data.draw(st.integers(1, 70))

    best = _best(queries, items, shown, seen, most)

    assert best.items.shape == best.scores.shape == (users, most)
    assert _found(best) == _by_numpy(queries @ items.T, shown, seen, most)
    there = best.items >= 0
    assert (there[:, :-1] >= there[:, 1:]).all()
    assert (best.scores[~there] == -np.inf).all()
    np.testing.assert_array_equal(best.scores[there], (queries @ items.T)[np.nonzero(there)[0], best.items[there]])


def test_many_users_of_real_numbers_have_the_lists_and_scores_that_numpy_gives() -> None:
    random = np.random.default_rng(3)
    # Sixteenths: their products are exact.
    queries, items = (
        np.round(16 * random.standard_normal((rows, 16))).astype(np.float32) / 16 for rows in (5_000, 700)
    )
    shown = random.random(700) < 0.9
    # Each has seen some of what would come first.
    first = np.argsort(-(queries @ items.T), axis=1)
    seen = [first[user, : user % 40].tolist() for user in range(5_000)]

    best = _best(queries, items, shown, seen, 20)

    np.testing.assert_array_equal(best.items, _by_numpy(queries @ items.T, shown, seen, 20))
    np.testing.assert_array_equal(best.scores, np.take_along_axis(queries @ items.T, best.items, 1))


def test_items_alike_beyond_those_looked_at_come_by_their_number() -> None:
    items = np.ones((3_000, 8), np.float32)
    items[2_500:] = 2
    queries = np.stack([np.full(8, 0.1, np.float32), np.zeros(8, np.float32), np.full(8, -0.1, np.float32)])

    best = _best(queries, items, np.ones(3_000, bool), [[2_500], [1], []], 30)

    assert best.items[0].tolist() == list(range(2_501, 2_531))
    assert best.items[1].tolist() == [0, *range(2, 31)]
    assert best.items[2].tolist() == list(range(30))
    assert len(set(best.scores[0])) == len(set(best.scores[2])) == 1


class _LastOfEqualOnes(ItemIndex):
    """Of items with the same score, finds the last ones first, as an index may."""

    def nearest(self, queries: np.ndarray, most: int) -> tuple[np.ndarray, np.ndarray]:
        order = np.argsort(-(queries @ self.vectors.T)[:, ::-1], axis=1, kind="stable")
        places = (len(self.vectors) - 1 - order)[:, :most]
        return np.take_along_axis(queries @ self.vectors.T, places, 1), places


@pytest.mark.parametrize("seen", [[], [0], [44], [58], [0, 1, 59], [*range(50, 60)], [*range(60)]])
def test_ties_go_to_the_lower_item_whichever_the_index_finds(seen: list[int]) -> None:
    items = np.ones((60, 2), np.float32)
    items[:3] = 2
    index = ItemIndex.flat(items)
    contrary = _LastOfEqualOnes(index._index, index.vectors, exact=True)

    best = ItemSearch(contrary, np.ones(60, bool)).best(np.ones((1, 2), np.float32), _lists([seen]), 10)

    assert _found(best) == [[item for item in range(60) if item not in seen][:10]]


def test_one_user_has_the_same_scores_alone_and_among_many() -> None:
    random = np.random.default_rng(4)
    queries = random.standard_normal((300, 33), dtype=np.float32)
    items = random.standard_normal((500, 33), dtype=np.float32)
    search = ItemSearch(ItemIndex.flat(items), np.ones(500, bool))

    together = search.best(queries, ItemLists.none(300), 50)
    alone = [search.best(queries[[user]], ItemLists.none(1), 50) for user in range(300)]

    np.testing.assert_array_equal(together.items, np.concatenate([best.items for best in alone]))
    np.testing.assert_array_equal(together.scores, np.concatenate([best.scores for best in alone]))


@pytest.mark.parametrize("at_once", [1, 7, 1 << 20])
def test_batches_do_not_change_what_is_found(monkeypatch: pytest.MonkeyPatch, at_once: int) -> None:
    random = np.random.default_rng(5)
    queries = random.integers(-2, 3, (50, 3)).astype(np.float32)
    items = random.integers(-2, 3, (200, 3)).astype(np.float32)
    shown = np.ones(200, bool)
    seen = [random.choice(200, random.integers(0, 200), replace=False).tolist() for _ in range(50)]
    monkeypatch.setattr(searching, "_CANDIDATES_AT_ONCE", at_once)
    monkeypatch.setattr(searching, "_SCORES_AT_ONCE", at_once)

    assert _found(_best(queries, items, shown, seen, 10)) == _by_numpy(queries @ items.T, shown, seen, 10)


def test_no_users_no_items_and_nothing_shown() -> None:
    items = np.ones((4, 2), np.float32)
    none = np.zeros((0, 2), np.float32)

    assert _best(none, items, np.ones(4, bool), [], 3).items.shape == (0, 3)
    assert _best(items, items, np.zeros(4, bool), [[], [], [1], []], 3).items.tolist() == [[-1] * 3] * 4
    assert _best(items, items, np.ones(4, bool), [[0, 1, 2, 3], [], [1], []], 3).items.tolist() == [
        [-1, -1, -1],
        [0, 1, 2],
        [0, 2, 3],
        [0, 1, 2],
    ]
