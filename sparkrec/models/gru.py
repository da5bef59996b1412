"""A recurrent network over the sequence of a user's items."""

from typing import Any

import keras

from sparkrec.config.settings import GruSettings
from sparkrec.models.sequence_retriever import SequenceRetriever


class GruRetriever(SequenceRetriever):
    """Gated recurrent units over the items (GRU4Rec: Hidasi et al., ICLR 2016, arXiv 1511.06939).

    Args:
        config: See `SequenceRetriever`.
        items: Rows of the item embedding.
    """

    def __init__(self, config: GruSettings, items: int, **kwargs: Any) -> None:
        super().__init__(config, items, **kwargs)
        self.gru = keras.layers.GRU(config.embedding_size, return_sequences=True, name="gru")
        self.output_layer = keras.layers.Dense(config.embedding_size, name="output")

    def states(self, sequence: Any, mask: Any, training: bool = False) -> Any:
        """States after each event, (batch, length, size)."""
        return self.output_layer(self.gru(sequence, mask=mask, training=training))
