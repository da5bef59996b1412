import keras
import numpy as np
import pytest
import tensorflow as tf

from sparkrec.training.gradients import DENSE_BYTES, averaged, compacted
from sparkrec.training.lazy_adam import LazyAdam

LARGE = DENSE_BYTES // 4 // 2 + 1


def _slices(indices: list[int], rows: int) -> tf.IndexedSlices:
    values = tf.constant(np.arange(2 * len(indices), dtype="float32").reshape(-1, 2))
    return tf.IndexedSlices(values, tf.constant(indices), tf.constant([rows, 2]))


def test_a_row_that_is_touched_twice_stands_once() -> None:
    table = keras.Variable(np.zeros((LARGE, 2), "float32"))

    (found,) = compacted([_slices([5, 3, 5], LARGE)], [table])

    assert isinstance(found, tf.IndexedSlices)
    assert dict(zip(found.indices.numpy(), found.values.numpy().tolist(), strict=True)) == {5: [4, 6], 3: [2, 3]}


def test_gradients_of_small_tables_and_of_layers_are_dense() -> None:
    table, layer = keras.Variable(np.zeros((7, 2), "float32")), keras.Variable(np.zeros(3, "float32"))

    found = compacted([_slices([5, 3, 5], 7), tf.ones(3)], [table, layer])

    assert not any(isinstance(one, tf.IndexedSlices) for one in found)
    np.testing.assert_array_equal(found[0], tf.convert_to_tensor(_slices([5, 3, 5], 7)))
    np.testing.assert_array_equal(found[1], np.ones(3))


def test_the_mean_of_batches_is_that_of_their_dense_gradients() -> None:
    one, other = _slices([5, 3, 5], 7), _slices([1, 5], 7)

    sparse, dense = averaged([[one, tf.ones(3)], [other, 3 * tf.ones(3)]])

    np.testing.assert_allclose(
        tf.convert_to_tensor(sparse), (tf.convert_to_tensor(one) + tf.convert_to_tensor(other)) / 2
    )
    np.testing.assert_array_equal(dense, 2 * np.ones(3))


def test_lazy_adam_moves_touched_rows_as_adam_does_and_no_others() -> None:
    start = np.random.default_rng(1).normal(size=(6, 2)).astype("float32")
    lazy, plain = keras.Variable(start), keras.Variable(start)
    optimizers = LazyAdam(0.1), keras.optimizers.Adam(0.1)
    gradient = tf.IndexedSlices(tf.constant([[1.0, -2.0], [0.5, 3.0]]), tf.constant([4, 1]), tf.constant([6, 2]))

    # With the same rows in each step they are the same; from the second on the moments count.
    for _ in range(3):
        for optimizer, variable, given in zip(
            optimizers, (lazy, plain), (gradient, tf.convert_to_tensor(gradient)), strict=True
        ):
            optimizer.apply([given], [variable])
    np.testing.assert_allclose(lazy.numpy(), plain.numpy(), rtol=1e-5)

    before = lazy.numpy()
    other = tf.IndexedSlices(tf.constant([[1.0, 1.0]]), tf.constant([2]), tf.constant([6, 2]))
    optimizers[0].apply([other], [lazy])
    moved = (lazy.numpy() != before).any(axis=1)
    assert list(np.flatnonzero(moved)) == [2]


@pytest.mark.parametrize("rows", [[0, 3], [5]])
def test_lazy_adam_takes_dense_gradients_as_adam_does(rows: list[int]) -> None:
    start = np.ones((6, 2), "float32")
    variables = keras.Variable(start), keras.Variable(start)
    gradient = np.zeros((6, 2), "float32")
    gradient[rows] = 2.0

    for optimizer, variable in zip((LazyAdam(0.1), keras.optimizers.Adam(0.1)), variables, strict=True):
        optimizer.apply([tf.constant(gradient)], [variable])

    np.testing.assert_array_equal(variables[0].numpy(), variables[1].numpy())
