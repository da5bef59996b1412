"""TF-IDF of item titles."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from sparkrec.features.vocabulary import indices_of


def item_text(current_items: DataFrame, vocabulary: DataFrame) -> DataFrame:
    """TF-IDF weights of the current title of every item in the vocabulary (features.item_text).

    Weight = term count x (ln((1 + items) / (1 + items with the word)) + 1), each item's vector of
    Euclidean length 1: the smooth form of scikit-learn's TfidfVectorizer. Words outside the vocabulary
    do not count; an item without words has empty arrays.
    """
    items = (
        indices_of(vocabulary, "item")
        .select(F.col("value").alias("item_id"), F.col("index").alias("item_index"))
        .join(current_items.select("item_id", "title", "title_words"), "item_id", "left")
    )
    words = indices_of(vocabulary, "word").select(F.col("value").alias("word"), F.col("index").alias("word_index"))
    counted = (
        items.select("item_id", F.explode("title_words").alias("word"))
        .groupBy("item_id", "word")
        .agg(F.count(F.lit(1)).alias("count"))
        .join(words, "word", "inner")
    )
    holders = counted.groupBy("word").agg(F.count(F.lit(1)).alias("holders"))
    total = items.agg(F.count(F.lit(1)).alias("total"))
    idf = F.log((1 + F.col("total")) / (1 + F.col("holders"))) + 1
    weighted = counted.join(holders, "word", "inner").crossJoin(F.broadcast(total))
    # Heaviest first; the word breaks ties.
    entry = F.struct((-F.col("count") * idf).alias("negative_weight"), F.col("word"), F.col("word_index"))
    vectors = weighted.groupBy("item_id").agg(F.array_sort(F.collect_list(entry)).alias("entries"))
    length = F.sqrt(F.aggregate("entries", F.lit(0.0), lambda sum_, e: sum_ + e["negative_weight"] ** 2))
    return (
        items.join(vectors, "item_id", "left")
        .withColumn("length", length)
        .select(
            "item_id",
            "item_index",
            "title",
            F.coalesce("entries.word", F.array().cast("array<string>")).alias("words"),
            F.coalesce("entries.word_index", F.array().cast("array<int>")).alias("word_indices"),
            F.coalesce(
                F.transform("entries", lambda e: (-e["negative_weight"] / F.col("length")).cast("float")),
                F.array().cast("array<float>"),
            ).alias("weights"),
        )
    )
