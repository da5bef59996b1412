"""Vectors of sentences by a pretrained encoder of the BERT family."""

import unicodedata
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sparkrec.config.settings import EncoderSettings
from sparkrec.text_models.presets import check_weights, preset_folder

Vectors = NDArray[np.float32]

_SHORTEST = 8
_LONGEST_WORD = 100
"""Letters of a word that such encoders know at most: a longer one is a single token, the unknown one."""


class SentenceEncoder:
    """Mean of an encoder's token vectors, brought to length 1 (Sentence-BERT; Reimers and Gurevych, EMNLP 2019).

    Texts go through the encoder in batches of one size, padded to a power of two of tokens, so that a text's vector
    hangs on the text alone and TensorFlow compiles a handful of shapes.

    Args:
        settings: Which preset, and how much of a text it reads.
    """

    def __init__(self, settings: EncoderSettings) -> None:
        self.settings = settings

    @cached_property
    def _model(self) -> Any:
        folder = check_encoder(self.settings)
        # TensorFlow takes seconds to import, and not everyone who knows the settings encodes.
        import keras_hub
        import tensorflow as tf

        tokenizer = keras_hub.models.BertTokenizer.from_preset(str(folder))
        backbone = keras_hub.models.BertBackbone.from_preset(str(folder))

        @tf.function(reduce_retracing=False)
        def encode(tokens: Any) -> Any:
            mask = tf.not_equal(tokens, tokenizer.pad_token_id)
            inputs = {"token_ids": tokens, "segment_ids": tf.zeros_like(tokens), "padding_mask": mask}
            found = backbone(inputs, training=False)["sequence_output"]
            weights = tf.cast(mask, found.dtype)[:, :, None]
            return tf.math.l2_normalize(tf.reduce_sum(found * weights, 1) / tf.reduce_sum(weights, 1), axis=1)

        return tokenizer, encode

    def tokens(self, texts: Sequence[str]) -> list[NDArray[np.int32]]:
        """Token ids of each text between the marks of its start and end, cut to ``settings.max_tokens``."""
        tokenizer, _ = self._model
        most = self.settings.max_tokens - 2
        start, end = [tokenizer.cls_token_id], [tokenizer.sep_token_id]
        # What lies behind is behind the last token that is read, but for a text of blanks and words that are none.
        bare = [_bare(text[: most * (_LONGEST_WORD + 1)]) for text in texts]
        return [np.array([*start, *ids[:most], *end], np.int32) for ids in tokenizer(bare)]

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Vectors of the texts, (texts, dimensions), each of length 1."""
        _, encode = self._model
        tokens = self.tokens(texts) if texts else []
        found: Vectors | None = None
        for places, length in self._batches(tokens):
            batch = np.zeros((self.settings.batch_size, length), np.int32)
            # A batch that is not full is filled up with copies of its first text: padding alone has no mean.
            filled = np.concatenate([places, np.repeat(places[:1], len(batch) - len(places))])
            for row, place in enumerate(filled):
                batch[row, : len(tokens[place])] = tokens[place]
            vectors = encode(batch).numpy()
            found = np.empty((len(tokens), vectors.shape[1]), np.float32) if found is None else found
            found[places] = vectors[: len(places)]
        return np.empty((0, 0), np.float32) if found is None else found

    def _batches(self, tokens: Sequence[NDArray[np.int32]]) -> Iterator[tuple[NDArray[np.int64], int]]:
        """Places of texts that go together, with the length that they are padded to."""
        lengths = np.array([len(ids) for ids in tokens], np.int64)
        padded = np.maximum(_SHORTEST, 2 ** np.ceil(np.log2(np.maximum(lengths, 1))).astype(np.int64))
        for length in np.unique(padded):
            places = np.flatnonzero(padded == length)
            for first in range(0, len(places), self.settings.batch_size):
                yield places[first : first + self.settings.batch_size], int(length)


def _bare(text: str) -> str:
    """The text without accents, as the vocabularies of uncased encoders know it; KerasHub leaves that to others."""
    return "".join(letter for letter in unicodedata.normalize("NFD", text) if unicodedata.category(letter) != "Mn")


def check_encoder(settings: EncoderSettings) -> Path:
    """The folder of the encoder that the settings name, once it is there with its weights.

    Raises:
        ConfigurationError: It is not.
    """
    folder = preset_folder(settings.preset, "encoder.preset")
    check_weights(folder, settings.sha256, "encoder.sha256")
    return folder
