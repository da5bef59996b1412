"""Search queries as they are counted and matched."""

import re
import unicodedata

import pandas as pd
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.pandas.functions import pandas_udf

# The accents of Latin, Greek and Cyrillic letters. Marks of other scripts, such as the voicing of kana, make other
# letters and stay.
_ACCENTS = re.compile("[\u0300-\u036f]")
_NO_WORD = re.compile(r"[^\w]|_")


def normalised(query: str) -> str:
    """The text without differences of case, width (NFKC), accent and punctuation, blanks folded.

    Letters, digits and marks of every script stay; a text of nothing else is empty.
    """
    bare = _ACCENTS.sub("", unicodedata.normalize("NFKD", query)).casefold()
    # A mark is no word character to Python, but belongs to its letter.
    words = "".join(
        letter if unicodedata.category(letter).startswith("M") else _NO_WORD.sub(" ", letter)
        for letter in unicodedata.normalize("NFKC", bare)
    )
    return " ".join(words.split())


def normalised_query(query: Column) -> Column:
    """`normalised` of a column of texts."""

    def texts(queries: pd.Series) -> pd.Series:
        return queries.map(normalised, na_action="ignore")

    return pandas_udf(texts, "string")(query)  # type: ignore[call-overload, no-any-return]


def searches(events: DataFrame, shown: DataFrame) -> DataFrame:
    """Queries with the items that they showed (silver.searches).

    Args:
        events: Search events with ``query``.
        shown: Impressions, those with a ``search_id`` by ``position``; those of another day than the search's count
            for nothing, so that a day's searches hang on that day alone.
    """
    key = ["search_id", "event_date"]
    places = F.array_sort(F.collect_set(F.struct("position", "item_id")))
    results = shown.where("search_id is not null").groupBy(*key).agg(places["item_id"].alias("result_item_ids"))
    # Each different text once.
    different = events.select("query").distinct().withColumn("normalised_query", normalised_query(F.col("query")))
    return (
        events.withColumn("search_id", F.coalesce("search_id", "event_id"))
        .join(different, "query", "inner")
        .join(results, key, "left")
        .withColumn("result_item_ids", F.coalesce("result_item_ids", F.array().cast("array<string>")))
    )
