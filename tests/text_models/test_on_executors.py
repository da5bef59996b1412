import numpy as np
from pyspark.sql import SparkSession

from sparkrec.config.settings import EncoderSettings
from sparkrec.text_models.on_executors import encoded
from sparkrec.text_models.sentence_encoder import SentenceEncoder


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
