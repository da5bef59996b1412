"""The categories that a query is about."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from sparkrec.features.queries.words import words

_PRIOR_CLICKS = 5.0
_PRIOR_WORDS = 5.0
_MAX_WORDS = 20
_MAX_CATEGORIES = 5
_DIGITS = 1_000_000


def category_intent(queries: DataFrame, clicks: DataFrame, catalogue: DataFrame) -> DataFrame:
    """P(category | query): what people clicked of the query's results, smoothed by what its words say.

    The categories of the clicks are a multinomial with a Dirichlet prior, as documents are in language models (Zhai and
    Lafferty, SIGIR 2001): the prior is `intent_of_words`, and counts as five clicks.

    Args:
        queries: ``corrected_query``, each once.
        clicks: ``corrected_query, category, clicks, weight``.
        catalogue: `sparkrec.features.queries.catalogue.catalogue`.

    Returns:
        ``corrected_query, categories``: array of ``category, probability``, heaviest first, ties by category, at most
        five. Queries without any known word and without clicks are left out.
    """
    chosen = clicks.where("category is not null")
    prior = intent_of_words(queries, _words_of_categories(catalogue, chosen))
    both = prior.select(
        "corrected_query", "category", "probability", F.lit(0).alias("clicks"), F.lit(0.0).alias("weight")
    ).unionByName(
        chosen.join(queries, "corrected_query", "left_semi").select(
            "corrected_query", "category", F.lit(0.0).alias("probability"), "clicks", "weight"
        )
    )
    sums = [F.sum(name).alias(name) for name in ("probability", "clicks", "weight")]
    of_query = (
        both.groupBy("corrected_query", "category")
        .agg(*sums)
        .groupBy("corrected_query")
        .agg(
            F.sum("clicks").alias("clicks"),
            F.sum("weight").alias("weight"),
            F.collect_list(F.struct("category", "probability", "weight")).alias("found"),
        )
    )

    def blended(one: Column) -> Column:
        share = F.when(F.col("weight") > 0, one["weight"] / F.col("weight")).otherwise(0.0)
        probability = (F.col("clicks") * share + _PRIOR_CLICKS * one["probability"]) / (F.col("clicks") + _PRIOR_CLICKS)
        # Rounded, so that they do not hang on the order of sums; down, so that they do not add up to more than 1. What
        # is a whole number of digits but for such an order is taken for it.
        digits = F.floor(probability * _DIGITS + 0.001)
        return F.struct((-digits / _DIGITS).alias("minus"), one["category"].alias("category"))

    heaviest = F.slice(F.array_sort(F.transform("found", blended)), 1, _MAX_CATEGORIES)
    categories = F.transform(heaviest, lambda one: F.struct(one["category"], (-one["minus"]).alias("probability")))
    return of_query.select(
        "corrected_query", F.filter(categories, lambda one: one["probability"] > 0).alias("categories")
    )


def intent_of_words(queries: DataFrame, counts: DataFrame) -> DataFrame:
    """P(category | words of the query) by multinomial naive Bayes, each word weighed by how much it tells.

    A category's words are smoothed by those of all categories, which count as `_PRIOR_WORDS` of its own. A word weighs
    1 less its entropy over the categories, as a share of the greatest possible (Dumais, Behavior Research Methods 23,
    1991): one that is everywhere, such as a colour or a brand, says little by where it happens to be missing.

    Args:
        queries: ``corrected_query``. Words that no category has are passed over, and so are all but the first twenty.
        counts: ``category, word, count``.

    Returns:
        ``corrected_query, category, probability`` of the categories that have one of the words; these sum to 1.
    """
    totals = counts.agg(
        F.sum("count").alias("all"), F.greatest(F.countDistinct("category"), F.lit(2)).alias("categories")
    )
    of_word = (
        counts.groupBy("word")
        .agg(F.sum("count").alias("total"), F.collect_list(F.struct("category", "count")).alias("held"))
        .crossJoin(F.broadcast(totals))
    )
    shares = F.transform("held", lambda one: one["count"] / F.col("total"))
    entropy = F.aggregate(shares, F.lit(0.0), lambda sum_, share: sum_ - share * F.log(share))
    prior = _PRIOR_WORDS * F.col("total") / F.col("all")

    def gain(one: Column) -> Column:
        return F.struct(one["category"], (F.col("telling") * F.log1p(one["count"] / prior)).alias("gain"))

    gains = of_word.withColumn("telling", 1 - entropy / F.log("categories")).select(
        "word", "telling", F.transform("held", gain).alias("held")
    )
    asked = queries.select(
        "corrected_query", F.explode(F.slice(_telling_words(F.col("corrected_query")), 1, _MAX_WORDS)).alias("word")
    )
    sizes = counts.groupBy("category").agg(F.sum("count").alias("size"))
    score = F.log("size") + F.sum("gain") - F.col("telling") * F.log(F.col("size") + _PRIOR_WORDS)
    joint = (
        asked.join(gains, "word", "inner")
        .groupBy("corrected_query")
        .agg(F.sum("telling").alias("telling"), F.flatten(F.collect_list("held")).alias("held"))
        .select("corrected_query", "telling", F.inline("held"))
        .join(F.broadcast(sizes), "category", "inner")
        .groupBy("corrected_query", "telling", "category", "size")
        .agg(F.exp(score).alias("joint"))
    )
    by_query = joint.groupBy("corrected_query").agg(
        F.sum("joint").alias("all"), F.collect_list(F.struct("category", "joint")).alias("found")
    )
    return by_query.select("corrected_query", "all", F.inline("found")).select(
        "corrected_query", "category", (F.col("joint") / F.col("all")).alias("probability")
    )


def _words_of_categories(catalogue: DataFrame, clicks: DataFrame) -> DataFrame:
    """``category, word, count``: items of the category with the word, and clicks on it after queries with the word."""
    text = F.concat_ws(" ", "title_text", "category_text", "brand_text")
    in_items = catalogue.where("category is not null").select(
        "category", F.explode(_telling_words(text)).alias("word"), F.lit(1.0).alias("count")
    )
    by_query = clicks.groupBy("corrected_query").agg(
        (F.sum("clicks") / F.sum("weight")).alias("mean"),
        F.collect_list(F.struct("category", "weight")).alias("found"),
    )
    in_queries = (
        by_query.select("corrected_query", "mean", F.inline("found"))
        .withColumn("count", F.col("weight") * F.col("mean"))
        .select("category", F.explode(_telling_words(F.col("corrected_query"))).alias("word"), "count")
    )
    return in_items.unionByName(in_queries).groupBy("category", "word").agg(F.sum("count").alias("count"))


def _telling_words(text: Column) -> Column:
    """Different words but numbers, which are sizes and prices of anything."""
    return F.array_distinct(F.filter(words(text), lambda word: ~word.rlike(r"^\p{N}+$")))
