"""Words of queries and items, as they are matched."""

from pyspark.sql import Column
from pyspark.sql import functions as F

from sparkrec.cleaning.segmentation import segmented
from sparkrec.cleaning.titles import STOP_WORDS
from sparkrec.text import normalised_query


def search_words(text: Column, most: int) -> Column:
    """Words and numbers of a text in their order, normalised as queries are, in the singular, without stop words.

    Chinese and Japanese are segmented. A missing text has none. Of a text of more characters than ``most`` its
    beginning counts.
    """
    words = F.split(segmented(normalised_query(text, most)), " ")
    kept = F.filter(words, lambda word: (word != "") & ~word.isin(STOP_WORDS))
    return F.coalesce(F.transform(kept, _singular), F.array().cast("array<string>"))


def _singular(word: Column) -> Column:
    """The word without the ending of an English plural (the S stemmer; Harman, "How effective is suffixing?", 1991)."""
    return (
        F.when(F.length(word) < 4, word)
        .when(word.rlike("[^ea]ies$"), F.regexp_replace(word, "ies$", "y"))
        .when(word.rlike("[^aeo]es$"), F.regexp_replace(word, "es$", "e"))
        .when(word.rlike("[^us]s$"), F.regexp_replace(word, "s$", ""))
        .otherwise(word)
    )
