"""Pool a padded sequence by learned attention."""

from typing import Any

import keras
from keras import ops


class AttentionPooling(keras.layers.Layer):
    """Weighted mean of a sequence's vectors; the weights are a softmax over learned scores.

    The score of a vector is ``w . tanh(W x + b)`` plus a learned bias of its place, so that the model
    can weigh the latest events more (additive attention: Bahdanau et al., 2015, arXiv 1409.0473).
    A sequence of padding alone gives a zero vector.

    Call arguments:
        sequence: (batch, length, size).
        mask: (batch, length), true where there is an event.

    Returns:
        (batch, size).
    """

    def __init__(self, hidden_size: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.hidden_size = hidden_size
        self.hidden = keras.layers.Dense(hidden_size, activation="tanh")
        self.score = keras.layers.Dense(1, use_bias=False)

    def build(self, sequence_shape: tuple[int | None, ...]) -> None:
        """Make the weights for sequences of this shape."""
        length, size = sequence_shape[1:]
        self.hidden.build((None, length, size))
        self.score.build((None, length, self.hidden_size))
        self.place_bias = self.add_weight(shape=(length,), initializer="zeros", name="place_bias")
        self.built = True

    def call(self, sequence: Any, mask: Any) -> Any:
        """Pool; see the class."""
        scores = ops.squeeze(self.score(self.hidden(sequence)), -1) + self.place_bias
        present = ops.cast(mask, scores.dtype)
        scores = scores - 1e9 * (1.0 - present)
        # Padding gets no weight, also where there is nothing else.
        weights = ops.softmax(scores, axis=-1) * present
        return ops.sum(weights[..., None] * sequence, axis=1)

    def compute_mask(self, sequence: Any, previous_mask: Any) -> None:
        """None: nothing is left to mask in what comes out."""

    def get_config(self) -> dict[str, Any]:
        """The layer's options, for saving."""
        return {**super().get_config(), "hidden_size": self.hidden_size}
