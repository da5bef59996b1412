"""Titles, queries, words and items to vectors."""

import hashlib

from pyspark.sql import functions as F

from sparkrec.config.settings import EncoderSettings
from sparkrec.features.word2vec import item_vectors, mean_vectors, word_vectors
from sparkrec.steps.context import Counts, JobContext
from sparkrec.text_models.on_executors import encoded
from sparkrec.text_models.sentence_encoder import check_encoder

_TEXTS = "features.text_vectors"


def run(context: JobContext) -> Counts:
    """Encode new texts, and learn vectors of words and items.

    Raises:
        ConfigurationError: There is no such preset, or its weights are not those that the settings name.
    """
    settings, tables = context.settings.word2vec, context.tables
    counts = _encode(context)
    items = context.current_items()
    words = word_vectors(items, settings, context.settings.seed)
    counts["words"] = tables.replace("features.word_vectors", words)
    by_title = mean_vectors(items, tables.read("features.word_vectors"), settings.size)
    by_session = item_vectors(tables.read("features.positives"), settings, context.settings.seed)
    vectors = by_title.withColumnRenamed("vector", "title_vector").join(
        by_session.withColumnRenamed("vector", "session_vector"), "item_id", "full"
    )
    counts["items"] = tables.replace("features.item_vectors", vectors)
    return counts


def _encode(context: JobContext) -> Counts:
    """Encode the texts that have no vector of this encoder yet; leave out those that nobody has any more."""
    settings, tables = context.settings.encoder, context.tables
    if settings.preset is None:
        return {"texts": tables.replace(_TEXTS, context.no_rows(_TEXTS))}
    # Here, and not in a task, a mistake is told plainly.
    check_encoder(settings)
    titles = context.current_items().select(F.col("title").alias("text"))
    queries = tables.read("features.query_text").select(F.col("corrected_query").alias("text"))
    texts = titles.unionByName(queries).where("text is not null").distinct()
    encoder = F.lit(_encoder(settings))
    known = tables.read(_TEXTS).where(F.col("encoder") == encoder) if tables.exists(_TEXTS) else None
    # What is counted is not to be found anew.
    new = (texts if known is None else texts.join(known, "text", "left_anti")).localCheckpoint()
    counts = {"encoded": new.count()}
    vectors = encoded(new, settings).withColumn("encoder", encoder)
    if known is not None:
        vectors = vectors.unionByName(known.join(texts, "text", "left_semi").select(vectors.columns))
    return counts | {"texts": tables.replace(_TEXTS, vectors)}


def _encoder(settings: EncoderSettings) -> str:
    """What tells one encoder's vectors from another's: neither the size of batches nor where known weights lie."""
    passed_over = {"batch_size", "preset"} if settings.sha256 else {"batch_size"}
    return hashlib.sha256(settings.model_dump_json(exclude=passed_over).encode()).hexdigest()[:12]
