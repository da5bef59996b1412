"""Vectors of words from titles, and of items from sessions."""

from typing import Any

from pyspark.ml.feature import Word2Vec
from pyspark.ml.functions import vector_to_array
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from sparkrec.config.settings import Word2VecSettings


def word_vectors(item_text: DataFrame, settings: Word2VecSettings, seed: int) -> DataFrame:
    """A vector of each word by the words that stand with it in titles: ``word, vector``.

    Args:
        item_text: ``item_id, title_words`` of each item.
        settings: Options.
        seed: Of the first vectors.
    """
    titles = item_text.orderBy("item_id").select(F.col("title_words").alias("sentence"))
    return _vectors(titles, settings, seed).withColumnRenamed("token", "word")


def item_vectors(positives: DataFrame, settings: Word2VecSettings, seed: int) -> DataFrame:
    """A vector of each item by the items that stand with it in sessions: ``item_id, vector``.

    Sessions are sentences and items their words (item2vec; Barkan and Koenigstein, MLSP 2016).

    Args:
        positives: features.positives.
        settings: Options.
        seed: Of the first vectors.
    """
    in_order = F.array_sort(F.collect_list(F.struct("event_time", "event_id", "item_id")))
    sessions = positives.groupBy("user_id", "session_id").agg(in_order["item_id"].alias("sentence"))
    longer = sessions.where(F.size("sentence") > 1).orderBy("user_id", "session_id").select("sentence")
    return _vectors(longer, settings, seed).withColumnRenamed("token", "item_id")


def mean_vectors(words: DataFrame, vectors: DataFrame, size: int) -> DataFrame:
    """The mean vector of the words of each item that have one: ``item_id, vector``.

    Args:
        words: ``item_id, title_words``.
        vectors: What `word_vectors` gives.
        size: Length of a vector.
    """
    each = words.select("item_id", F.explode(F.array_distinct("title_words")).alias("word"))
    means = [F.avg(F.col("vector")[place]).cast("float") for place in range(size)]
    return each.join(vectors, "word", "inner").groupBy("item_id").agg(F.array(*means).alias("vector"))


def _vectors(sentences: DataFrame, settings: Word2VecSettings, seed: int) -> DataFrame:
    """Skip-gram with hierarchical softmax (Mikolov et al., 2013), as Spark has it: ``token, vector``.

    One task reads the sentences in their order, so that the same ones give the same vectors; with fewer than two
    tokens that occur often enough there are none.
    """
    schema = "token string, vector array<float>"
    often = sentences.select(F.explode("sentence").alias("token")).groupBy("token").count()
    if often.where(F.col("count") >= settings.least).limit(2).count() < 2:
        return sentences.sparkSession.createDataFrame([], schema)
    trainer: Any = Word2Vec(
        vectorSize=settings.size,
        windowSize=settings.window,
        minCount=settings.least,
        maxIter=settings.epochs,
        numPartitions=1,
        seed=seed,
        inputCol="sentence",
        outputCol="vector",
    )
    found: DataFrame = trainer.fit(sentences.coalesce(1)).getVectors()
    return found.select(F.col("word").alias("token"), vector_to_array(F.col("vector"), "float32").alias("vector"))
