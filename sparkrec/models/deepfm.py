"""DeepFM: pairwise products of embeddings beside a deep network."""

from typing import Any

import keras
from keras import ops

from sparkrec.config.settings import DeepFMSettings
from sparkrec.models.losses import down_sampled_cross_entropy
from sparkrec.models.retriever import Batch


class DeepFM(keras.Model):
    """DeepFM (Guo et al., IJCAI 2017, arXiv 1703.04247): a factorisation machine and a deep network over one table.

    A batch holds ``field_rows`` (batch, fields): of each field the row of its value in the one table of all fields; for
    the loss ``label`` (batch,) and, where negatives were kept at a rate, ``log_rate`` (batch,).

    Args:
        config: embedding_size is the length of an embedding; hidden_sizes and dropout are the deep network's.
        rows: Rows of the table, all fields together.
    """

    def __init__(self, config: DeepFMSettings, rows: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.size = config.embedding_size
        # The weight of the first order is a row's last number: one look-up, and one gradient to exchange.
        self.table = keras.layers.Embedding(
            rows, self.size + 1, embeddings_initializer=keras.initializers.RandomNormal(stddev=0.01), name="table"
        )
        self.hidden = [
            keras.layers.Dense(size, activation="relu", name=f"hidden_{number}")
            for number, size in enumerate(config.hidden_sizes)
        ]
        self.dropout = keras.layers.Dropout(config.dropout)
        self.deep = keras.layers.Dense(1, name="deep")

    def call(self, batch: Batch, training: bool = False) -> Any:
        """Logits, (batch,)."""
        found = self.table(batch["field_rows"])
        embedded, first_order = found[..., :-1], found[..., -1]
        # The sum over pairs is half of the square of the sum less the sum of the squares (Rendle, ICDM 2010).
        pairs = 0.5 * ops.sum(ops.square(ops.sum(embedded, axis=1)) - ops.sum(ops.square(embedded), axis=1), axis=-1)
        hidden = ops.reshape(embedded, (-1, embedded.shape[1] * self.size))
        for layer in self.hidden:
            hidden = self.dropout(layer(hidden), training=training)
        return ops.cast(ops.sum(first_order, axis=1) + pairs + self.deep(hidden)[:, 0], "float32")

    def loss_of(self, batch: Batch, training: bool = False) -> Any:
        """Mean binary cross-entropy of a batch, a scalar."""
        return down_sampled_cross_entropy(self(batch, training=training), batch["label"], batch.get("log_rate"))

    def evaluate_batch(self, batch: Batch) -> tuple[Any, Any]:
        """Mean binary cross-entropy of a batch, and its negative, for less of it is better; two scalars."""
        loss = self.loss_of(batch)
        return loss, -loss
