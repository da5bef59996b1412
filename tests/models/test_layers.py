import keras
import numpy as np
import pytest

from sparkrec.models.layers.attention_pooling import AttentionPooling
from sparkrec.models.layers.masked_mean import MaskedMean

SEQUENCE = np.random.default_rng(3).normal(size=(4, 5, 3)).astype("float32")
MASK = np.array([[0, 0, 0, 0, 0], [0, 0, 0, 0, 1], [0, 0, 1, 0, 1], [1, 1, 1, 1, 1]], bool)


@pytest.fixture
def pooling() -> AttentionPooling:
    keras.utils.set_random_seed(1)
    layer = AttentionPooling(6)
    layer(SEQUENCE, mask=MASK)
    layer.place_bias.assign(np.linspace(-1, 2, 5))
    return layer


def _softmax(scores: np.ndarray) -> np.ndarray:
    raised = np.exp(scores - scores.max())
    return raised / raised.sum()


def test_attention_pooling_weighs_what_the_mask_leaves_by_softmax(pooling: AttentionPooling) -> None:
    kernel, bias = (weight.numpy() for weight in pooling.hidden.weights)
    scores = np.tanh(SEQUENCE @ kernel + bias) @ pooling.score.weights[0].numpy()[:, 0] + np.linspace(-1, 2, 5)
    expected = np.zeros((4, 3))
    for row in range(1, 4):
        expected[row] = _softmax(scores[row, MASK[row]]) @ SEQUENCE[row, MASK[row]]

    pooled = keras.ops.convert_to_numpy(pooling(SEQUENCE, mask=MASK))

    np.testing.assert_allclose(pooled, expected, atol=1e-6)


def test_masked_mean_averages_what_the_mask_leaves() -> None:
    expected = np.zeros((4, 3))
    for row in range(1, 4):
        expected[row] = SEQUENCE[row, MASK[row]].mean(axis=0)

    averaged = keras.ops.convert_to_numpy(MaskedMean()(SEQUENCE, mask=MASK))

    np.testing.assert_allclose(averaged, expected, atol=1e-6)


def test_padding_alone_gives_exact_zeros(pooling: AttentionPooling) -> None:
    nothing = np.zeros_like(MASK)

    for layer in (pooling, MaskedMean()):
        assert not keras.ops.convert_to_numpy(layer(1e4 * SEQUENCE, mask=nothing)).any()


def test_what_the_mask_hides_does_not_matter(pooling: AttentionPooling) -> None:
    other = np.where(MASK[..., None], SEQUENCE, 1e4).astype("float32")

    for layer in (pooling, MaskedMean()):
        np.testing.assert_array_equal(layer(other, mask=MASK), layer(SEQUENCE, mask=MASK))


def test_attention_pooling_is_made_again_from_its_options(pooling: AttentionPooling) -> None:
    again = AttentionPooling.from_config(pooling.get_config())
    again(SEQUENCE, mask=MASK)
    again.set_weights(pooling.get_weights())

    assert (again.name, again.hidden_size) == (pooling.name, 6)
    np.testing.assert_array_equal(again(SEQUENCE, mask=MASK), pooling(SEQUENCE, mask=MASK))
