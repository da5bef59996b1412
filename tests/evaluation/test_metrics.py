import os
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

# To compile ranx takes a minute, to run it as it is a second.
os.environ["NUMBA_DISABLE_JIT"] = "1"
with warnings.catch_warnings():
    # Its dependencies warn when they are imported.
    warnings.simplefilter("ignore")
    import ranx

from sparkrec.evaluation.metrics import list_metrics
from sparkrec.recommend.ranking import top_k

NAMES = ["ndcg", "hit_rate", "recall", "precision", "mrr", "map"]


def _average_precision(hits: list[bool], targets: int, k: int) -> float:
    """Mean over the targets, at most k, of the precision at each hit's place."""
    found = [place for place, hit in enumerate(hits[:k], start=1) if hit]
    return sum((number + 1) / place for number, place in enumerate(found)) / min(targets, k)


def _ranx(scores: np.ndarray, targets: np.ndarray, k: int) -> dict[str, np.ndarray]:
    """What ranx gives for lists whose ties go to the lower index."""
    items = scores.shape[1]
    qrels = {f"u{user:02}": {f"i{item}": 1 for item in np.flatnonzero(row)} for user, row in enumerate(targets)}
    run = {
        f"u{user:02}": {f"i{item}": float(items * score) - item for item, score in enumerate(row)}
        for user, row in enumerate(scores)
    }
    found = ranx.evaluate(ranx.Qrels(qrels), ranx.Run(run), [f"{name}@{k}" for name in NAMES], return_mean=False)
    return {name: np.asarray(values) for name, values in found.items()}


@given(
    seed=st.integers(0, 100_000),
    items=st.integers(2, 25),
    k=st.integers(1, 12),
    # Few levels make many ties, one nothing but.
    levels=st.sampled_from([1, 2, 6, 1000]),
)
@settings(max_examples=25, deadline=None)
def test_metrics_are_those_of_ranx(seed: int, items: int, k: int, levels: int) -> None:
    random = np.random.default_rng(seed)
    users = 12
    scores = random.integers(0, levels, (users, items)).astype(np.float32)
    targets = random.random((users, items)) < random.random((users, 1)) ** 2
    targets[np.arange(users), random.integers(0, items, users)] = True
    wanted = targets.sum(axis=1)

    found = list_metrics(np.take_along_axis(targets, top_k(scores, k), 1), wanted, k)

    expected = _ranx(scores, targets, k)
    # ranx divides by all targets, also where there are more than places.
    expected[f"map@{k}"] = expected[f"map@{k}"] * wanted / np.minimum(wanted, k)
    assert found.keys() == expected.keys()
    for name, values in found.items():
        np.testing.assert_allclose(values, expected[name], rtol=0, atol=1e-9)


@given(
    st.lists(st.booleans(), min_size=1, max_size=8),
    st.integers(min_value=0, max_value=6),
    st.integers(min_value=1, max_value=12),
)
@settings(max_examples=60, deadline=None)
def test_metrics_of_a_list_shorter_or_longer_than_k_are_as_defined(hits: list[bool], missed: int, k: int) -> None:
    targets = max(sum(hits) + missed, 1)
    first = hits[:k]
    gain = sum(1 / np.log2(place + 2) for place, hit in enumerate(first) if hit)
    ideal = sum(1 / np.log2(place + 2) for place in range(min(targets, k)))

    found = list_metrics(np.array([hits]), np.array([targets]), k)

    expected = {
        "ndcg": gain / ideal,
        "hit_rate": float(any(first)),
        "recall": sum(first) / targets,
        "precision": sum(first) / k,
        "mrr": 1 / (first.index(True) + 1) if any(first) else 0.0,
        "map": _average_precision(hits, targets, k),
    }
    assert {name: values[0] for name, values in found.items()} == pytest.approx(
        {f"{name}@{k}": value for name, value in expected.items()}, abs=1e-12
    )


def test_no_lists_have_no_values() -> None:
    found = list_metrics(np.zeros((0, 10), bool), np.zeros(0, np.int64), 10)

    assert {values.shape for values in found.values()} == {(0,)}
