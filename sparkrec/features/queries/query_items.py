"""How well items answer queries."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from sparkrec.features.bm25 import best, bm25_index, bm25_scores
from sparkrec.features.tfidf import tfidf_cosines, tfidf_index


def query_items(queries: DataFrame, items: DataFrame, vectors: DataFrame, clicks: DataFrame, most: int) -> DataFrame:
    """Text match and clicks of each query's best items (features.query_items).

    Args:
        queries: ``query, text, words``: as normalised, as corrected, and the words of that.
        items: ``item_id, title, words`` of each item.
        vectors: features.text_vectors.
        clicks: What `item_clicks` gives.
        most: Items for each query by BM25, and as many by clicks.
    """
    titled = items.where(F.size("words") > 0)
    matched = bm25_scores(queries, bm25_index(titled, "item_id", "words"), "item_id")
    by_text = best(matched, "item_id", most).withColumnRenamed("score", "bm25")
    clicked = clicks.where("clicks > 0").withColumn("score", F.col("clicks") * F.col("click_score"))
    wanted = by_text.select("query", "item_id").union(best(clicked, "item_id", most).select("query", "item_id"))
    cosines = tfidf_cosines(queries, tfidf_index(titled, "item_id", "words"), "item_id")
    of_query = vectors.select(F.col("text"), F.col("vector").alias("query_vector"))
    of_item = vectors.select(F.col("text").alias("title"), F.col("vector").alias("item_vector"))
    return (
        wanted.distinct()
        .join(matched.withColumnRenamed("score", "bm25"), ["query", "item_id"], "left")
        .join(cosines.withColumnRenamed("cosine", "tfidf_cosine"), ["query", "item_id"], "left")
        .join(clicks, ["query", "item_id"], "left")
        .join(queries.select("query", "text").join(of_query, "text", "left"), "query", "inner")
        .join(items.select("item_id", "title").join(of_item, "title", "left"), "item_id", "inner")
        .select(
            F.col("query").alias("normalised_query"),
            "item_id",
            F.coalesce("bm25", F.lit(0.0)).alias("bm25"),
            F.coalesce("tfidf_cosine", F.lit(0.0)).alias("tfidf_cosine"),
            dot(F.col("query_vector"), F.col("item_vector")).alias("embedding_cosine"),
            F.coalesce("impressions", F.lit(0)).alias("impressions"),
            F.coalesce("clicks", F.lit(0)).alias("clicks"),
            F.coalesce("click_score", F.lit(1.0)).alias("click_score"),
        )
    )


def dot(one: Column, other: Column) -> Column:
    """The dot product of two arrays of numbers; null where one is missing."""
    products = F.zip_with(one, other, lambda a, b: a * b)
    return F.aggregate(products, F.lit(0.0), lambda sum_, product: sum_ + product)
