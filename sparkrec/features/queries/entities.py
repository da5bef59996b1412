"""What a query names: brand, colour and size."""

from collections.abc import Iterable, Mapping

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from sparkrec.features.queries.lexicon import COLOURS, UNITS
from sparkrec.features.queries.words import runs

_MAX_WORDS = 4


def brands(queries: DataFrame, catalogue: DataFrame) -> DataFrame:
    """The brand that a query names: the longest name of the catalogue that stands in it in whole words.

    Args:
        queries: ``corrected_query``.
        catalogue: `sparkrec.features.queries.catalogue.catalogue`.

    Returns:
        ``corrected_query, brand`` as most items write it; of equally long names the first. Queries without one are
        left out.
    """
    names = (
        catalogue.where("brand_text <> ''")
        .groupBy(F.concat_ws(" ", runs(F.col("brand_text"))).alias("phrase"), "brand")
        .agg(F.count(F.lit(1)).alias("items"))
        .groupBy("phrase")
        .agg(F.min(F.struct((-F.col("items")).alias("rarity"), "brand"))["brand"].alias("brand"))
    )
    found = queries.select("corrected_query", F.inline(_phrases(runs(F.col("corrected_query"))))).join(
        names, "phrase", "inner"
    )
    longest = F.min(
        F.struct((-F.col("words")).alias("words"), (-F.length("phrase")).alias("letters"), "place", "brand")
    )
    return found.groupBy("corrected_query").agg(longest["brand"].alias("brand"))


def colour(query: Column) -> Column:
    """English name of the first colour that a normalised query names in any of the lexicon's languages."""
    text = F.concat_ws(" ", runs(query))
    found = F.regexp_extract(text, _one_of(COLOURS), 0)
    return _named(found, COLOURS)


def size(query: Column) -> Column:
    """A number with its unit, such as ``250 ml`` or ``20 x 30 cm``, else a size of clothes from XXS to 5XL.

    Args:
        query: The folded query with its punctuation.
    """
    number = r"(?<![\p{Ll}\p{N}.,])((?:\d++(?:[.,]\d++)?\s*x\s*){0,2}\d++(?:[.,]\d++)?)"
    measure = rf"{number}\s*({alternatives(UNITS)})(?![\p{{Ll}}\p{{N}}])"
    digits = F.regexp_replace(F.regexp_replace(F.regexp_extract(query, measure, 1), ",", "."), r"\s*x\s*", " x ")
    unit = _named(F.regexp_extract(query, measure, 2), UNITS)
    alone = r"[\p{Ll}\p{N}&'’./-]"
    letters = F.regexp_extract(query, rf"(?<!{alone})(xx?s|s|m|l|x{{1,3}}l|[2-5]xl)(?!{alone})", 1)
    return F.coalesce(F.concat(digits, F.lit(" "), unit), F.nullif(F.upper(letters), F.lit("")))


def alternatives(words: Iterable[str]) -> str:
    """Regular expression for any of the words, the longest that fits."""
    return "|".join(sorted(words, key=lambda word: (-len(word), word)))


def _one_of(words: Mapping[str, str]) -> str:
    """As `alternatives`, but words of letters with blanks between must be whole ones."""
    whole = [word for word in words if word.isascii()]
    others = [word for word in words if not word.isascii()]
    return rf"(?<!\S)(?:{alternatives(whole)})(?!\S)|(?:{alternatives(others)})"


def _named(word: Column, names: Mapping[str, str]) -> Column:
    listed = ",".join(f"{one}:{name}" for one, name in sorted(names.items()))
    return F.try_element_at(F.str_to_map(F.lit(listed), F.lit(","), F.lit(":")), word)


def _phrases(words: Column) -> Column:
    """All stretches of up to four words: array of ``place, words, phrase``."""

    def of_length(length: int) -> Column:
        places = F.sequence(F.lit(1), F.size(words) - (length - 1))
        found = F.transform(
            places,
            lambda at: F.struct(
                at.alias("place"),
                F.lit(length).alias("words"),
                F.concat_ws(" ", F.slice(words, at, length)).alias("phrase"),
            ),
        )
        none = F.array().cast("array<struct<place: int, words: int, phrase: string>>")
        return F.when(F.size(words) >= length, found).otherwise(none)

    return F.concat(*[of_length(length) for length in range(1, _MAX_WORDS + 1)])
