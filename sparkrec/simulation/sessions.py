"""Who visits when: sessions of one person are more than 35 minutes apart, all sites together.

Time is cut into slots of four hours, each person's at another minute. A slot holds at most one visit, which starts in
its first 80 minutes and ends before minute 125, and after minute 170 perhaps a later word about an earlier purchase
(`sparkrec.simulation.events`).
"""

import math
from dataclasses import dataclass

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from sparkrec.errors import ConfigurationError
from sparkrec.simulation.chance import at
from sparkrec.simulation.people import FAVOURITE_SHARES, MEAN_ACTIVITY, People
from sparkrec.simulation.settings import SimulationSettings
from sparkrec.simulation.words import SITES

SLOT_MINUTES = 240
SLOTS_A_DAY = 24 * 60 // SLOT_MINUTES
LATEST_START_MINUTES = 80
LONGEST_MINUTES = 45
MINUTE = 60_000
DAY = 24 * 60 * MINUTE

_HUMAN_EVENTS = 15.0
"""Events of a person's visit on average, measured."""
_BOT_EVENTS = 165.0
_BOT_VISITS_A_SLOT = 0.3
_MAX_VISITS_A_SLOT = 0.25
"""Beyond it the most active people would need more than the one visit that a slot holds."""
_HOME_SHARE = 0.85

_WEEKDAY = (0.95, 0.9, 0.9, 0.95, 1.0, 1.2, 1.1)
"""Weight of Monday to Sunday."""
_TIME_OF_DAY = (0.1, 0.5, 1.2, 1.4, 1.7, 1.1)
"""Weight of each of a local day's slots."""


@dataclass(frozen=True)
class Plan:
    """How many bots there are, and how many visits a slot of average weight holds."""

    bots: int
    human_visits_a_slot: float
    bot_visits_a_slot: float


def plan(settings: SimulationSettings) -> Plan:
    """What makes about as many events as the settings say.

    Raises:
        ConfigurationError: So few people cannot make so many events in so few days.
    """
    slots = settings.days * SLOTS_A_DAY
    warm_slots, cold_slots = (
        sum(_WEEKDAY[(settings.start.weekday() + day) % 7] for day in range(first, settings.days)) * sum(_TIME_OF_DAY)
        for first in (0, settings.days - settings.cold_days)
    )
    cold = settings.cold_user_rate
    person_slots = settings.users * ((1 - cold) * warm_slots + cold * cold_slots)
    visits_a_slot = settings.events * (1 - settings.bot_rate) / _HUMAN_EVENTS / person_slots
    if visits_a_slot > _MAX_VISITS_A_SLOT:
        most = math.floor(settings.events * _MAX_VISITS_A_SLOT / visits_a_slot)
        raise ConfigurationError(
            f"events: {settings.users:,} users make at most {most:,} events in {settings.days} days; "
            "set fewer events, or more users or days"
        )
    bot_visits = settings.events * settings.bot_rate / _BOT_EVENTS
    bots = max(2, math.ceil(bot_visits / (slots * _BOT_VISITS_A_SLOT))) if bot_visits else 0
    return Plan(bots, visits_a_slot, bot_visits / (bots * slots) if bots else 0.0)


def sessions(spark: SparkSession, settings: SimulationSettings, planned: Plan, partitions: int) -> DataFrame:
    """One row a visit: the person, ``site_number``, ``slot`` and ``start``.

    ``start`` and ``slot_start`` are in milliseconds since the first day began; ``slot`` counts from then, too.
    """
    them, person, slot = People(settings), F.col("person_id"), F.col("slot_of_home")
    chance, horizon = them.chance, settings.days * DAY
    home_offset = at([site.offset_minutes for site in SITES], F.col("home"))
    slot_start = F.pmod(slot * SLOT_MINUTES + F.col("minute") - home_offset, F.lit(settings.days * 24 * 60)) * MINUTE
    weekday = at(
        [_WEEKDAY[(settings.start.weekday() + day) % 7] for day in range(7)],
        F.floor(slot / SLOTS_A_DAY) % 7,
    )
    weight = F.col("activity") / MEAN_ACTIVITY * weekday * at(_TIME_OF_DAY, slot % SLOTS_A_DAY)
    by_chance = chance.happens(weight * planned.human_visits_a_slot, "visit", person, slot)
    # A program comes at even intervals.
    turns = [
        F.floor((slot + 1 - ahead) * planned.bot_visits_a_slot + chance.uniform("first turn", person))
        for ahead in (0, 1)
    ]
    comes = F.when(F.col("is_bot"), turns[0] > turns[1]).otherwise(by_chance)
    away = chance.happens(1 - _HOME_SHARE, "away", person, slot)
    site = F.when(away, chance.whole(settings.sites, "other site", person, slot)).otherwise(F.col("home"))
    start = F.col("slot_start") + chance.whole(LATEST_START_MINUTES * MINUTE, "start", person, slot)
    visitors = spark.range(0, settings.users + planned.bots, 1, partitions).select(F.col("id").alias("person_id"))
    return (
        visitors.select(
            person,
            them.is_bot(person).alias("is_bot"),
            them.is_cold(person).alias("is_cold"),
            them.home(person).alias("home"),
            them.activity(person).alias("activity"),
            them.price_level(person).alias("price_level"),
            *[them.favourite(place, person).alias(f"favourite_{place}") for place in range(len(FAVOURITE_SHARES))],
            chance.whole(SLOT_MINUTES, "minute of slot", person).alias("minute"),
        )
        .withColumn("slot_of_home", F.explode(F.sequence(F.lit(0), F.lit(settings.days * SLOTS_A_DAY - 1))))
        .withColumn("slot_of_home", slot.cast("bigint"))
        .where(comes)
        .withColumn("slot_start", slot_start)
        .withColumn("start", start)
        .withColumn("site_number", site)
        .withColumn("slot", F.floor(F.col("slot_start") / (SLOT_MINUTES * MINUTE)))
        .withColumn("last_days", F.col("start") >= (settings.days - settings.cold_days) * DAY)
        # What would go on past the last day does not begin.
        .where(F.col("start") + LONGEST_MINUTES * MINUTE < horizon)
        .where(F.col("last_days") | ~F.col("is_cold"))
        .drop("slot_of_home", "home", "activity", "minute", "is_cold")
    )
