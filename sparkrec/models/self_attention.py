"""A Transformer over the sequence of a user's items."""

from typing import Any

import keras

from sparkrec.config.settings import SelfAttentionSettings
from sparkrec.models.layers.causal_attention import CausalAttentionBlock
from sparkrec.models.sequence_retriever import SequenceRetriever


class SelfAttentionRetriever(SequenceRetriever):
    """Causal self-attention over the items (SASRec: Kang & McAuley, ICDM 2018, arXiv 1808.09781).

    It is trained with a softmax over the catalogue, which with few items does better than SASRec's one negative
    (Klenitskiy & Vasilev, "Turning dross into gold loss", RecSys 2023).

    Args:
        config: See `SequenceRetriever`; blocks and heads are the Transformer's.
        items: Rows of the item embedding.
    """

    def __init__(self, config: SelfAttentionSettings, items: int, **kwargs: Any) -> None:
        super().__init__(config, items, **kwargs)
        self.blocks = [
            CausalAttentionBlock(config.heads, config.dropout, name=f"block_{number}")
            for number in range(config.blocks)
        ]
        self.normalisation = keras.layers.LayerNormalization(name="normalisation")

    def states(self, sequence: Any, mask: Any, training: bool = False) -> Any:
        """States after each event, (batch, length, size)."""
        for block in self.blocks:
            sequence = block(sequence, mask=mask, training=training)
        return self.normalisation(sequence)
