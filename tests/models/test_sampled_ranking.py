import math

import numpy as np
import pytest

from sparkrec.models.sampled_ranking import sampled_ndcg


def _vectors(scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Users and items whose dot products are the scores."""
    return scores.astype("float32"), np.eye(scores.shape[1], dtype="float32")


def test_a_better_item_counts_for_as_many_as_it_stands_for() -> None:
    users, items = _vectors(np.array([[1.0, 2.0, 0.0], [5.0, 3.0, 4.0], [0.0, 0.0, 9.0]]))
    shares = np.array([0.5, 0.1, 0.4])

    ndcg = sampled_ndcg(users, items, np.array([1, 2, 3]), np.log(shares).astype("float32"))

    # Above the first stands the second item alone, drawn 3 x 0.1 times in a batch of 3.
    ranks = [1 + 1 / 0.3, 1 + 1 / 1.5 + 1 / 1.2, 1]
    assert float(ndcg) == pytest.approx(sum(1 / math.log2(1 + rank) for rank in ranks) / 3, abs=1e-6)


def test_other_rows_of_the_same_item_are_not_above_it() -> None:
    users, items = _vectors(np.array([[1.0, 2.0], [3.0, 1.0]]))

    assert float(sampled_ndcg(users, items, np.array([7, 7]), np.zeros(2, "float32"))) == 1.0


def test_the_rank_is_right_on_average_whatever_the_shares() -> None:
    random = np.random.default_rng(8)
    shares = random.dirichlet(np.full(40, 0.5))
    scores = random.normal(size=40)
    own = 11
    true = 1 + int((scores > scores[own]).sum())
    ranks = []
    for _ in range(400):
        drawn = np.append(own, random.choice(40, 999, p=shares))
        users = np.zeros((1000, 1), "float32") + 1
        ndcg = sampled_ndcg(
            np.where(np.arange(1000)[:, None] == 0, users, 0 * users),
            scores[drawn].astype("float32")[:, None],
            drawn,
            np.log(shares[drawn]).astype("float32"),
        )
        # All other users score 0 everywhere: nothing is above their items.
        first = float(ndcg) * 1000 - 999
        ranks.append(2 ** (1 / first) - 1)
    assert np.mean(ranks) == pytest.approx(true, rel=0.03)
