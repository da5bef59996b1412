"""Two-tower retrieval: a user vector and an item vector whose dot product ranks."""

from typing import Any

import keras
from keras import ops

from sparkrec.config.settings import TwoTowerSettings
from sparkrec.models.layers.attention_pooling import AttentionPooling
from sparkrec.models.layers.masked_mean import MaskedMean
from sparkrec.models.retriever import Batch, Retriever


class TwoTower(Retriever):
    """Two-tower model (Covington et al., RecSys 2016; Yi et al., RecSys 2019).

    The user tower sees the user's id and latest items; the item tower the item's id and title words.
    Both give vectors of length 1. Item embeddings are shared by the item tower and the history.

    A batch holds ``user_index`` (batch,), ``history`` (batch, length), ``item_index`` (batch,),
    ``item_words`` (batch, words) and, for the loss, ``log_q`` (batch,). Index 0 pads.

    Args:
        config: embedding_size is the length of all embeddings and of the two vectors; hidden_size that
            of the towers' hidden layer; dropout is on the towers' inputs; temperature divides the dot
            products in the loss.
        users: Rows of the user embedding.
        items: Rows of the item embedding.
        words: Rows of the word embedding.
    """

    def __init__(self, config: TwoTowerSettings, users: int, items: int, words: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        size = config.embedding_size
        self.vector_size, self.temperature = size, config.temperature
        self.user_embedding = keras.layers.Embedding(users, size, name="user_embedding")
        self.item_embedding = keras.layers.Embedding(items, size, name="item_embedding")
        self.word_embedding = keras.layers.Embedding(words, size, name="word_embedding")
        self.attention = AttentionPooling(size, name="history_attention")
        self.mean = MaskedMean(name="mean")
        self.dropout = keras.layers.Dropout(config.dropout)
        self.user_hidden = keras.layers.Dense(config.hidden_size, activation="relu", name="user_hidden")
        self.user_output = keras.layers.Dense(size, name="user_output")
        self.item_hidden = keras.layers.Dense(config.hidden_size, activation="relu", name="item_hidden")
        self.item_output = keras.layers.Dense(size, name="item_output")

    def user_vectors(self, batch: Batch, training: bool = False) -> Any:
        """Vectors of the users, (batch, embedding_size), of length 1."""
        history = self.item_embedding(batch["history"])
        mask = ops.not_equal(batch["history"], 0)
        user = self.user_embedding(batch["user_index"])
        attended = self.attention(history, mask=mask)
        seen = ops.concatenate([user, attended, self.mean(history, mask=mask)], axis=-1)
        hidden = self.user_hidden(self.dropout(seen, training=training))
        # The sum keeps a straight way from the embeddings to the vector; the layers learn what to add.
        return ops.normalize(user + attended + self.user_output(hidden), axis=-1)

    def item_vectors(self, batch: Batch, training: bool = False) -> Any:
        """Vectors of the items, (batch, embedding_size), of length 1."""
        words = self.mean(self.word_embedding(batch["item_words"]), mask=ops.not_equal(batch["item_words"], 0))
        item = self.item_embedding(batch["item_index"])
        seen = ops.concatenate([item, words], axis=-1)
        hidden = self.item_hidden(self.dropout(seen, training=training))
        return ops.normalize(item + words + self.item_output(hidden), axis=-1)
