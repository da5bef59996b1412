"""Texts as they are counted and matched, whatever their script."""

import re
import unicodedata
from collections.abc import Callable

import pandas as pd
from pyspark.sql import Column
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


def folded_query(query: Column) -> Column:
    """`folded` of a column of texts."""
    return _each(folded, query)


def normalised_query(query: Column) -> Column:
    """`normalised` of a column of texts."""
    return _each(normalised, query)


def _each(change: Callable[[str], str], texts: Column) -> Column:
    def changed(values: pd.Series) -> pd.Series:
        return values.map(change, na_action="ignore")

    return pandas_udf(changed, "string")(texts)  # type: ignore[call-overload, no-any-return]
