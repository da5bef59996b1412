"""Blanks that were left out, typed too much or in the wrong place."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from sparkrec.features.queries.evidence import SHORT, is_far_more_clicked, is_rare, rarity
from sparkrec.features.queries.vocabulary import LETTERS


def parted_words(doubtful: DataFrame, known: DataFrame) -> DataFrame:
    """Two words that a typed one may be without its blank, such as face cream for facecream.

    Args:
        doubtful: ``word, clicks``.
        known: ``candidate`` of one word or two, ``candidate_clicks, items``.

    Returns:
        The columns of both, for each way to part a word that there is evidence for.
    """
    respelt = doubtful.withColumn("candidate", F.explode(parted(F.col("word"))))
    return _believed(respelt, known)


def mended_pairs(words: DataFrame, doubtful: DataFrame, known: DataFrame) -> DataFrame:
    """The pair of neighbouring words of a query whose blank is too much or in the wrong place.

    Args:
        words: ``normalised_query, place, word, next`` of each word of each query.
        doubtful: ``word, clicks``; at least one of a pair is such a word.
        known: As for `parted_words`.

    Returns:
        ``normalised_query, pair_at`` (the place of its first word) and ``pair``, what it was meant as. One a query
        at most: the most frequent, then the first.
    """
    of_next = doubtful.select(F.col("word").alias("next"), F.col("clicks").alias("next_clicks"))
    in_doubt = (
        words.where(F.col("word").rlike(LETTERS) & F.col("next").rlike(LETTERS))
        .join(doubtful, "word", "left")
        .join(of_next, "next", "left")
        .withColumn("clicks", F.greatest("clicks", "next_clicks"))
        .where("clicks is not null")
    )
    respelt = in_doubt.withColumn("candidate", F.explode(respaced(F.col("word"), F.col("next"))))
    return (
        _believed(respelt, known)
        .groupBy("normalised_query")
        .agg(F.min(F.struct(rarity(), "place", "candidate")).alias("best"))
        .select("normalised_query", F.col("best.place").alias("pair_at"), F.col("best.candidate").alias("pair"))
    )


def parted(word: Column) -> Column:
    """The word with a blank anywhere in it, at least two letters on either side."""
    places = F.sequence(F.lit(2), F.length(word) - 2)
    both = F.transform(places, lambda at: F.concat_ws(" ", F.substring(word, F.lit(1), at), _after(word, at)))
    return F.when(F.length(word) >= 4, both).otherwise(F.array().cast("array<string>"))


def respaced(left: Column, right: Column) -> Column:
    """Two words with the blank between them gone, or moved by one letter."""
    shorter = F.substring(left, F.lit(1), F.length(left) - 1)
    return F.array(
        F.concat(left, right),
        F.concat(shorter, F.lit(" "), _after(left, F.length(left) - 1), right),
        F.concat(left, F.substring(right, 1, 1), F.lit(" "), _after(right, F.lit(1))),
    )


def _believed(respelt: DataFrame, known: DataFrame) -> DataFrame:
    """Candidates that stand side by side in the vocabulary, or that it has both words of."""
    parts = F.split("candidate", " ")
    halves = [
        known.select(F.col("candidate").alias(half), F.col("candidate_clicks").alias(f"{half}_clicks"))
        for half in ("left", "right")
    ]
    looked_up = (
        respelt.join(known, "candidate", "left")
        .withColumns({"left": F.get(parts, F.lit(0)), "right": F.get(parts, F.lit(1))})
        .join(halves[0], "left", "left")
        .join(halves[1], "right", "left")
    )
    together = F.col("items").isNotNull() & (is_rare() | is_far_more_clicked())
    apart = F.lit(True)
    for half in ("left", "right"):
        is_long = (F.length(half) >= SHORT) & is_rare() & F.col(f"{half}_clicks").isNotNull()
        apart &= is_long | is_far_more_clicked(f"{half}_clicks")
    return looked_up.where((F.length("candidate") >= SHORT) & (together | apart)).fillna(
        0, ["items", "candidate_clicks"]
    )


def _after(word: Column, at: Column) -> Column:
    """What follows the first ``at`` letters."""
    return F.substring(word, at + 1, F.length(word))
