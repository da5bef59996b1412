"""Titles as they are shown, and their words."""

from pyspark.sql import Column
from pyspark.sql import functions as F

from sparkrec.cleaning.segmentation import segmented
from sparkrec.text import beginning

# Function words of English that say nothing of an item.
STOP_WORDS = "a an and are as at be by for from in is it no not of on or per the this to with your".split()


def tidy_text(text: Column) -> Column:
    """Blanks folded and trimmed; an empty text is missing."""
    return F.nullif(F.trim(F.regexp_replace(text, r"[\s\p{Z}]+", " ")), F.lit(""))


def title_words(title: Column, most: int) -> Column:
    """The title's words in their order: lower case, letters only, two letters and more, no stop words.

    Letters of every script count, with the marks on them; Chinese and Japanese are segmented, and a Chinese word may
    be of one sign. A missing title has no words. Of a title of more characters than ``most`` its `beginning` counts.
    """
    words = F.split(F.regexp_replace(F.lower(segmented(beginning(title, most))), r"[^\p{L}\p{M}]+", " "), " ")
    kept = F.filter(words, lambda word: ((F.length(word) >= 2) | word.rlike(r"\p{IsHan}")) & ~word.isin(STOP_WORDS))
    return F.coalesce(kept, F.array().cast("array<string>"))
