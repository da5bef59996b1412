"""Pretrained models at work on Spark's executors: each Python worker loads one once, and keeps to one thread."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from functools import cache
from typing import Any

import pandas as pd
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from sparkrec.config.settings import EncoderSettings, LanguageModelSettings
from sparkrec.text_models.language_model import LanguageModel
from sparkrec.text_models.sentence_encoder import SentenceEncoder

_AT_ONCE = 2_048
"""Texts that a task sorts into batches of like length."""


def encoded(texts: DataFrame, settings: EncoderSettings) -> DataFrame:
    """Vectors of texts.

    Args:
        texts: ``text``, each once.
        settings: The encoder.

    Returns:
        ``text, vector``: array<float> of length 1.
    """
    return _of_texts(texts, "vector array<float>", _AT_ONCE, lambda some: list(_encoder(settings).encode(some)))


def written(prompts: DataFrame, settings: LanguageModelSettings) -> DataFrame:
    """What a language model writes after prompts.

    Args:
        prompts: ``text``, each once.
        settings: The language model.

    Returns:
        ``text, written``.
    """
    size = settings.batch_size
    return _of_texts(prompts, "written string", size, lambda some: _language_model(settings).write(some))


def _of_texts(texts: DataFrame, column: str, at_once: int, make: Callable[[list[str]], list[Any]]) -> DataFrame:
    """The texts with a further column that is made of so many at once."""

    def work(batches: Iterable[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        for batch in batches:
            for first in range(0, len(batch), at_once):
                some = batch["text"].iloc[first : first + at_once].tolist()
                yield pd.DataFrame({"text": some, column.split()[0]: make(some)})

    # As many tasks as cores, dealt by a hash: each loads the model.
    cores = texts.sparkSession.sparkContext.defaultParallelism
    dealt = texts.select("text").repartition(cores, F.xxhash64("text"))
    return dealt.mapInPandas(work, f"text string, {column}")


@cache
def _encoder(settings: EncoderSettings) -> SentenceEncoder:
    _take_one_thread()
    return SentenceEncoder(settings)


@cache
def _language_model(settings: LanguageModelSettings) -> LanguageModel:
    _take_one_thread()
    return LanguageModel(settings)


def _take_one_thread() -> None:
    """Let TensorFlow compute with one thread, for Spark counts the cores."""
    # It takes seconds to import, and the driver, which plans all this, has no use for it.
    import tensorflow as tf

    # A worker serves one job after the other, and one that has computed before keeps what it has.
    with suppress(RuntimeError):
        tf.config.threading.set_intra_op_parallelism_threads(1)
        tf.config.threading.set_inter_op_parallelism_threads(1)
