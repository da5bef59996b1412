"""The text encoder on executors beside the same model in one process."""

import time
from statistics import median

from pyspark.sql import DataFrame

from sparkrec.config import load_settings
from sparkrec.lake import spark_session
from sparkrec.simulation.words import ADJECTIVES, BRANDS, CATEGORIES, COLOURS
from sparkrec.text_models.on_executors import encoded
from sparkrec.text_models.sentence_encoder import SentenceEncoder

_TEXTS = 8_192
_ROUNDS = 3


def figures() -> dict[str, float]:
    """Texts a second on executors and in one process of as many threads, and ``features.encoder_ratio``."""
    texts = [
        f"{brand} {adjective} {colour} {category.noun} {size}"
        for size in range(100)
        for brand in BRANDS
        for adjective in ADJECTIVES
        for colour in COLOURS
        for category in CATEGORIES
    ][:: 100 * len(BRANDS) * len(ADJECTIVES) * len(COLOURS) * len(CATEGORIES) // _TEXTS][:_TEXTS]
    settings = load_settings("local", "online_retail", lake="unused")
    one_process = SentenceEncoder(settings.encoder)
    one_process.encode(texts[:64])
    rates: dict[str, list[float]] = {"executors": [], "one_process": []}
    with spark_session(settings.spark, "sparkrec bench encoder") as spark:
        rows = spark.createDataFrame([(text,) for text in texts], "text string").cache()
        # The workers load the encoder once.
        _force(encoded(rows.limit(256), settings.encoder))
        for _ in range(_ROUNDS):
            started = time.monotonic()
            _force(encoded(rows, settings.encoder))
            rates["executors"].append(len(texts) / (time.monotonic() - started))
            started = time.monotonic()
            one_process.encode(texts)
            rates["one_process"].append(len(texts) / (time.monotonic() - started))
    found = {f"features.encoder.{where}.texts_per_second": median(rate) for where, rate in rates.items()}
    ratios = [here / there for here, there in zip(rates["executors"], rates["one_process"], strict=True)]
    return {**found, "features.encoder_ratio": median(ratios)}


def _force(rows: DataFrame) -> None:
    rows.write.format("noop").mode("overwrite").save()
