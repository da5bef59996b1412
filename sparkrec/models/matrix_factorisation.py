"""Matrix factorisation: a vector of its own for each user and item."""

from typing import Any

import keras
from keras import ops

from sparkrec.config.settings import MatrixFactorisationSettings
from sparkrec.models.losses import bpr
from sparkrec.models.retriever import Batch, Retriever


class MatrixFactorisation(Retriever):
    """Matrix factorisation with item biases (Koren et al., "Matrix factorization techniques", Computer, 2009).

    The bias is the last number of an item's vector, against a 1 in each user's, so that the dot product is the score.

    Args:
        config: embedding_size is the length of the vectors without the bias; loss says what is minimised.
        users: Rows of the user embedding.
        items: Rows of the item embedding.
    """

    def __init__(self, config: MatrixFactorisationSettings, users: int, items: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.vector_size, self.temperature = config.embedding_size + 1, config.temperature
        self.loss_name = config.loss
        self.user_embedding = keras.layers.Embedding(users, config.embedding_size, name="user_embedding")
        self.item_embedding = keras.layers.Embedding(items, config.embedding_size, name="item_embedding")
        self.item_bias = keras.layers.Embedding(items, 1, embeddings_initializer="zeros", name="item_bias")

    def user_vectors(self, batch: Batch, training: bool = False) -> Any:
        """Vectors of the users, (batch, embedding_size + 1)."""
        user = self.user_embedding(batch["user_index"])
        return ops.concatenate([user, ops.ones_like(user[:, :1])], axis=-1)

    def item_vectors(self, batch: Batch, training: bool = False) -> Any:
        """Vectors of the items, (batch, embedding_size + 1)."""
        index = batch["item_index"]
        return ops.concatenate([self.item_embedding(index), self.item_bias(index)], axis=-1)

    def loss_of(self, batch: Batch, training: bool = False) -> Any:
        """Mean loss of a batch of samples, a scalar."""
        if self.loss_name == "bpr":
            users, items = self(batch, training=training)
            return bpr(users, items, batch["item_index"])
        return super().loss_of(batch, training)
