"""Which words of the vocabulary a typed word may have been meant as."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from sparkrec.features.queries.distance import osa_distance


def max_edits(word: Column) -> Column:
    """Slips that a word of the vocabulary may have been typed with: 1 from three letters on, 2 from eight."""
    letters = F.length(word)
    return F.when(letters >= 8, 2).when(letters >= 3, 1).otherwise(0)


def near_words(typed: DataFrame, vocabulary: DataFrame) -> DataFrame:
    """Words of the vocabulary within `max_edits` of typed ones, by symmetric deletion.

    Two words lie within so many edits only where both become the same by leaving out at most so many letters: an
    equi-join finds them without trying all pairs (SymSpell; Wolf Garbe, "1000x faster spelling correction", 2012).

    Args:
        typed: ``word``, each once.
        vocabulary: ``candidate``, each once.

    Returns:
        ``word, candidate, distance``; a word is no candidate for itself.
    """
    # Six letters may be a word of eight.
    reach = F.when(F.length("word") >= 6, 2).otherwise(1)
    rests = typed.select("word", F.explode(deletes(F.col("word"), reach)).alias("rest"))
    limit = max_edits(F.col("candidate"))
    of_candidates = vocabulary.where(limit > 0).select(
        "candidate", F.explode(deletes(F.col("candidate"), limit)).alias("rest")
    )
    pairs = rests.join(of_candidates, "rest", "inner").select("word", "candidate").distinct()
    alike = (F.col("word") != F.col("candidate")) & (F.abs(F.length("word") - F.length("candidate")) <= limit)
    measured = pairs.where(alike).withColumn("distance", osa_distance(F.col("word"), F.col("candidate")))
    return measured.where(F.col("distance") <= limit)


def deletes(word: Column, most: Column) -> Column:
    """The word, and what is left of it without any one letter, or any two where ``most`` is 2; each once."""
    one = _without_a_letter(word)
    two = F.flatten(F.transform(one, _without_a_letter))
    none = F.array().cast("array<string>")
    return F.array_distinct(F.concat(F.array(word), one, F.when(most >= 2, two).otherwise(none)))


def _without_a_letter(word: Column) -> Column:
    letters = F.sequence(F.lit(1), F.length(word))
    rests = F.transform(
        letters,
        lambda at: F.concat(F.substring(word, F.lit(1), at - 1), F.substring(word, at + 1, F.length(word))),
    )
    return F.when(F.length(word) >= 1, rests).otherwise(F.array().cast("array<string>"))
