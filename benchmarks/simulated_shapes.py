"""Simulated purchases of shops of different shapes, drawn by columns: what a log may lack, and how sparse it may be.

People have a few tastes of many, items belong to one taste each, are popular by Zipf's law and have their time;
a part of what people buy they have bought before. The same shape gives the same files.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
import yaml
from numpy.typing import NDArray

Missing = Literal["time_of_day", "title", "price"]

_DAYS = 210
_WEEKS = _DAYS // 7
_START = "2025-01-01"
_TASTES_OF_USER = 4
_ZIPF = 0.8
_REPEATED = 0.15
# Deviation of when an item has its time, and what is left of its popularity at all others.
_SEASON_DAYS, _OUT_OF_SEASON = 45.0, 0.15
_SURPRISES = 0.15
_FILES = 4
_SYLLABLES = ("ba", "ko", "mi", "ru", "te", "lo", "sa", "ne", "vi", "du", "pa", "ge")
_COLOURS = ("red", "blue", "green", "white", "black", "pink", "ivory", "grey")


@dataclass(frozen=True)
class Shape:
    """A shop.

    Attributes:
        name: Names its source and its figures.
        users: People.
        items: Items of the catalogue; a few may never be bought.
        events: Least and most purchases of a user, each number between them as likely.
        items_of_taste: Items of one taste, in the mean.
        basket: Purchases that are made together, in the mean.
        without: What the log does not tell.
        seed: Another one draws another shop.
    """

    name: str
    users: int
    items: int
    events: tuple[int, int]
    items_of_taste: int = 100
    basket: float = 3.0
    without: frozenset[Missing] = frozenset()
    seed: int = 1


def write_shop(shape: Shape, folder: Path) -> Path:
    """Write landing files of the shape, and beside them a source file that maps them.

    Returns:
        The source file.
    """
    landing = folder / "landing"
    landing.mkdir(parents=True, exist_ok=True)
    lines = _lines(shape)
    for number, rows in enumerate(np.array_split(np.arange(len(lines)), _FILES)):
        lines.iloc[rows].to_parquet(landing / f"{number}.parquet", index=False)
    path = folder / "source.yaml"
    path.write_text(yaml.safe_dump(_source(shape, landing), sort_keys=False), encoding="utf-8")
    return path


def _source(shape: Shape, landing: Path) -> dict[str, Any]:
    interactions = {"user_id": "customer", "item_id": "sku", "event_time": "to_timestamp(at)"}
    if "price" not in shape.without:
        interactions |= {"quantity": "pieces", "unit_price": "price"}
    source = {"name": shape.name, "landing": f"{landing.resolve()}/*.parquet", "format": "parquet"}
    items = {} if "title" in shape.without else {"items": {"title": "name"}}
    return {**source, "personal": ["customer"], "interactions": interactions, **items}


def _lines(shape: Shape) -> pd.DataFrame:
    """One row a purchase, by time; all columns are strings."""
    chance = np.random.default_rng([shape.seed, shape.users, shape.items])
    user, time = _visits(shape, chance)
    item, taste_of_item = _items(shape, user, time, chance)
    moment = np.datetime64(_START, "s") + (time * 86_400).astype("timedelta64[s]")
    written = np.datetime_as_string(moment, unit="D" if "time_of_day" in shape.without else "s")
    columns: dict[str, Any] = {"customer": _ids("c", user), "sku": _ids("i", item), "at": written}
    if "title" not in shape.without:
        columns["name"] = _titles(taste_of_item, chance)[item]
    if "price" not in shape.without:
        price = np.round(chance.lognormal(1.5, 0.8, shape.items) + 0.1, 2)
        columns |= {"pieces": (1 + chance.poisson(0.4, len(item))).astype(str), "price": price[item].astype(str)}
    return pd.DataFrame(columns).iloc[np.argsort(time, kind="stable")]


def _visits(shape: Shape, chance: np.random.Generator) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Who buys and when, in days from the start, sorted by both; what is bought together has one time."""
    low, high = shape.events
    counts = chance.integers(low, high + 1, shape.users)
    user = np.repeat(np.arange(shape.users), counts)
    came = chance.uniform(0, 0.6 * _DAYS, shape.users) * (chance.random(shape.users) < 0.5)
    first = np.concatenate([[True], user[1:] != user[:-1]])
    visit = np.cumsum(first | (chance.random(len(user)) < 1 / shape.basket)) - 1
    whose = user[np.searchsorted(visit, np.arange(visit[-1] + 1))]
    time = came[whose] + chance.random(len(whose)) * (_DAYS - came[whose])
    time = time[np.lexsort((time, whose))]
    return user, time[visit]


def _items(
    shape: Shape, user: NDArray[np.int64], time: NDArray[np.float64], chance: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """What is bought, and the taste of each item of the catalogue."""
    tastes = max(shape.items // shape.items_of_taste, _TASTES_OF_USER)
    # Tastes are of different sizes; items lie side by side by taste.
    size = chance.dirichlet(np.full(tastes, 5.0))
    taste_of_item = np.sort(chance.choice(tastes, shape.items, p=size))
    tastes_of_user = chance.choice(tastes, (shape.users, _TASTES_OF_USER), p=size)
    share = np.cumsum(chance.dirichlet(np.full(_TASTES_OF_USER, 1.0), shape.users), axis=1)
    pick = (chance.random(len(user))[:, None] > share[user]).sum(axis=1).clip(max=_TASTES_OF_USER - 1)
    taste = np.where(chance.random(len(user)) < _SURPRISES, chance.choice(tastes, len(user), p=size), 0)
    taste = np.where(taste > 0, taste, tastes_of_user[user, pick])

    popular = 1 / (1 + chance.permutation(shape.items)) ** _ZIPF
    season = chance.uniform(-30, _DAYS + 30, shape.items)
    week = np.minimum(time // 7, _WEEKS - 1).astype(np.int64)
    middle = np.arange(_WEEKS)[:, None] * 7 + 3.5
    now = popular * (_OUT_OF_SEASON + np.exp(-0.5 * ((middle - season) / _SEASON_DAYS) ** 2))
    # One running sum over all weeks and items: the items of a taste in a week are a piece of it.
    running = np.concatenate([[0.0], np.cumsum(now)])
    begins = np.searchsorted(taste_of_item, taste) + week * shape.items
    ends = np.searchsorted(taste_of_item, taste, side="right") + week * shape.items
    low, high = running[begins], running[ends]
    found = np.searchsorted(running, low + chance.random(len(user)) * (high - low), side="right") - 1
    # A taste that has come out without items has those of the next one.
    item = np.clip(found, begins, np.maximum(ends - 1, begins)) % shape.items
    return item[_repeats(user, chance)], taste_of_item


def _repeats(user: NDArray[np.int64], chance: np.random.Generator) -> NDArray[np.int64]:
    """For each purchase the place of the one whose item it has: its own, or that of an earlier one of the user."""
    place = np.arange(len(user))
    begins = np.searchsorted(user, user)
    earlier = begins + (chance.random(len(user)) * (place - begins)).astype(np.int64)
    of = np.where((place > begins) & (chance.random(len(user)) < _REPEATED), earlier, place)
    # What is repeated may be a repetition.
    while (of != of[of]).any():
        of = of[of]
    return of


def _titles(taste_of_item: NDArray[np.int64], chance: np.random.Generator) -> NDArray[np.object_]:
    """A colour, a make, and a word that all items of a taste have."""
    syllable = np.array(_SYLLABLES, dtype=object)

    def word(number: NDArray[np.int64]) -> NDArray[np.object_]:
        base = len(syllable)
        return np.asarray(
            syllable[number % base] + syllable[number // base % base] + syllable[number // base**2 % base]
        )

    items = len(taste_of_item)
    colour = np.array(_COLOURS, dtype=object)[chance.integers(0, len(_COLOURS), items)]
    make = word(chance.integers(0, len(syllable) ** 3, items))
    return np.asarray(colour + " " + make + " " + word(taste_of_item * 7) + "er")


def _ids(prefix: str, numbers: NDArray[np.int64]) -> NDArray[np.object_]:
    names = np.array([f"{prefix}{number}" for number in range(int(numbers.max()) + 1)], dtype=object)
    return names[numbers]
