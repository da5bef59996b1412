import math

import keras
import numpy as np
import pytest

from sparkrec.models.losses import in_batch_softmax


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
