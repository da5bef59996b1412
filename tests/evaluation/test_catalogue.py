from math import log2

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from sklearn.metrics.pairwise import cosine_similarity

from sparkrec.evaluation.catalogue import Catalogue, list_properties

ITEMS = 12


def _titles(random: np.random.Generator) -> np.ndarray:
    """Vectors of five words; some items have no title, and some have the same."""
    titles = random.integers(0, 3, (ITEMS, 5)) * (random.random((ITEMS, 1)) < 0.8).astype(float)
    titles[0] = 0
    titles[3] = titles[2]
    return titles


@given(st.integers(0, 10_000), st.integers(1, 8))
@settings(max_examples=60, deadline=None)
def test_properties_are_those_of_each_list_by_itself(seed: int, k: int) -> None:
    random = np.random.default_rng(seed)
    titles, holders = _titles(random), random.integers(0, 4, ITEMS)
    holders[[0, 1]] = 0, 3
    had = np.flatnonzero(holders)
    lists = [random.permutation(had)[: random.integers(0, 7)] for _ in range(6)]
    items = np.zeros((len(lists), 6), np.int64)
    for row, listed in enumerate(lists):
        items[row, : len(listed)] = listed[:6]

    found = list_properties(items, Catalogue.of(holders.astype(np.float32), sparse.csr_matrix(titles)), k)

    cosines = cosine_similarity(titles)
    for row, listed in enumerate(lists):
        first = listed[: min(k, 6)]
        bits = [-log2(holders[item] / holders.sum()) for item in first]
        assert found[f"novelty@{k}"][row] == pytest.approx(np.mean(bits) if bits else 0, abs=1e-9)
        titled = [item for item in first if titles[item].any()]
        apart = [1 - cosines[a, b] for place, a in enumerate(titled) for b in titled[:place]]
        if titles.any():
            assert found[f"diversity@{k}"][row] == pytest.approx(np.mean(apart) if apart else 0, abs=1e-9)


def test_where_no_item_has_a_title_there_is_no_diversity() -> None:
    catalogue = Catalogue.of(np.array([0, 0, 1, 1], np.float32), sparse.csr_matrix((4, 1)))

    assert list_properties(np.array([[2, 3]]), catalogue, 2).keys() == {"novelty@2"}
    assert list_properties(np.array([[2, 3]]), catalogue, 2)["novelty@2"].tolist() == [1.0]


@pytest.mark.parametrize(
    ("holders", "head"),
    [
        # 6 of 12 are half: one item is enough.
        ([0, 0, 1, 6, 2, 3], [3]),
        # 5 are less than half of 12; the next takes them over it, of two alike the lower.
        ([0, 0, 2, 5, 3, 2], [3, 4]),
        ([0, 0, 3, 3, 3, 3], [2, 3]),
        ([0, 0, 0, 0], []),
    ],
)
def test_the_head_is_the_fewest_items_that_make_half(holders: list[int], head: list[int]) -> None:
    catalogue = Catalogue.of(np.array(holders, np.float32), sparse.csr_matrix((len(holders), 1)))

    assert np.flatnonzero(catalogue.head).tolist() == head
