"""Models over the sequence of a user's items: trained on all places of a window at once."""

from abc import abstractmethod
from typing import Any

import keras
from keras import ops

from sparkrec.config.settings import SequenceSettings
from sparkrec.features.vocabulary import FIRST
from sparkrec.models.losses import full_softmax, sampled_softmax
from sparkrec.models.retriever import Batch, Retriever


class SequenceRetriever(Retriever):
    """Predicts the items of a session from the state after the last event before it.

    It is trained on windows (sparkrec.features.sequence_windows): ``window`` (batch, length) of item indices, the
    later ``before`` (batch, targets) half of which is to be predicted: the place in the window of the last event
    before each one's session, negative where there is none. Item embeddings are what goes in and what the states are
    compared with.

    Args:
        config: embedding_size is the length of embeddings and states; dropout is on what goes in.
        items: Rows of the item embedding.
    """

    def __init__(self, config: SequenceSettings, items: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.vector_size, self.items = config.embedding_size, items
        self.drawn = 0 if items <= config.largest_full_softmax else config.negatives
        self.draws = keras.random.SeedGenerator()
        # Small at first, so that no logit stands out before anything is learned.
        initial = keras.initializers.RandomNormal(stddev=config.embedding_size**-0.5)
        self.item_embedding = keras.layers.Embedding(
            items, config.embedding_size, embeddings_initializer=initial, name="item_embedding"
        )
        self.dropout = keras.layers.Dropout(config.dropout)

    @abstractmethod
    def states(self, sequence: Any, mask: Any, training: bool = False) -> Any:
        """States after each event, (batch, length, size), from embeddings of that shape and a mask (batch, length)."""

    def user_vectors(self, batch: Batch, training: bool = False) -> Any:
        """The state after the latest event, (batch, size); zeros where there is none."""
        history = batch["history"]
        latest = self._states(history, training)[:, -1]
        return latest * ops.cast(ops.not_equal(history[:, -1:], 0), latest.dtype)

    def item_vectors(self, batch: Batch, training: bool = False) -> Any:
        """Vectors of the items, (batch, size)."""
        return self.item_embedding(batch["item_index"])

    def loss_of(self, batch: Batch, training: bool = False) -> Any:
        """Mean softmax loss of the places to be predicted, a scalar."""
        window, before = batch["window"], batch["before"]
        states = self._states(window, training)
        targets = window[:, -before.shape[1] :]
        seen = ops.take_along_axis(states, ops.maximum(before, 0)[..., None], axis=1)
        seen, targets = ops.reshape(seen, (-1, self.vector_size)), ops.reshape(targets, (-1,))
        weight = ops.cast(ops.reshape(before, (-1,)) >= 0, "float32")
        targets = ops.maximum(targets, FIRST)
        if not self.drawn:
            # All but the indices that stand for no item.
            items = self.item_embedding(ops.arange(FIRST, self.items))
            return full_softmax(seen, items, targets - FIRST, weight)
        drawn = keras.random.randint((self.drawn,), FIRST, self.items, seed=self.draws)
        own, others = self.item_embedding(targets), self.item_embedding(drawn)
        stands_for = (self.items - FIRST) / self.drawn
        return sampled_softmax(seen, own, targets, others, drawn, stands_for, weight)

    def _states(self, items: Any, training: bool) -> Any:
        sequence = self.dropout(self.item_embedding(items), training=training)
        return self.states(sequence, ops.not_equal(items, 0), training)
