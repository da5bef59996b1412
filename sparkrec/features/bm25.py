"""How well texts answer queries, by the words that they share."""

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

SATURATION, LENGTH_NORMALISATION = 1.2, 0.75


def bm25_index(texts: DataFrame, key: str, words: str) -> DataFrame:
    """BM25 weight of each word in each text (Robertson and Zaragoza, The Probabilistic Relevance Framework, 2009).

    Weight = ln(1 + (N - n + 0.5) / (n + 0.5)) x f (k + 1) / (f + k (1 - b + b length / mean length)), where N texts
    have words, n of them this one, the text f times; k is 1.2 and b 0.75. The logarithm is never negative.

    Args:
        texts: One row a text.
        key: Its column that tells texts apart.
        words: Its column of words, array<string>.

    Returns:
        ``key, word, weight``.
    """
    lengths = texts.where(F.size(words) > 0).select(key, words, F.size(words).alias("length"))
    all_texts = lengths.agg(F.count(F.lit(1)).alias("texts"), F.avg("length").alias("mean_length"))
    each = lengths.select(key, "length", F.explode(words).alias("word"))
    counted = each.groupBy(key, "word", "length").agg(F.count(F.lit(1)).alias("f"))
    holders = counted.groupBy("word").agg(F.count(F.lit(1)).alias("n"))
    weighed = counted.join(holders, "word", "inner").crossJoin(F.broadcast(all_texts))
    rarity = F.log1p((F.col("texts") - F.col("n") + 0.5) / (F.col("n") + 0.5))
    longer = 1 - LENGTH_NORMALISATION + LENGTH_NORMALISATION * F.col("length") / F.col("mean_length")
    often = F.col("f") * (SATURATION + 1) / (F.col("f") + SATURATION * longer)
    return weighed.select(key, "word", (rarity * often).alias("weight"))


def bm25_scores(queries: DataFrame, index: DataFrame, key: str) -> DataFrame:
    """Scores of the texts that share a word with a query: ``query, key, score``.

    Args:
        queries: ``query, words``; a word that stands twice counts twice.
        index: What `bm25_index` gives.
        key: The index's column that tells texts apart.
    """
    asked = queries.select("query", F.explode("words").alias("word"))
    return asked.join(index, "word", "inner").groupBy("query", key).agg(F.sum("weight").alias("score"))


def best(scores: DataFrame, key: str, most: int) -> DataFrame:
    """The ``most`` texts of the highest scores for each query; ties go by key."""
    order = Window.partitionBy("query").orderBy(F.desc("score"), key)
    return scores.withColumn("_place", F.row_number().over(order)).where(F.col("_place") <= most).drop("_place")
