import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from sparkrec.recommend.ranking import shown, standardised, top_k

TIES = st.sampled_from([-np.inf, -1.0, 0.0, 0.5, 1.0, 2.0])
ANY = st.floats(width=32, allow_nan=False, allow_infinity=False)
SHAPES = st.tuples(st.integers(1, 6), st.integers(1, 40))


@given(arrays.arrays(np.float32, SHAPES, elements=TIES) | arrays.arrays(np.float32, SHAPES, elements=ANY), st.data())
@settings(max_examples=300, deadline=None)
def test_top_k_is_the_front_of_a_full_stable_sort(scores: np.ndarray, data: st.DataObject) -> None:
    k = data.draw(st.integers(1, scores.shape[1] + 3))
    expected = [sorted(range(len(row)), key=lambda item: (-row[item], item))[:k] for row in scores.tolist()]

    assert top_k(scores, k).tolist() == expected


def test_top_k_of_many_items_with_ties_across_the_cut() -> None:
    scores = np.random.default_rng(1).integers(0, 8, (50, 2000)).astype(np.float32)

    np.testing.assert_array_equal(top_k(scores, 100), np.argsort(-scores, axis=1, kind="stable")[:, :100])


@given(
    arrays.arrays(np.float32, st.tuples(st.integers(1, 4), st.integers(200, 400)), elements=TIES),
    st.integers(1, 12),
)
@settings(max_examples=100, deadline=None)
def test_top_k_of_pieces_is_the_front_of_a_full_stable_sort(scores: np.ndarray, k: int) -> None:
    np.testing.assert_array_equal(top_k(scores, k), np.argsort(-scores, axis=1, kind="stable")[:, :k])


def test_what_must_not_be_shown_comes_last() -> None:
    scores = np.array([[-np.inf, -5, -np.inf, -7]], np.float32)

    assert top_k(scores, 3).tolist() == [[1, 3, 0]]


def test_standardised_scores_have_mean_0_and_deviation_1_over_the_known_items_and_rank_as_before() -> None:
    random = np.random.default_rng(1)
    scores = random.normal(5, 3, (7, 50)).astype(np.float32)
    known = random.random(50) < 0.7

    found = standardised(scores, known)

    assert found.dtype == np.float32
    np.testing.assert_allclose(found[:, known].mean(axis=1), 0, atol=1e-5)
    np.testing.assert_allclose(found[:, known].std(axis=1), 1, atol=1e-5)
    np.testing.assert_array_equal(top_k(found, 50), top_k(scores, 50))


@pytest.mark.parametrize("value", [0.0, 0.1, 123.456, 1e6])
def test_equal_scores_say_nothing_in_a_blend(value: float) -> None:
    assert not standardised(np.full((2, 1001), value, np.float32), np.ones(1001, bool)).any()


def test_shelves_hide_unknown_items_and_discover_what_the_user_has_touched() -> None:
    scores = np.array([[1, 2, 3, 4], [5, 6, 7, 8]], np.float32)
    known = np.array([False, True, True, True])
    touched = np.array([[False, True, False, False], [True, False, False, True]])

    hidden = -np.inf
    assert shown(scores, known, touched, "reorder").tolist() == [[hidden, 2, 3, 4], [hidden, 6, 7, 8]]
    assert shown(scores, known, touched, "discover").tolist() == [[hidden, hidden, 3, 4], [hidden, 6, 7, hidden]]
    assert shown(scores, known, touched, "discover").dtype == np.float32
