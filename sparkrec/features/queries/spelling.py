"""Queries as they were meant to be typed."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from sparkrec.features.queries.candidates import near_words
from sparkrec.features.queries.evidence import SHORT, is_far_more_clicked, is_rare, rarity
from sparkrec.features.queries.lexicon import EVERYDAY_WORDS
from sparkrec.features.queries.spacing import mended_pairs, parted_words
from sparkrec.features.queries.vocabulary import LETTERS

_MIN_PREFIX = 3


def corrected_queries(queries: DataFrame, vocabulary: DataFrame) -> DataFrame:
    """Queries with the words that nobody sells or clicks put right.

    A doubtful word, one of letters alone that no item has, becomes the nearest word of the vocabulary, or two of its
    words where the blank was left out. Of equally near ones those come first that a letter left out or two swapped
    explain, as most slips are; then the more frequent; then the first by the alphabet. Two words become one, or share
    their letters otherwise, where the blank was typed too much or in the wrong place. A doubtful last word may be
    unfinished: unless such a slip explains it, it is completed to the most frequent word that begins with it.

    A word that people have clicked items for is taken for right, unless the other is clicked ten times as often: a slip
    is rare beside what it is a slip of (Cucerzan and Brill, EMNLP 2004). So are words of three letters corrected only
    where such clicks speak for it, and only from a letter left out or two swapped.

    Args:
        queries: ``normalised_query``, each once.
        vocabulary: `sparkrec.features.queries.vocabulary.vocabulary`.

    Returns:
        ``normalised_query, corrected_query`` and ``edits``, how many of its words were replaced.
    """
    typed = F.split("normalised_query", " ")
    words = queries.select(
        "normalised_query", F.size(typed).alias("words"), F.posexplode(typed).alias("place", "word")
    ).withColumn("next", F.get(F.split("normalised_query", " "), F.col("place") + 1))
    doubtful = _doubtful(words, vocabulary)
    known = vocabulary.withColumnsRenamed({"text": "candidate", "clicks": "candidate_clicks"})
    is_first = F.coalesce(F.col("place") == F.col("pair_at"), F.lit(False))
    is_second = F.coalesce(F.col("place") == F.col("pair_at") + 1, F.lit(False))
    mended = F.when(F.col("place") == F.col("words") - 1, F.col("as_last")).otherwise(F.col("as_other"))
    piece = F.when(is_first, F.col("pair")).when(~is_second, F.coalesce(mended, "word"))
    pieces = (
        words.join(mended_words(doubtful, known), "word", "left")
        .join(mended_pairs(words, doubtful, known), "normalised_query", "left")
        .withColumn("piece", piece)
        .withColumn("edited", ~F.col("piece").eqNullSafe(F.col("word")))
    )
    in_order = F.array_sort(F.collect_list(F.struct("place", "piece")))["piece"]
    return pieces.groupBy("normalised_query").agg(
        F.concat_ws(" ", in_order).alias("corrected_query"), F.count_if(F.col("edited")).cast("int").alias("edits")
    )


def mended_words(doubtful: DataFrame, known: DataFrame) -> DataFrame:
    """What doubtful words were meant as: ``word``, ``as_last`` in a query and ``as_other``; null leaves it.

    Args:
        doubtful: ``word, clicks``, each word once.
        known: ``candidate`` of one word or two, ``candidate_clicks, items``.
    """
    whole = known.where(F.col("candidate").rlike(LETTERS))
    near = near_words(doubtful.select("word"), whole.select("candidate"))
    near = near.join(whole, "candidate", "inner").join(doubtful, "word", "inner")
    one_slip = (F.length("candidate") == F.length("word") + 1) | (_letters("candidate") == _letters("word"))
    near = near.withColumn("is_slip", (F.col("distance") == 1) & one_slip)
    clicks_say_so = F.col("is_slip") & is_far_more_clicked()
    is_short = F.length("candidate") < SHORT
    near = near.where(F.when(is_short, clicks_say_so).otherwise(is_rare() | is_far_more_clicked()))
    columns = ["word", "distance", "candidate", "candidate_clicks", "items", "is_slip"]
    parted = parted_words(doubtful, known).withColumns({"distance": F.lit(1), "is_slip": F.lit(True)})
    best = F.struct("distance", (~F.col("is_slip")).alias("odd"), rarity(), "candidate")
    explained = F.col("is_slip") & ~F.startswith("candidate", "word")
    found = (
        near.select(columns)
        .unionByName(parted.select(columns))
        .groupBy("word")
        .agg(F.min(best).alias("best"), F.min(F.when(explained, best)).alias("explained"))
        .join(_completed(doubtful.where(is_rare()), whole), "word", "full")
    )
    return found.select(
        "word",
        F.coalesce("explained.candidate", "completed", "best.candidate").alias("as_last"),
        F.col("best.candidate").alias("as_other"),
    )


def _doubtful(words: DataFrame, vocabulary: DataFrame) -> DataFrame:
    """``word`` and ``clicks`` of different words that no item has and that are not everyday ones."""
    everyday = F.array_contains(F.split(F.lit(" ".join(sorted(EVERYDAY_WORDS))), " "), F.col("word"))
    return (
        words.select("word")
        .distinct()
        .where(F.col("word").rlike(LETTERS) & ~everyday)
        .join(vocabulary.withColumnRenamed("text", "word"), "word", "left")
        .where(F.coalesce("items", F.lit(0)) == 0)
        .select("word", F.coalesce("clicks", F.lit(0)).alias("clicks"))
    )


def _completed(doubtful: DataFrame, whole: DataFrame) -> DataFrame:
    """``word`` and what it is ``completed`` to."""
    lengths = F.sequence(F.lit(_MIN_PREFIX), F.length("candidate") - 1)
    prefixes = F.transform(lengths, lambda length: F.substring(F.col("candidate"), F.lit(1), length))
    begun = whole.where(F.length("candidate") > _MIN_PREFIX).withColumn("word", F.explode(prefixes))
    best = (
        begun.join(doubtful, "word", "inner").groupBy("word").agg(F.min(F.struct(rarity(), "candidate")).alias("best"))
    )
    return best.select("word", F.col("best.candidate").alias("completed"))


def _letters(word: str) -> Column:
    return F.array_sort(F.split(word, ""))
