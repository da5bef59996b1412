"""Texts as they are counted and matched, whatever their script."""

import re
import unicodedata
from collections.abc import Callable

import pandas as pd
from pyspark.sql import Column
from pyspark.sql import functions as F
from pyspark.sql.pandas.functions import pandas_udf

# The accents of Latin, Greek and Cyrillic letters. Marks of other scripts, such as the voicing of kana, make other
# letters and stay.
_ACCENTS = re.compile("[\u0300-\u036f]")
_NO_WORD = re.compile(r"[^\w]|_")


def folded(text: str) -> str:
    """The text without differences of case, width (NFKC) and accent."""
    return unicodedata.normalize("NFKC", _ACCENTS.sub("", unicodedata.normalize("NFKD", text)).casefold())


def normalised(text: str) -> str:
    """The folded text without punctuation, blanks folded.

    Letters, digits and marks of every script stay; a text of nothing else is empty.
    """
    # A mark is no word character to Python, but belongs to its letter.
    words = "".join(
        letter if unicodedata.category(letter).startswith("M") else _NO_WORD.sub(" ", letter) for letter in folded(text)
    )
    return " ".join(words.split())


def beginning(text: Column, most: int) -> Column:
    """The text where it has no more characters than ``most``, else what stands before the last blank within them.

    A text without a blank there ends after ``most`` characters. What reads texts word by word is handed this, so that
    no text takes it longer than so many characters do.
    """
    words = F.regexp_extract(F.substring(text, 1, most + 1), r"(?s)^(.*\S)\s", 1)
    shortened = F.coalesce(F.nullif(words, F.lit("")), F.substring(text, 1, most))
    return F.when(is_longer(text, most), shortened).otherwise(text)


def is_longer(text: Column, most: int) -> Column:
    """Whether the text has more characters than ``most``; a missing one has not."""
    return F.coalesce(F.char_length(text) > most, F.lit(False))


def folded_query(query: Column, most: int) -> Column:
    """`folded` of the `beginning` of a column of texts, itself of no more than so many characters."""
    return _each(folded, query, most)


def normalised_query(query: Column, most: int) -> Column:
    """`normalised` of the `beginning` of a column of texts, itself of no more than so many characters."""
    return _each(normalised, query, most)


def _each(change: Callable[[str], str], texts: Column, most: int) -> Column:
    def changed(values: pd.Series) -> pd.Series:
        return values.map(change, na_action="ignore")

    # A letter may become eighteen.
    return beginning(pandas_udf(changed, "string")(beginning(texts, most)), most)  # type: ignore[call-overload]
