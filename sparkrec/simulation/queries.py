"""What people type: colour, brand and noun of what they look for, and the ways in which that goes wrong."""

import unicodedata

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from sparkrec.simulation.catalogue import Catalogue
from sparkrec.simulation.chance import Chance, at
from sparkrec.simulation.settings import SimulationSettings
from sparkrec.simulation.words import BRANDS, CATEGORIES, COLOURS, COLOURS_CHINESE, COLOURS_JAPANESE

_COLOUR_RATE, _BRAND_RATE = 0.4, 0.25
_ACCENTS = "".join(sorted({letter for brand in BRANDS for letter in brand.lower() if ord(letter) > 127}))
_ASCII = "".join({"ø": "o"}.get(letter) or unicodedata.normalize("NFD", letter)[0] for letter in _ACCENTS)
_NARROW = "abcdefghijklmnopqrstuvwxyz "
_WIDE = "".join(chr(ord(letter) + 0xFEE0) for letter in _NARROW[:-1]) + "\u3000"


class Queries:
    """The query of a search; all of it hangs on the search's id and on the category that it is about."""

    def __init__(self, settings: SimulationSettings, search_id: Column, category: Column, at_jp: Column) -> None:
        self.chance = Chance(settings.seed)
        self.search_id = search_id
        self.category = category
        slip = self.chance.uniform("slip", search_id)
        self.language = self.chance.uniform("query language", search_id)
        self.is_chinese = F.when(at_jp, self.language < 0.15).otherwise(self.language < 0.03)
        self.is_japanese = at_jp & ~self.is_chinese & (self.language < 0.5)
        self._slip = F.when(self.is_chinese | self.is_japanese, 1.0).otherwise(slip)

    def colour_number(self) -> Column:
        """Place of the colour that is looked for; null where any will do."""
        wanted = self.chance.happens(_COLOUR_RATE, "query colour", self.search_id)
        return F.when(wanted, self.chance.whole(len(COLOURS), "which colour", self.search_id))

    def brand_number(self) -> Column:
        """Place of the brand that is looked for; null where any will do."""
        wanted = self.chance.happens(_BRAND_RATE, "query brand", self.search_id)
        return F.when(wanted, self.chance.whole(len(BRANDS), "which brand", self.search_id))

    def corrected(self) -> Column:
        """The query in the person's own words, without slips: lower case, narrow letters, accents as in the shop."""
        colour, brand = self.colour_number(), F.lower(at(BRANDS, self.brand_number()))
        synonym = self.chance.happens(0.25, "synonym", self.search_id)
        noun = F.when(synonym, self._of_category("synonym")).otherwise(self._of_category("noun"))
        english = F.concat_ws(" ", at(COLOURS, colour), brand, noun)
        chinese = F.concat_ws(" ", brand, F.concat_ws("", at(COLOURS_CHINESE, colour), self._of_category("chinese")))
        japanese = F.concat_ws(" ", brand, at(COLOURS_JAPANESE, colour), self._of_category("japanese"))
        return F.when(self.is_chinese, chinese).when(self.is_japanese, japanese).otherwise(english)

    def typed(self, text: Column) -> Column:
        """The corrected query as typed: four in ten English ones with a slip of letters, case, width or accents."""
        place = self.chance.whole(F.length(text) - 2, "slip at", self.search_id).cast("int") + 2
        missing = F.concat(F.substring(text, F.lit(1), place - 1), F.substring(text, place + 1, F.length(text)))
        swapped = F.concat(
            F.substring(text, F.lit(1), place - 1),
            F.substring(text, place + 1, F.lit(1)),
            F.substring(text, place, F.lit(1)),
            F.substring(text, place + 2, F.length(text)),
        )
        return (
            F.when(self._slip < 0.08, missing)
            .when(self._slip < 0.14, swapped)
            .when(self._slip < 0.26, F.upper(text))
            .when(self._slip < 0.31, F.translate(text, _NARROW, _WIDE))
            .when(self._slip < 0.39, F.translate(text, _ACCENTS, _ASCII))
            .when(self._slip < 0.42, F.translate(text, "e", "é"))
            .otherwise(text)
        )

    def _of_category(self, word: str) -> Column:
        return at([getattr(category, word) for category in CATEGORIES], self.category)


def query_match(queries: Queries, catalogue: Catalogue, item: Column) -> Column:
    """How much better the item answers the query than any other of its category: a factor from 1."""
    colour = F.coalesce(queries.colour_number() == catalogue.colour_number(item), F.lit(False))
    brand = F.coalesce(queries.brand_number() == catalogue.brand_number(item), F.lit(False))
    return F.when(colour, 1.4).otherwise(1.0) * F.when(brand, 1.4).otherwise(1.0)


def with_queries(events: DataFrame, settings: SimulationSettings) -> DataFrame:
    """The events with ``corrected_query`` and ``query`` as it was typed; null on all but searches."""
    queries = Queries(settings, F.col("search_id"), F.col("search_category"), F.col("site") == "jp")
    is_search, text = F.col("event_type") == "search", F.col("corrected_query")
    corrected = events.withColumn("corrected_query", F.when(is_search, queries.corrected()))
    return corrected.withColumn("query", F.when(is_search, queries.typed(text)))


def truth_of_queries(events: DataFrame, settings: SimulationSettings) -> DataFrame:
    """Each search's query, what it is about and what it should have been."""
    queries = Queries(settings, F.col("search_id"), F.col("search_category"), F.col("site") == "jp")
    return with_queries(events.where("event_type = 'search'"), settings).select(
        "search_id",
        "query",
        at([category.path for category in CATEGORIES], F.col("search_category")).alias("intended_category"),
        "corrected_query",
        at(BRANDS, queries.brand_number()).alias("brand"),
        at(COLOURS, queries.colour_number()).alias("colour"),
    )
