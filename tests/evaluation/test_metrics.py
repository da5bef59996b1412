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

NAMES = ["ndcg@10", "hit_rate@10", "recall@10", "precision@10", "mrr@10"]
USERS, ITEMS = 40, 25


def _average_precision(hits: list[bool], targets: int, k: int) -> float:
    """Mean over the targets, at most k, of the precision at each hit's place."""
    found = [place for place, hit in enumerate(hits[:k], start=1) if hit]
    return sum((number + 1) / place for number, place in enumerate(found)) / min(targets, k)


@pytest.fixture(scope="module")
def ranked() -> tuple[np.ndarray, np.ndarray]:
    """Scores with many ties, and targets: from one to more than ten a user."""
    random = np.random.default_rng(9)
    scores = random.integers(0, 6, (USERS, ITEMS)).astype(np.float32)
    targets = random.random((USERS, ITEMS)) < random.random((USERS, 1)) ** 2
    targets[np.arange(USERS), random.integers(0, ITEMS, USERS)] = True
    assert targets.sum(axis=1).min() == 1
    assert targets.sum(axis=1).max() > 12
    return scores, targets


@pytest.fixture(scope="module")
def metrics(ranked: tuple[np.ndarray, np.ndarray]) -> dict[str, np.ndarray]:
    scores, targets = ranked
    hits = np.take_along_axis(targets, top_k(scores, 10), 1)
    return list_metrics(hits, targets.sum(axis=1), 10)


@pytest.fixture(scope="module")
def oracle(ranked: tuple[np.ndarray, np.ndarray]) -> dict[str, np.ndarray]:
    """What ranx gives for lists whose ties go to the lower index."""
    scores, targets = ranked
    qrels = {f"u{user:02}": {f"i{item}": 1 for item in np.flatnonzero(row)} for user, row in enumerate(targets)}
    run = {
        f"u{user:02}": {f"i{item}": float(ITEMS * score) - item for item, score in enumerate(row)}
        for user, row in enumerate(scores)
    }
    found = ranx.evaluate(ranx.Qrels(qrels), ranx.Run(run), [*NAMES, "map@10"], return_mean=False)
    return {name: np.asarray(values) for name, values in found.items()}


@pytest.mark.parametrize("name", NAMES)
def test_metrics_are_those_of_ranx(metrics: dict[str, np.ndarray], oracle: dict[str, np.ndarray], name: str) -> None:
    assert len(np.unique(metrics[name])) > 1
    np.testing.assert_allclose(metrics[name], oracle[name], rtol=0, atol=1e-9)


def test_average_precision_is_over_at_most_k_targets_where_ranx_takes_all(
    ranked: tuple[np.ndarray, np.ndarray], metrics: dict[str, np.ndarray], oracle: dict[str, np.ndarray]
) -> None:
    wanted = ranked[1].sum(axis=1)

    expected = oracle["map@10"] * wanted / np.minimum(wanted, 10)

    np.testing.assert_allclose(metrics["map@10"], expected, rtol=0, atol=1e-9)


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
