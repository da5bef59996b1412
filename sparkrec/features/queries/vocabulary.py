"""The words that a query may be made of."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

# Lower-case letters alone: scripts without case, and words with digits, are not spelt letter by letter.
LETTERS = r"^\p{Ll}{1,24}$"
MIN_CLICKS = 3
"""Clicks that make a word right which no item has."""


def vocabulary(catalogue: DataFrame, clicks: DataFrame) -> DataFrame:
    """Words, and pairs of words that stand side by side, of the catalogue and of queries that were answered.

    Args:
        catalogue: `sparkrec.features.queries.catalogue.catalogue`.
        clicks: ``normalised_query, clicks``.

    Returns:
        ``text`` (one word, or two with a blank), ``items`` with it and ``clicks`` on what queries with it showed. What
        no item has is left out where it has fewer than `MIN_CLICKS`.
    """
    texts = F.array("title_text", "category_text", "brand_text")
    in_items = catalogue.select(
        F.explode(F.array_distinct(F.flatten(F.transform(texts, _words_and_pairs)))).alias("text"),
        F.lit(1).alias("items"),
        F.lit(0).alias("clicks"),
    )
    in_queries = clicks.select(
        F.explode(F.array_distinct(_words_and_pairs(F.col("normalised_query")))).alias("text"),
        F.lit(0).alias("items"),
        "clicks",
    )
    counted = in_items.unionByName(in_queries).groupBy("text")
    return counted.agg(F.sum("items").alias("items"), F.sum("clicks").alias("clicks")).where(
        (F.col("items") > 0) | (F.col("clicks") >= MIN_CLICKS)
    )


def _words_and_pairs(text: Column) -> Column:
    words = F.split(text, " ")
    pairs = F.transform(
        F.slice(words, 1, F.size(words) - 1), lambda word, at: F.concat_ws(" ", word, F.get(words, at + 1))
    )
    spelt = r"^\p{Ll}{1,24}$|^\p{Ll}{2,24} \p{Ll}{2,24}$"
    return F.filter(F.concat(words, pairs), lambda one: one.rlike(spelt))
