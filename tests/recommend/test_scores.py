"""Scores without a matrix are those of the matrix."""

import numpy as np
import pandas as pd
import pytest
from dense_scores import DenseScores, check_same, lists_of
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from sparkrec.recommend.pairs import first_of_each, slices, values_at
from sparkrec.recommend.scorers.dot_product import DotProduct
from sparkrec.recommend.scorers.scorer import Best
from sparkrec.recommend.scorers.sparse_scores import SharedScores, SparseScores, nothing_own
from sparkrec.recommend.users import UserBatch


@given(st.integers(0, 2**32 - 1), st.integers(1, 6), st.integers(1, 40), st.integers(1, 4))
@settings(max_examples=200, deadline=None)
def test_sparse_scores_are_those_of_the_matrix(seed: int, users: int, items: int, values: int) -> None:
    random = np.random.default_rng(seed)
    # Few different values: there are ties of all kinds.
    shared = random.integers(-values, values, items).astype(np.float32)
    known, own = random.random(items) < 0.8, random.random((users, items)) < random.random()
    known[0] = True
    scores = random.integers(-values, 2 * values, (users, items)).astype(np.float32)
    offset = random.integers(-2, 3, users).astype(np.float32)
    row, item = np.nonzero(own)
    stored = sparse.csr_matrix((scores[own], (row, item)), own.shape)
    matrix = np.where(own, scores, shared + offset[:, None])
    hidden = lists_of(random.random((users, items)) < 0.3)

    check_same(SparseScores(SharedScores.of(shared, known), stored, offset), DenseScores(matrix, known), hidden)


def test_dot_products_are_those_of_the_matrix() -> None:
    random = np.random.default_rng(4)
    vectors = {"users": random.normal(size=(9, 5)), "items": random.normal(size=(60, 5)) + 1}
    vectors["users"][3] = 0
    known = random.random(60) < 0.7
    rows = _rows([8, 3, 5]).assign(vector_als=[vectors["users"][8], None, vectors["users"][5]])

    found = DotProduct("als", {"items": vectors["items"].astype(np.float32)}, known).of(UserBatch.of(rows, 60))

    hidden = lists_of(random.random((3, 60)) < 0.4)
    check_same(found, DenseScores(vectors["users"][[8, 3, 5]] @ vectors["items"].T, known), hidden)
    np.testing.assert_array_equal(found.standard(np.array([1]), np.flatnonzero(known)[:1]), [0])


def _rows(users: list[int]) -> pd.DataFrame:
    lists = {name: [np.zeros(0)] * len(users) for name in ("items", "events", "days_since", "first_days_since")}
    return pd.DataFrame({"user_index": users, **lists, "interacted": [np.zeros(0)] * len(users)})


@pytest.mark.parametrize("value", [0.0, 0.1, 123.456, 1e6])
def test_equal_scores_say_nothing_in_a_blend(value: float) -> None:
    shared = SharedScores.of(np.full(1001, value, np.float32), np.ones(1001, bool))
    found = SparseScores(shared, nothing_own(2, 1001))

    assert not found.standard(np.array([0, 1]), np.array([7, 900])).any()


@given(st.integers(0, 2**32 - 1), st.integers(0, 60), st.integers(1, 5), st.integers(1, 12))
@settings(max_examples=200, deadline=None)
def test_the_first_of_each_are_the_front_of_a_sort(seed: int, pairs: int, users: int, most: int) -> None:
    random = np.random.default_rng(seed)
    whose, items = random.integers(0, users, pairs), random.permutation(pairs)
    scores = random.integers(-3, 3, pairs).astype(np.float32)

    chosen, rank = first_of_each(whose, items, scores, most)

    expected = [
        (user, place)
        for user in range(users)
        for place in sorted(np.flatnonzero(whose == user), key=lambda pair: (-scores[pair], items[pair]))[:most]
    ]
    assert list(zip(whose[chosen].tolist(), chosen.tolist(), strict=True)) == expected
    assert rank.tolist() == [number for user in range(users) for number in range(min(most, (whose == user).sum()))]


def test_a_list_is_pairs_and_back() -> None:
    best = Best(np.array([[4, 2, -1], [-1, -1, -1], [1, 5, 3]], np.int32), np.array([[9, 8, -np.inf]] * 3, np.float32))

    users, items, rank = best.pairs

    assert (users.tolist(), items.tolist(), rank.tolist()) == ([0, 0, 2, 2, 2], [4, 2, 1, 5, 3], [0, 1, 0, 1, 2])
    np.testing.assert_array_equal(Best.of(users, items, rank, best.scores[users, rank], (3, 3)).items, best.items)


def test_values_of_a_sparse_matrix_are_found_by_pair() -> None:
    matrix = sparse.csr_matrix(np.array([[0, 2, 0], [0, 0, 0], [5, 0, 7]], np.float32))

    values, there = values_at(matrix, np.array([0, 0, 1, 2, 2]), np.array([1, 2, 1, 0, 2]))

    assert (values.tolist(), there.tolist()) == ([2, 0, 0, 5, 7], [True, False, False, True, True])
    assert slices(np.array([3, 9, 1]), np.array([2, 0, 3])).tolist() == [3, 4, 1, 2, 3]
