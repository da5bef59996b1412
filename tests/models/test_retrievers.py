"""What all retrieval models are held to, and what is each one's own."""

from typing import Any

import keras
import numpy as np
import pytest
from retrieval_batch import BATCH

from sparkrec.config.settings import SelfAttentionSettings
from sparkrec.models.gru import GruRetriever
from sparkrec.models.retriever import Retriever
from sparkrec.models.retrievers import RETRIEVERS, Sizes
from sparkrec.models.self_attention import SelfAttentionRetriever
from sparkrec.models.sequence_retriever import SequenceRetriever

SIZES = Sizes(users=6, items=12, words=8)


def _model(name: str, sizes: Sizes = SIZES, **options: Any) -> Any:
    keras.utils.set_random_seed(1)
    model = RETRIEVERS[name].build(RETRIEVERS[name].settings(embedding_size=8, **options), sizes)
    model(BATCH)
    return model


def _numpy(value: Any) -> np.ndarray:
    return np.asarray(keras.ops.convert_to_numpy(value))


def _windows(number: int, items: int) -> dict[str, np.ndarray]:
    """Users who go from each item to the next one, in a circle."""
    first = np.random.default_rng(3).integers(0, items - 2, (number, 1))
    window = (2 + (first + np.arange(4)) % (items - 2)).astype("int32")
    return {"window": window, "before": np.tile(np.array([1, 2], "int32"), (number, 1))}


@pytest.mark.parametrize("name", list(RETRIEVERS))
def test_vectors_have_the_size_that_is_said_and_stay_without_training(name: str) -> None:
    model: Retriever = _model(name)

    users, items = map(_numpy, model(BATCH))

    assert users.shape == items.shape == (4, model.vector_size)
    np.testing.assert_array_equal(_numpy(model.user_vectors(BATCH)), users)
    loss, ndcg = (float(value) for value in model.evaluate_batch(BATCH))
    assert loss > 0
    assert 0 < ndcg <= 1


@pytest.mark.parametrize("name", ["self_attention", "gru"])
@pytest.mark.parametrize("drawn", [False, True])
def test_a_model_over_sequences_learns_what_comes_next(name: str, drawn: bool) -> None:
    options = {"largest_full_softmax": 1, "negatives": 6} if drawn else {}
    model = _model(name, Sizes(2, 12, 2), dropout=0.0, **options)
    optimizer = keras.optimizers.Adam(0.02)
    model.compile(optimizer=optimizer)
    import tensorflow as tf

    @tf.function
    def step(batch: dict[str, Any]) -> Any:
        with tf.GradientTape() as tape:
            loss = model.loss_of(batch, training=True)
        optimizer.apply(tape.gradient(loss, [v.value for v in model.trainable_variables]), model.trainable_variables)
        return loss

    batch = {name: tf.constant(column) for name, column in _windows(64, 12).items()}
    losses = [float(step(batch)) for _ in range(80)]

    assert losses[-1] < 0.3 * losses[0]
    history = np.array([[0, 0, 4, 5], [8, 9, 10, 11]], "int32")
    scores = _numpy(model.user_vectors({"history": history})) @ model.item_embedding.get_weights()[0].T
    # After 5 comes 6, and after the last item the first.
    assert list(scores[:, 2:].argmax(axis=1) + 2) == [6, 2]


@pytest.mark.parametrize("kind", [SelfAttentionRetriever, GruRetriever])
def test_a_state_knows_nothing_of_what_comes_later(kind: type[SequenceRetriever]) -> None:
    name = "gru" if kind is GruRetriever else "self_attention"
    model = _model(name)
    one, other = np.array([[3, 4, 5, 6]], "int32"), np.array([[3, 4, 9, 2]], "int32")

    states = [_numpy(model._states(window, False))[0] for window in (one, other)]

    np.testing.assert_allclose(states[0][:2], states[1][:2], atol=1e-6)
    assert np.abs(states[0][2:] - states[1][2:]).max() > 1e-3


@pytest.mark.parametrize("name", ["self_attention", "gru"])
def test_where_the_padding_is_makes_no_difference(name: str) -> None:
    model = _model(name)

    in_front = _numpy(model._states(np.array([[0, 0, 3, 4]], "int32"), False))[0, 3]
    behind = _numpy(model._states(np.array([[3, 4, 0, 0]], "int32"), False))[0, 1]

    np.testing.assert_allclose(in_front, behind, atol=1e-5)


def test_places_without_a_past_count_for_nothing() -> None:
    model = _model("self_attention")
    batch = _windows(3, 12)
    batch["before"][:, 0] = -1
    other = {**batch, "window": batch["window"].copy()}
    # The place that has no past is the target of nothing, and comes behind what the other is predicted from.
    loss = float(model.loss_of({**batch, "before": np.array([[-1, 1]] * 3, "int32")}))
    other["window"][:, 2] = 9
    assert float(model.loss_of({**other, "before": np.array([[-1, 1]] * 3, "int32")})) == pytest.approx(loss, abs=1e-6)


def test_matrix_factorisation_adds_the_bias_of_the_item() -> None:
    model = _model("matrix_factorisation")
    bias = np.arange(12, dtype="float32")[:, None]
    before = _numpy(keras.ops.sum(keras.ops.multiply(*model(BATCH)), axis=1))

    model.item_bias.set_weights([bias])

    after = _numpy(keras.ops.sum(keras.ops.multiply(*model(BATCH)), axis=1))
    np.testing.assert_allclose(after - before, bias[BATCH["item_index"], 0], atol=1e-5)


def test_matrix_factorisation_by_bpr_has_another_loss() -> None:
    losses = [float(_model("matrix_factorisation", loss=loss).loss_of(BATCH)) for loss in ("bpr", "in_batch_softmax")]

    # Of vectors near nothing no item is above another.
    assert losses[0] == pytest.approx(np.log(2), abs=0.01)
    assert losses[0] != pytest.approx(losses[1], abs=0.1)


def test_heads_that_do_not_divide_the_size_are_refused() -> None:
    with pytest.raises(ValueError, match="3 heads do not divide an embedding_size of 8"):
        SelfAttentionSettings(embedding_size=8, heads=3)
