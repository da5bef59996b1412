from collections.abc import Iterable, Iterator

import numpy as np
import pandas as pd
from pyspark.sql import SparkSession

from sparkrec.config.settings import EncoderSettings
from sparkrec.text_models.on_executors import encoded
from sparkrec.text_models.sentence_encoder import SentenceEncoder


def test_workers_that_have_computed_before_encode_too(spark: SparkSession) -> None:
    def compute(batches: Iterable[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        import tensorflow as tf

        for batch in batches:
            assert tf.reduce_sum(tf.ones(2)).numpy() == 2
            yield batch

    texts = spark.createDataFrame([(f"mug {number}",) for number in range(8)], "text string").repartition(2)

    rows = encoded(texts.mapInPandas(compute, "text string"), EncoderSettings()).collect()

    assert len(rows) == 8


def test_executors_give_the_vectors_of_one_process(spark: SparkSession) -> None:
    texts = [
        f"{colour} {thing} {number}"
        for number in range(60)
        for colour in ("red", "blue")
        for thing in ("mug", "t-light holder")
    ]

    rows = encoded(spark.createDataFrame([(text,) for text in texts], "text string"), EncoderSettings()).collect()

    assert sorted(row.text for row in rows) == sorted(texts)
    found = {row.text: row.vector for row in rows}
    expected = SentenceEncoder(EncoderSettings()).encode(texts)
    np.testing.assert_allclose(np.array([found[text] for text in texts]), expected, atol=1e-5)
