"""A Transformer block in which each place sees itself and what came before it."""

from typing import Any

import keras
from keras import ops


class CausalAttentionBlock(keras.layers.Layer):
    """Self-attention and a feed-forward layer, each added to what goes in, behind layer normalisation.

    How far two places are apart adds a learned bias to their score, one a head and distance (Raffel et al., "Exploring
    the limits of transfer learning", 2020, without buckets), so that a sequence means the same wherever its padding
    is. Layer normalisation comes first (Xiong et al., "On layer normalization in the Transformer architecture", 2020).

    Args:
        heads: Divide the size.
        dropout: On what is added.

    Call arguments:
        sequence: (batch, length, size).
        mask: (batch, length), true where there is an event.

    Returns:
        (batch, length, size).
    """

    def __init__(self, heads: int, dropout: float, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.heads, self.dropout_rate = heads, dropout
        self.before_attention = keras.layers.LayerNormalization()
        self.before_feed_forward = keras.layers.LayerNormalization()
        self.dropout = keras.layers.Dropout(dropout)

    def build(self, sequence_shape: tuple[int | None, ...]) -> None:
        """Make the weights for sequences of this shape."""
        length, size = sequence_shape[1:]
        assert length and size
        self.inputs = keras.layers.Dense(3 * size, use_bias=False, name="query_key_value")
        self.attended = keras.layers.Dense(size, name="attended")
        self.hidden = keras.layers.Dense(4 * size, activation="gelu", name="hidden")
        self.outputs = keras.layers.Dense(size, name="output")
        for layer, width in (
            *((layer, size) for layer in (self.before_attention, self.before_feed_forward, self.inputs)),
            *((self.attended, size), (self.hidden, size), (self.outputs, 4 * size)),
        ):
            layer.build((None, length, width))
        self.distance_bias = self.add_weight(shape=(self.heads, length), initializer="zeros", name="distance_bias")
        self.built = True

    def call(self, sequence: Any, mask: Any, training: bool = False) -> Any:
        """Attend; see the class."""
        length, size = sequence.shape[1:]
        mixed = ops.reshape(
            self.inputs(self.before_attention(sequence)), (-1, length, 3, self.heads, size // self.heads)
        )
        query, key, value = (mixed[:, :, part] for part in range(3))
        places = ops.arange(length)
        distance = places[:, None] - places[None, :]
        bias = ops.take(self.distance_bias, ops.maximum(distance, 0), axis=1)
        scores = ops.einsum("bqhd,bkhd->bhqk", query, key) * (size // self.heads) ** -0.5 + ops.cast(bias, query.dtype)
        visible = ops.logical_and(distance >= 0, mask[:, None, None, :])
        scores = ops.where(visible, scores, ops.cast(-1e9, scores.dtype))
        attended = ops.einsum("bhqk,bkhd->bqhd", ops.softmax(scores, axis=-1), value)
        attended = self.attended(ops.reshape(attended, (-1, length, size)))
        sequence = sequence + self.dropout(attended, training=training)
        further = self.outputs(self.hidden(self.before_feed_forward(sequence)))
        return sequence + self.dropout(further, training=training)

    def compute_mask(self, sequence: Any, previous_mask: Any) -> None:
        """None: the caller has the mask."""

    def get_config(self) -> dict[str, Any]:
        """The layer's options, for saving."""
        return {**super().get_config(), "heads": self.heads, "dropout": self.dropout_rate}
