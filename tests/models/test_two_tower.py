from typing import Any

import keras
import numpy as np
import pytest
from retrieval_batch import BATCH

from sparkrec.config.settings import TwoTowerSettings
from sparkrec.models.losses import in_batch_softmax
from sparkrec.models.two_tower import TwoTower

CONFIG = TwoTowerSettings(embedding_size=8, hidden_size=16, dropout=0.5)


@pytest.fixture
def model() -> TwoTower:
    keras.utils.set_random_seed(1)
    model = TwoTower(CONFIG, users=6, items=10, words=8)
    model(BATCH)
    return model


def _vectors(model: TwoTower, batch: dict[str, np.ndarray], **options: Any) -> tuple[np.ndarray, np.ndarray]:
    users, items = model(batch, **options)
    return keras.ops.convert_to_numpy(users), keras.ops.convert_to_numpy(items)


@pytest.mark.parametrize("training", [False, True])
def test_users_and_items_have_vectors_of_length_1(model: TwoTower, training: bool) -> None:
    for vectors in _vectors(model, BATCH, training=training):
        assert vectors.shape == (4, 8)
        np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


def test_what_stands_for_padding_does_not_change_a_vector(model: TwoTower) -> None:
    before = _vectors(model, BATCH)

    for embedding in (model.item_embedding, model.word_embedding):
        table = embedding.get_weights()[0]
        table[0] = 1000.0
        embedding.set_weights([table])

    for was, vectors in zip(before, _vectors(model, BATCH), strict=True):
        np.testing.assert_array_equal(vectors, was)


def test_where_the_padding_of_a_title_stands_does_not_change_the_vector(model: TwoTower) -> None:
    moved = {**BATCH, "item_words": np.array([[0, 0, 0], [0, 5, 0], [2, 0, 6], [2, 3, 7]], "int32")}

    np.testing.assert_allclose(_vectors(model, moved)[1], _vectors(model, BATCH)[1], atol=1e-6)


def test_a_vector_does_not_depend_on_the_other_rows_of_the_batch(model: TwoTower) -> None:
    together = _vectors(model, BATCH)

    for row in range(4):
        alone = _vectors(model, {name: column[row : row + 1] for name, column in BATCH.items()})
        np.testing.assert_allclose(alone[0][0], together[0][row], atol=1e-6)
        np.testing.assert_allclose(alone[1][0], together[1][row], atol=1e-6)


def test_the_user_and_each_event_and_word_count(model: TwoTower) -> None:
    other = {
        **BATCH,
        "user_index": np.array([1, 3, 4, 5], "int32"),
        "history": np.array([[0, 0, 0, 0], [0, 0, 0, 8], [0, 9, 7, 9], [3, 4, 5, 8]], "int32"),
        "item_words": np.array([[0, 0, 0], [4, 0, 0], [6, 2, 0], [7, 3, 1]], "int32"),
    }

    users, items = _vectors(model, BATCH)
    other_users, other_items = _vectors(model, other)

    assert (np.abs(users - other_users).max(axis=1) > 1e-4).tolist() == [True, True, False, True]
    assert (np.abs(items - other_items).max(axis=1) > 1e-4).tolist() == [False, True, False, True]


def test_the_loss_of_a_batch_is_the_in_batch_softmax_of_its_vectors(model: TwoTower) -> None:
    users, items = _vectors(model, BATCH)
    expected = in_batch_softmax(users, items, BATCH["item_index"], BATCH["log_q"], CONFIG.temperature)

    assert float(model.loss_of(BATCH)) == pytest.approx(float(expected), abs=1e-6)
    assert float(model.loss_of(BATCH, training=True)) != pytest.approx(float(expected), abs=1e-3)
