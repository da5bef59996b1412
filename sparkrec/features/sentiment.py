"""What the words of reviews say, learned from the stars beside them."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F


def text_sentiments(reviews: DataFrame, prior: float) -> DataFrame:
    """The mean of the scores of each text's words: ``event_id, sentiment``, above 0 for good.

    A word's score is by how many stars the reviews that have it lie above the mean of all, ``prior`` average reviews
    counted in, so that rare words say little. It needs no list of words and serves any language; reviews without
    stars teach nothing, but are scored.

    Args:
        reviews: ``event_id, rating, words``, the words an array of strings.
        prior: Average reviews that each word has beside its own.
    """
    middle = reviews.agg(F.avg("rating").alias("middle"))
    words = reviews.select("event_id", "rating", F.explode(F.array_distinct("words")).alias("word"))
    above = F.sum(F.col("rating") - F.col("middle"))
    scores = (
        words.where("rating is not null")
        .crossJoin(F.broadcast(middle))
        .groupBy("word")
        .agg((above / (F.count(F.lit(1)) + prior)).alias("score"))
    )
    return words.join(scores, "word", "inner").groupBy("event_id").agg(F.avg("score").alias("sentiment"))


def item_reviews(reviews: DataFrame, sentiments: DataFrame, prior: float) -> DataFrame:
    """What reviews say of each item: ``item_id, reviews, rating, sentiment``.

    Args:
        reviews: ``event_id, item_id, rating``.
        sentiments: What `text_sentiments` gives.
        prior: Average reviews that each item has beside its own.
    """
    middle = reviews.agg(F.avg("rating").alias("middle"))
    rated = F.sum("rating") + prior * F.first("middle")
    return (
        reviews.join(sentiments, "event_id", "left")
        .crossJoin(F.broadcast(middle))
        .groupBy("item_id")
        .agg(
            F.count(F.lit(1)).alias("reviews"),
            (rated / (F.count("rating") + prior)).alias("rating"),
            (F.sum(F.coalesce("sentiment", F.lit(0.0))) / (F.count("sentiment") + prior)).alias("sentiment"),
        )
    )
