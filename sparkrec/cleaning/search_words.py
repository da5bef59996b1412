"""Words of queries and items, as they are matched."""

import re

import pandas as pd
from pyspark.sql import Column
from pyspark.sql.pandas.functions import pandas_udf

from sparkrec.cleaning.segmentation import segment
from sparkrec.cleaning.titles import STOP_WORDS
from sparkrec.text import beginning, normalised

TEXT_FIELDS = ("title", "brand", "category_path", "description")
"""All that is written of an item, in silver.items."""

# The S stemmer (Harman, "How effective is suffixing?", 1991), and plurals that have a further e, as boxes has.
_PLURALS = (
    *((re.compile("(?<![ea])ies$"), "y"), (re.compile("(x|ss|zz|ch|sh)es$"), r"\1")),
    *((re.compile("(?<![aeo])es$"), "e"), (re.compile("(?<![us])s$"), "")),
)
_MIN_LETTERS = 4
_STOPS = frozenset(STOP_WORDS)


def words_of(text: str) -> list[str]:
    """Words and numbers of a text in their order, normalised as queries are, in the singular, without stop words.

    Chinese and Japanese are segmented.

    >>> words_of("Two RED mugs, and the 20 x 30 cm boxes")
    ['two', 'red', 'mug', '20', 'x', '30', 'cm', 'box']
    """
    return [_singular(word) for word in segment(normalised(text)).split() if word not in _STOPS]


def _singular(word: str) -> str:
    if len(word) < _MIN_LETTERS:
        return word
    for ending, replacement in _PLURALS:
        if ending.search(word):
            return ending.sub(replacement, word)
    return word


def search_words(text: Column, most: int) -> Column:
    """`words_of` each text; a missing one has none. Of a text of more characters than ``most`` its beginning counts."""

    def words(texts: pd.Series) -> pd.Series:
        return texts.map(lambda one: words_of(one) if isinstance(one, str) else [])

    found: Column = pandas_udf(words, "array<string>")(beginning(text, most))  # type: ignore[call-overload]
    return found
