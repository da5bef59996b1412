"""Queries for a shop that has none: what people might type who look for its items."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from sparkrec.features.queries.lexicon import FUNCTION_WORDS
from sparkrec.features.queries.vocabulary import LETTERS
from sparkrec.text import normalised_query

_KINDS = 3
_MIN_LETTERS = 4


def made_queries(popular_items: DataFrame, seed: int, longest: int) -> DataFrame:
    """One query an item: the first two words of its title that say something, typed carelessly.

    Item after item a letter is left out of the longest of the words, two of its letters are swapped, or the last word
    breaks off after its first half, at least three letters. Where, a hash of the seed and the item says; the first and
    the last letter stay.

    Args:
        popular_items: ``item_id, title, place``; the places say whose turn it is.
        seed: The same seed gives the same queries.
        longest: Characters of a title that are read.

    Returns:
        ``normalised_query, query`` (the same), ``searches`` (0), ``made_from`` and ``place``; of items that give the
        same the first. Titles whose words are too short, or in a script without case, are left out.
    """
    little = F.split(F.lit(" ".join(sorted(FUNCTION_WORDS))), " ")
    telling = F.filter(F.split("text", " "), lambda word: word.rlike(LETTERS) & ~F.array_contains(little, word))
    words = F.slice(telling, 1, 2)
    by_length = F.transform("words", lambda word: F.struct((-F.length(word)).alias("minus"), word.alias("word")))
    last = F.get("words", F.size("words") - 1)
    kind = F.col("place") % _KINDS
    chance, inner = F.xxhash64(F.lit(seed), F.col("item_id")), F.length("word") - 2
    missing = _without(F.col("word"), F.pmod(chance, inner).cast("int") + 2)
    swapped = _swapped(F.col("word"), F.pmod(chance, inner - 1).cast("int") + 2)
    slip = F.when(kind == 0, missing).otherwise(swapped)
    slipped = F.transform("words", lambda word: F.when(word == F.col("word"), slip).otherwise(word))
    kept = F.greatest(F.lit(3), F.ceil(F.length(last) / 2).cast("int"))
    # Spark may evaluate this before the rows without a word are gone.
    others = F.slice("words", 1, F.greatest(F.size("words") - 1, F.lit(0)))
    cut_off = F.concat_ws(" ", others, F.array(F.substring(last, F.lit(1), kept)))
    query = F.when(kind == 2, cut_off).otherwise(F.concat_ws(" ", slipped))
    made = (
        popular_items.select("item_id", "place", normalised_query(F.col("title"), longest).alias("text"))
        .withColumn("words", words)
        .withColumn("word", F.array_min(by_length)["word"])
        .where((F.length("word") >= _MIN_LETTERS) & ((kind != 2) | (F.length(last) > _MIN_LETTERS)))
        .select("place", F.concat_ws(" ", "words").alias("made_from"), query.alias("query"))
        # Two like letters may have been swapped.
        .where("query <> made_from")
        .groupBy("made_from")
        .agg(F.min("place").alias("place"), F.min_by("query", "place").alias("query"))
        .groupBy("query")
        .agg(F.min("place").alias("place"), F.min_by("made_from", "place").alias("made_from"))
    )
    return made.withColumns({"normalised_query": F.col("query"), "searches": F.lit(0)})


def _without(word: Column, at: Column) -> Column:
    return F.concat(F.substring(word, F.lit(1), at - 1), F.substring(word, at + 1, F.length(word)))


def _swapped(word: Column, at: Column) -> Column:
    """The letter and the one after it in each other's places."""
    return F.concat(
        F.substring(word, F.lit(1), at - 1),
        F.substring(word, at + 1, F.lit(1)),
        F.substring(word, at, F.lit(1)),
        F.substring(word, at + 2, F.length(word)),
    )
