import math

import keras
import numpy as np
import pytest

from sparkrec.models.losses import bpr, down_sampled_cross_entropy, full_softmax, in_batch_softmax, sampled_softmax


def _oracle(users: np.ndarray, items: np.ndarray, index: list[int], log_q: np.ndarray, temperature: float) -> float:
    """The loss, written out with the numbers of Python."""
    losses = []
    for row, user in enumerate(users.tolist()):
        logits = {
            other: sum(a * b for a, b in zip(user, item, strict=True)) / temperature - log_q.tolist()[other]
            for other, item in enumerate(items.tolist())
            if other == row or index[other] != index[row]
        }
        losses.append(math.log(sum(math.exp(logit) for logit in logits.values())) - logits[row])
    return sum(losses) / len(losses)


@pytest.mark.parametrize("index", [[1, 2, 3, 4, 5, 6], [1, 2, 1, 3, 2, 1], [4, 4, 4, 4, 4, 4]])
@pytest.mark.parametrize("temperature", [1.0, 0.2])
def test_in_batch_softmax_takes_off_log_q_and_masks_other_rows_of_the_same_item(
    index: list[int], temperature: float
) -> None:
    random = np.random.default_rng(5)
    users, items = random.normal(size=(2, 6, 4)).astype("float32")
    log_q = np.log(random.dirichlet(np.ones(9)))[index].astype("float32")

    loss = in_batch_softmax(users, items, keras.ops.array(index), keras.ops.array(log_q), temperature)

    assert float(loss) == pytest.approx(_oracle(users, items, index, log_q, temperature), abs=1e-5)


def test_a_batch_of_one_item_has_no_negatives_and_no_loss() -> None:
    vectors = np.random.default_rng(5).normal(size=(3, 4)).astype("float32")

    loss = in_batch_softmax(vectors, vectors, np.array([7, 7, 7]), np.zeros(3, "float32"), 0.1)

    assert float(loss) == 0.0


def test_the_full_softmax_is_the_cross_entropy_over_the_catalogue() -> None:
    random = np.random.default_rng(4)
    users, items = random.normal(size=(5, 3)).astype("float32"), random.normal(size=(7, 3)).astype("float32")
    index, weight = np.array([0, 3, 3, 6, 1]), np.array([1, 1, 0, 1, 1], "float32")
    logits = (users @ items.T).astype("float64")
    expected = np.log(np.exp(logits).sum(axis=1)) - logits[np.arange(5), index]

    assert float(full_softmax(users, items, index, weight)) == pytest.approx((expected * weight).sum() / 4, rel=1e-5)


def test_the_sampled_softmax_estimates_the_full_one() -> None:
    random = np.random.default_rng(4)
    users, items = random.normal(size=(5, 3)).astype("float32"), random.normal(size=(400, 3)).astype("float32")
    index, weight = np.array([0, 3, 30, 6, 1]), np.ones(5, "float32")
    whole = float(full_softmax(users, items, index, weight))

    # With each item drawn once, but for the user's own, it is the full one.
    everything = np.arange(400)
    drawn = sampled_softmax(users, items[index], index, items[everything], everything, 1.0, weight)
    assert float(drawn) == pytest.approx(whole, rel=1e-5)
    some = random.permutation(400)[:200]
    estimate = float(sampled_softmax(users, items[index], index, items[some], some, 2.0, weight))
    assert estimate == pytest.approx(whole, rel=0.05)


def test_bpr_compares_each_users_item_with_those_of_the_others() -> None:
    random = np.random.default_rng(4)
    users, items = random.normal(size=(4, 3)).astype("float32"), random.normal(size=(4, 3)).astype("float32")
    items[3] = items[1]
    index = np.array([5, 6, 7, 6])
    scores = (users @ items.T).astype("float64")
    pairs = [(u, v) for u in range(4) for v in range(4) if index[u] != index[v]]
    expected = np.mean([np.log1p(np.exp(-(scores[u, u] - scores[u, v]))) for u, v in pairs])

    assert float(bpr(users, items, index)) == pytest.approx(expected, rel=1e-5)


def test_logits_are_calibrated_where_negatives_were_thinned_out() -> None:
    # A tenth of the negatives is left of 1,000 pairs, of which 50 are positive: 50 of 145.
    labels = np.r_[np.ones(50), np.zeros(95)].astype("float32")
    rate = np.float32(np.log(0.1))
    true = np.log(50 / 950)

    def loss(logit: float) -> float:
        return float(down_sampled_cross_entropy(np.full(145, logit, "float32"), labels, rate))

    assert loss(true) < min(loss(true - 0.1), loss(true + 0.1))
    plain = float(down_sampled_cross_entropy(np.full(145, 0.3, "float32"), labels))
    chance = 1 / (1 + np.exp(-0.3))
    assert plain == pytest.approx(-(50 * np.log(chance) + 95 * np.log(1 - chance)) / 145, rel=1e-5)
