"""Adam whose cost for an embedding table follows the rows of the batch."""

from typing import Any

import keras
import tensorflow as tf


class LazyAdam(keras.optimizers.Adam):
    """Adam that moves of a table only the rows that a sparse gradient names, and only their moments.

    A row that is not in the batch keeps its value and its moments, where Adam would go on moving it by its momentum.
    Dense gradients are Adam's own.
    """

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """Move a variable.

        Args:
            gradient: A tensor, or `tf.IndexedSlices` that name no row twice.
            variable: What to move.
            learning_rate: Of this step.
        """
        if not isinstance(gradient, tf.IndexedSlices):
            super().update_step(gradient, variable, learning_rate)
            return
        step = tf.cast(self.iterations + 1, variable.dtype)
        alpha = tf.cast(learning_rate, variable.dtype) * tf.sqrt(1 - self.beta_2**step) / (1 - self.beta_1**step)
        place = self._get_variable_index(variable)
        momentum, velocity = self._momentums[place].value, self._velocities[place].value
        rows, values = gradient.indices, gradient.values
        moved = tf.gather(momentum, rows) * self.beta_1 + values * (1 - self.beta_1)
        squared = tf.gather(velocity, rows) * self.beta_2 + tf.square(values) * (1 - self.beta_2)
        momentum.scatter_update(tf.IndexedSlices(moved, rows))
        velocity.scatter_update(tf.IndexedSlices(squared, rows))
        variable.scatter_sub(tf.IndexedSlices(alpha * moved / (tf.sqrt(squared) + self.epsilon), rows))
