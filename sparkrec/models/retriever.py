"""What all retrieval models have in common: a vector a user, a vector an item, and their dot product."""

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any

import keras

from sparkrec.models.losses import in_batch_softmax
from sparkrec.models.sampled_ranking import sampled_ndcg

Batch = Mapping[str, Any]


class Retriever(keras.Model):
    """A model whose dot products of user and item vectors rank.

    Attributes:
        vector_size: Length of the vectors.
        temperature: Divides the dot products in the in-batch softmax.
    """

    vector_size: int
    temperature: float = 1.0

    @abstractmethod
    def user_vectors(self, batch: Batch, training: bool = False) -> Any:
        """Vectors of the users, (batch, vector_size), from ``user_index`` (batch,) and ``history`` (batch, length)."""

    @abstractmethod
    def item_vectors(self, batch: Batch, training: bool = False) -> Any:
        """Vectors of the items, (batch, vector_size), from ``item_index`` (batch,), ``item_words`` (batch, words)."""

    def call(self, batch: Batch, training: bool = False) -> tuple[Any, Any]:
        """User and item vectors of a batch of samples."""
        return self.user_vectors(batch, training), self.item_vectors(batch, training)

    def loss_of(self, batch: Batch, training: bool = False) -> Any:
        """Mean loss of a batch, a scalar: here in-batch softmax over samples with ``log_q`` (batch,)."""
        users, items = self(batch, training=training)
        return in_batch_softmax(users, items, batch["item_index"], batch["log_q"], self.temperature)

    def evaluate_batch(self, batch: Batch) -> tuple[Any, Any]:
        """Mean in-batch softmax of held-out samples, and the estimated mean NDCG of their items among all items."""
        users, items = self(batch)
        item_index, log_q = batch["item_index"], batch["log_q"]
        loss = in_batch_softmax(users, items, item_index, log_q, self.temperature)
        return loss, sampled_ndcg(users, items, item_index, log_q)
