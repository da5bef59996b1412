"""The shop's visitors: everything about a person is a function of the person's number."""

import math

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from sparkrec.simulation.catalogue import Catalogue
from sparkrec.simulation.chance import Chance, at
from sparkrec.simulation.settings import SimulationSettings
from sparkrec.simulation.words import BROWSERS, FIRST_NAMES, ROBOTS, SITES

FAVOURITE_SHARES = (0.5, 0.25, 0.1)
"""How often a person looks for each of the three favourite categories; for the rest, by popularity."""

_MAX_ACTIVITY = 4.0
MEAN_ACTIVITY = 1 - math.exp(-_MAX_ACTIVITY) + 0.1


class People:
    """Person numbers start at 0; bots come after the people, from number ``users``."""

    def __init__(self, settings: SimulationSettings) -> None:
        self.settings = settings
        self.chance = Chance(settings.seed)
        self.catalogue = Catalogue(settings)

    def is_bot(self, person: Column) -> Column:
        """Whether it is a program."""
        return person >= self.settings.users

    def is_cold(self, person: Column) -> Column:
        """Whether the first event is in the last days."""
        return ~self.is_bot(person) & self.chance.happens(self.settings.cold_user_rate, "cold person", person)

    def activity(self, person: Column) -> Column:
        """Visits as a multiple of the average person's, times `MEAN_ACTIVITY`."""
        return F.least(-F.log1p(-self.chance.uniform("activity", person)), F.lit(_MAX_ACTIVITY)) + 0.1

    def home(self, person: Column) -> Column:
        """Place of the person's usual site among the sites."""
        return self.chance.whole(self.settings.sites, "home", person)

    def favourite(self, place: int, person: Column) -> Column:
        """Number of the favourite category at the place, from 0; two may be the same."""
        return self.catalogue.draw_category(self.chance.uniform(f"favourite {place}", person))

    def price_level(self, person: Column) -> Column:
        """From 0, who likes the cheapest of a category, to 1, the dearest."""
        return self.chance.uniform("liked price level", person)

    def account(self, person: Column) -> Column:
        """The account that all sites share; null where the person has none."""
        linked = ~self.is_bot(person) & self.chance.happens(self.settings.linked_rate, "linked", person)
        return F.when(linked, F.concat(F.lit("A"), self.chance.code("account", person)))

    def site_user(self, person: Column, site: Column) -> Column:
        """The site's own id of the person, from the site's name."""
        return F.concat(site, F.lit("-"), self.chance.code("site user", person, site))

    def user_agent(self, person: Column, site: Column) -> Column:
        """One browser for each site; every second bot says that it is one."""
        browser = self.chance.word(BROWSERS, "browser", person, site)
        honest = self.is_bot(person) & (person % 2 == 0)
        return F.when(honest, self.chance.word(ROBOTS, "robot", person)).otherwise(browser)

    def name(self, person: Column) -> Column:
        """A made-up name."""
        return F.concat(self.chance.word(FIRST_NAMES, "first name", person), F.lit(" Canary-"), person)

    def email(self, person: Column) -> Column:
        """A made-up address."""
        return F.concat(F.lit("p"), person, F.lit("@canary.example"))

    def phone(self, person: Column) -> Column:
        """A made-up number."""
        digits = person.cast("string")
        return F.concat(F.lit("+44 7700 9"), F.lpad(digits, F.greatest(F.length(digits), F.lit(5)), F.lit("0")))


def people(spark: SparkSession, settings: SimulationSettings, bots: int) -> DataFrame:
    """Truth about each person; ``taste`` is how often each category is looked for, by its number."""
    them, person = People(settings), F.col("person_id")
    names = [site.name for site in SITES[: settings.sites]]
    favourites = [them.favourite(place, person) for place in range(len(FAVOURITE_SHARES))]
    categories = range(len(them.catalogue.sizes))
    rest = 1 - sum(FAVOURITE_SHARES)
    taste = [
        sum(
            (
                F.when(favourite == number, share).otherwise(0.0)
                for favourite, share in zip(favourites, FAVOURITE_SHARES, strict=True)
            ),
            F.lit(rest * math.log1p(1 / (number + 1)) / math.log(len(categories) + 1)),
        )
        for number in categories
    ]
    site_users = [part for name in names for part in (F.lit(name), them.site_user(person, F.lit(name)))]
    return (
        spark.range(settings.users + bots)
        .select(F.col("id").alias("person_id"))
        .select(
            person,
            them.account(person).alias("account"),
            F.create_map(*site_users).alias("site_users"),
            them.is_bot(person).alias("is_bot"),
            them.is_cold(person).alias("is_cold"),
            at(names, them.home(person)).alias("home_site"),
            F.when(~them.is_bot(person), F.array(*taste)).alias("taste"),
            F.when(~them.is_bot(person), them.price_level(person)).alias("price_level"),
        )
    )
