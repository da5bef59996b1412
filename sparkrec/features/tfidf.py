"""The angle between texts by the words that they share."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F


def tfidf_index(texts: DataFrame, key: str, words: str) -> DataFrame:
    """TF-IDF weight of each word in each text, each text's vector of length 1: ``key, word, weight, rarity``.

    Weight = count x rarity, and rarity = ln((1 + texts) / (1 + texts with the word)) + 1: the smooth form of
    scikit-learn's TfidfVectorizer. Texts without words count as texts.
    """
    total = texts.agg(F.count(F.lit(1)).alias("texts"))
    each = texts.select(key, F.explode(words).alias("word"))
    counted = each.groupBy(key, "word").agg(F.count(F.lit(1)).alias("count"))
    holders = counted.groupBy("word").agg(F.count(F.lit(1)).alias("n"))
    rarities = holders.crossJoin(F.broadcast(total)).select(
        "word", (F.log((1 + F.col("texts")) / (1 + F.col("n"))) + 1).alias("rarity")
    )
    weighed = counted.join(rarities, "word", "inner").withColumn("raw", F.col("count") * F.col("rarity"))
    lengths = weighed.groupBy(key).agg(F.sqrt(F.sum(F.col("raw") * F.col("raw"))).alias("length"))
    return weighed.join(lengths, key, "inner").select(
        key, "word", (F.col("raw") / F.col("length")).alias("weight"), "rarity"
    )


def tfidf_cosines(queries: DataFrame, index: DataFrame, key: str) -> DataFrame:
    """Cosines of queries and the texts that share a word with them: ``query, key, cosine``.

    Args:
        queries: ``query, words``; words that no text has do not count.
        index: What `tfidf_index` gives.
        key: The index's column that tells texts apart.
    """
    rarities = index.groupBy("word").agg(F.first("rarity").alias("rarity"))
    asked = queries.select("query", F.explode("words").alias("word"))
    counted = asked.groupBy("query", "word").agg(F.count(F.lit(1)).alias("count"))
    weighed = counted.join(rarities, "word", "inner").withColumn("raw", F.col("count") * F.col("rarity"))
    lengths = weighed.groupBy("query").agg(F.sqrt(F.sum(F.col("raw") * F.col("raw"))).alias("length"))
    shared = weighed.join(index.select(key, "word", "weight"), "word", "inner")
    dots = shared.groupBy("query", key).agg(F.sum(F.col("raw") * F.col("weight")).alias("dot"))
    return dots.join(lengths, "query", "inner").select("query", key, (F.col("dot") / F.col("length")).alias("cosine"))
