"""Tags and short descriptions in words."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

WORDS = "words"
"""``written_by`` of what no language model has written."""


def prompt(instruction: str, words: Column) -> Column:
    """What a language model is asked: the instruction and the words."""
    return F.concat(F.lit(f"{instruction.strip()}\nWords: "), F.array_join(words, ", "), F.lit("\nTags:"))


def from_words(words: DataFrame) -> DataFrame:
    """Descriptions that are the words themselves: adds ``tags, description, written_by``."""
    return words.select(
        "*",
        F.col("words").alias("tags"),
        F.array_join("words", ", ").alias("description"),
        F.lit(WORDS).alias("written_by"),
    )


def from_written(words: DataFrame, written_by: str, most: int) -> DataFrame:
    """Descriptions of what a language model has written.

    Its first line is taken for tags between commas, the rest for the description; where either is empty the words
    themselves are taken.

    Args:
        words: ``words, written`` and further columns.
        written_by: The model.
        most: Tags at most.
    """
    lines = F.split(F.trim("written"), r"\s*\n\s*", 2)
    bare = F.transform(F.split(lines[0], r"\s*,\s*"), lambda tag: F.trim(F.lower(tag)))
    tags = F.slice(F.array_distinct(F.filter(bare, lambda tag: tag != "")), 1, most)
    # `get` gives null behind the end.
    text = F.nullif(F.regexp_replace(F.trim(F.get(lines, F.lit(1))), r"\s+", " "), F.lit(""))
    return words.select(
        *[name for name in words.columns if name != "written"],
        F.when(F.size(tags) > 0, tags).otherwise(F.col("words")).alias("tags"),
        F.coalesce(text, F.array_join("words", ", ")).alias("description"),
        F.lit(written_by).alias("written_by"),
    )
