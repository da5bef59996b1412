import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from sparkrec.recommend.ranking import top_k

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
