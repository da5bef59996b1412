"""Gradients as ranks exchange them: rows of large tables once each, everything else dense."""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

DENSE_BYTES = 4 << 20
"""Gradients of tables no larger than this are exchanged dense: adding them up costs less than naming their rows."""


def compacted(gradients: Sequence[Any], variables: Sequence[keras.Variable]) -> list[Any]:
    """Gradients in which no row stands twice.

    Args:
        gradients: Tensors, or `tf.IndexedSlices` in which rows may be repeated.
        variables: What they are of.

    Returns:
        Tensors; of large tables `tf.IndexedSlices` with each touched row once.
    """
    return [_compacted(gradient, variable) for gradient, variable in zip(gradients, variables, strict=True)]


def averaged(gradients: Sequence[Sequence[Any]]) -> list[Any]:
    """Mean of several batches' gradients, by variable; rows of `tf.IndexedSlices` are put one behind the other."""
    return [_mean(of_variable) for of_variable in zip(*gradients, strict=True)]


def _compacted(gradient: Any, variable: keras.Variable) -> Any:
    if not isinstance(gradient, tf.IndexedSlices):
        return gradient
    rows = variable.shape[0]
    if tf.TensorShape(variable.shape).num_elements() * 4 <= DENSE_BYTES:
        return tf.math.unsorted_segment_sum(gradient.values, gradient.indices, rows)
    indices, place = tf.unique(gradient.indices)
    values = tf.math.unsorted_segment_sum(gradient.values, place, tf.size(indices))
    return tf.IndexedSlices(values, indices, gradient.dense_shape)


def _mean(gradients: Sequence[Any]) -> Any:
    if len(gradients) == 1:
        return gradients[0]
    if not isinstance(gradients[0], tf.IndexedSlices):
        return tf.add_n(gradients) / len(gradients)
    return tf.IndexedSlices(
        tf.concat([one.values for one in gradients], 0) / len(gradients),
        tf.concat([one.indices for one in gradients], 0),
        gradients[0].dense_shape,
    )
