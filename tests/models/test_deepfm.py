import keras
import numpy as np
import pytest

from sparkrec.config.settings import DeepFMSettings
from sparkrec.models.deepfm import DeepFM

CONFIG = DeepFMSettings(embedding_size=3, hidden_sizes=(5, 4), dropout=0.5)
FIELDS = np.array([[0, 4, 9], [1, 4, 8], [3, 7, 9]], "int32")


@pytest.fixture
def model() -> DeepFM:
    keras.utils.set_random_seed(2)
    model = DeepFM(CONFIG, rows=10)
    model({"field_rows": FIELDS})
    model.table.set_weights([np.random.default_rng(1).normal(size=(10, 4)).astype("float32")])
    return model


def test_the_logit_is_the_sum_of_first_order_pairs_and_the_deep_network(model: DeepFM) -> None:
    table = model.table.get_weights()[0]
    found = table[FIELDS]

    expected = found[..., 3].sum(axis=1)
    for one in range(3):
        for other in range(one):
            expected = expected + (found[:, one, :3] * found[:, other, :3]).sum(axis=1)
    hidden = found[..., :3].reshape(3, 9)
    for layer in model.hidden:
        weights, bias = layer.get_weights()
        hidden = np.maximum(hidden @ weights + bias, 0)
    weights, bias = model.deep.get_weights()
    expected = expected + (hidden @ weights + bias)[:, 0]

    np.testing.assert_allclose(keras.ops.convert_to_numpy(model({"field_rows": FIELDS})), expected, rtol=1e-5)


def test_the_loss_is_the_binary_cross_entropy(model: DeepFM) -> None:
    labels = np.array([1.0, 0.0, 1.0], "float32")
    logits = keras.ops.convert_to_numpy(model({"field_rows": FIELDS})).astype("float64")
    chance = 1 / (1 + np.exp(-logits))

    loss, better = model.evaluate_batch({"field_rows": FIELDS, "label": labels})

    assert float(loss) == pytest.approx(-np.mean(np.where(labels == 1, np.log(chance), np.log1p(-chance))), rel=1e-5)
    assert float(better) == -float(loss)
