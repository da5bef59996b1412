"""Mean over what a mask leaves."""

from typing import Any

import keras
from keras import ops


class MaskedMean(keras.layers.Layer):
    """Mean of a padded sequence's vectors; a sequence of padding alone gives a zero vector.

    Call arguments:
        sequence: (batch, length, size).
        mask: (batch, length), true where there is a value.

    Returns:
        (batch, size).
    """

    def call(self, sequence: Any, mask: Any) -> Any:
        """Average; see the class."""
        present = ops.cast(mask, sequence.dtype)[..., None]
        return ops.sum(sequence * present, axis=1) / ops.maximum(ops.sum(present, axis=1), 1.0)

    def compute_mask(self, sequence: Any, previous_mask: Any) -> None:
        """None: nothing is left to mask in what comes out."""
