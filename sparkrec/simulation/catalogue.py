"""The shop's items: everything about an item is a function of its number."""

import math
from functools import cached_property

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from sparkrec.simulation.chance import Chance, at
from sparkrec.simulation.settings import SimulationSettings
from sparkrec.simulation.words import (
    ADJECTIVES,
    BRANDS,
    CATEGORIES,
    COLOURS,
    COLOURS_CHINESE,
    COLOURS_JAPANESE,
    SITES,
)

_PRIME = 1_000_003
"""Coprime to every size of catalogue: it scatters the item ids, so that they do not tell the popularity."""

_PROMOTION_DAYS = 3
_PROMOTION_RATE = 0.05


class Catalogue:
    """Item number n is of category n mod C and of popularity rank n div C in it; both counts start at 0.

    Popularity falls with 1/rank, among categories and in each. Items of odd rank may be held back, cold ones until
    the last days and those with a native title from all sites but jp; the item one rank above stands in for them.
    """

    def __init__(self, settings: SimulationSettings) -> None:
        self.settings = settings
        self.chance = Chance(settings.seed)

    @cached_property
    def sizes(self) -> list[int]:
        """Number of items of each category."""
        used = min(len(CATEGORIES), max(1, self.settings.items // 8))
        return [(self.settings.items - 1 - category) // used + 1 for category in range(used)]

    @property
    def hot_item(self) -> int:
        """Number of the item that ``hot_item_share`` is about: of itself one of the least popular."""
        return (self.sizes[0] - 1) // 2 * 2 * len(self.sizes)

    def draw_category(self, uniform: Column) -> Column:
        """A category by popularity."""
        return F.floor(F.pow(F.lit(len(self.sizes) + 1), uniform)) - 1

    def draw_item(self, category: Column, uniform: Column, evenly: Column, at_jp: Column, last_days: Column) -> Column:
        """An item of the category: by popularity, or each alike where ``evenly``."""
        size = at(self.sizes, category)
        by_popularity = F.floor(F.pow(size + 1, uniform)) - 1
        rank = F.least(F.when(evenly, F.floor(size * uniform)).otherwise(by_popularity), size - 1)
        item = rank.cast("bigint") * len(self.sizes) + category
        held_back = (self.is_cold(item) & ~last_days) | (self.has_native_title(item) & ~at_jp)
        return item - F.when(held_back, len(self.sizes)).otherwise(0)

    def category(self, item: Column) -> Column:
        """Number of the item's category."""
        return F.pmod(item, F.lit(len(self.sizes)))

    def rank(self, item: Column) -> Column:
        """Popularity rank in the category, from 0."""
        return F.floor(item / len(self.sizes))

    def popularity(self, item: Column) -> Column:
        """Share of the showings that the item would have if nothing were held back."""
        category, rank, size = self.category(item), self.rank(item), at(self.sizes, self.category(item))
        of_category = F.log1p(1 / (category + 1)) / math.log(len(self.sizes) + 1)
        return of_category * F.log1p(1 / (rank + 1)) / F.log1p(size)

    def item_id(self, item: Column) -> Column:
        """The id in the lines."""
        scattered = F.pmod(item * _PRIME + 17, F.lit(self.settings.items))
        return F.concat(F.lit("I"), F.lpad(scattered.cast("string"), 7, "0"))

    def is_cold(self, item: Column) -> Column:
        """Whether its first event is in the last days."""
        return (self.rank(item) % 2 == 1) & self.chance.happens(2 * self.settings.cold_item_rate, "cold item", item)

    def has_native_title(self, item: Column) -> Column:
        """Whether its title is Chinese or Japanese; only jp sells it."""
        return F.lit(self.settings.sites >= 3) & (self.rank(item) % 12 == 5)

    def category_path(self, item: Column) -> Column:
        """Such as ``Kitchen > Mugs``."""
        return at([category.path for category in CATEGORIES], self.category(item))

    def brand(self, item: Column) -> Column:
        """One of the brands."""
        return at(BRANDS, self.brand_number(item))

    def brand_number(self, item: Column) -> Column:
        """Place of its brand among the brands."""
        return self.chance.whole(len(BRANDS), "brand", item)

    def colour_number(self, item: Column) -> Column:
        """Place of its colour among the colours."""
        return self.chance.whole(len(COLOURS), "colour", item)

    def quality(self, item: Column) -> Column:
        """From 0 to 1: it raises ratings and clicks and lowers returns."""
        return self.chance.uniform("quality", item)

    def price_level(self, item: Column) -> Column:
        """From 0, the cheapest of its category, to 1, the dearest."""
        return self.chance.uniform("price level", item)

    def price(self, item: Column) -> Column:
        """Price of one piece outside promotions, in the shop's currency."""
        middle = at([category.price for category in CATEGORIES], self.category(item))
        return F.round(F.floor(middle * (0.4 + 1.2 * self.price_level(item))) + F.lit(0.99), 2)

    def promotion(self, item: Column, day: Column) -> Column:
        """Id of the promotion that the item is on at the day (days since 1970), else null."""
        period = F.floor((day + self.chance.whole(_PROMOTION_DAYS, "promotion start", item)) / _PROMOTION_DAYS)
        on_offer = self.chance.happens(_PROMOTION_RATE, "promotion", item, period)
        return F.when(on_offer, F.concat(F.lit("P"), F.substring(self.chance.code("promotion id", item, period), 1, 8)))

    def title(self, item: Column) -> Column:
        """Brand, adjective, colour, noun and size; without adjective in Chinese and Japanese."""
        category, colour, brand = self.category(item), self.colour_number(item), self.brand(item)
        size = at([size for row in CATEGORIES for size in row.sizes], category * 3 + self.chance.whole(3, "size", item))
        noun = F.initcap(at([row.noun for row in CATEGORIES], category))
        adjective = self.chance.word(ADJECTIVES, "adjective", item)
        english = F.concat_ws(" ", brand, adjective, F.initcap(at(COLOURS, colour)), noun, size)
        chinese = F.concat(at(COLOURS_CHINESE, colour), at([row.chinese for row in CATEGORIES], category))
        japanese = F.concat(at(COLOURS_JAPANESE, colour), at([row.japanese for row in CATEGORIES], category))
        native = F.when(self.chance.happens(0.3, "Chinese title", item), chinese).otherwise(japanese)
        return F.when(self.has_native_title(item), F.concat_ws(" ", brand, native, size)).otherwise(english)


def items(spark: SparkSession, settings: SimulationSettings) -> DataFrame:
    """Truth about each item; ``category_number`` is its place in a person's ``taste``."""
    catalogue, item = Catalogue(settings), F.col("item_number")
    colour = at(COLOURS, catalogue.colour_number(item))
    sites = F.lit([site.name for site in SITES[: settings.sites]])
    return (
        spark.range(settings.items)
        .select(F.col("id").alias("item_number"))
        .select(
            catalogue.item_id(item).alias("item_id"),
            item,
            catalogue.title(item).alias("title"),
            catalogue.category_path(item).alias("category"),
            catalogue.category(item).alias("category_number"),
            catalogue.brand(item).alias("brand"),
            colour.alias("colour"),
            catalogue.price(item).alias("price"),
            catalogue.price_level(item).alias("price_level"),
            catalogue.quality(item).alias("quality"),
            catalogue.is_cold(item).alias("is_cold"),
            F.when(catalogue.has_native_title(item), F.array(F.lit("jp"))).otherwise(sites).alias("sites"),
            catalogue.popularity(item).alias("popularity"),
        )
    )
