"""Night by night the profiles are those of a run that adds up all days."""

import random
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from sparkrec.cleaning.item_versions import current_items
from sparkrec.config import load_settings
from sparkrec.contracts import load_contract
from sparkrec.contracts.spark import conform, struct_type
from sparkrec.graph import JOBS
from sparkrec.lake import JobTables, Lake
from sparkrec.lake.fingerprint import fingerprint
from sparkrec.profiles.days import item_days, user_days
from sparkrec.profiles.items import item_buyers, item_facts, item_profiles
from sparkrec.profiles.users import user_facts, user_profiles
from sparkrec.steps.runner import Runner

pytestmark = pytest.mark.slow

EVENTS, ITEMS = "silver.interactions", "silver.items"
STATE = ("features.user_days", "features.item_days")
PROFILES = ("gold.user_profiles", "gold.item_profiles")
START = date(2026, 3, 31)
# Days before the start, so that a window loses one on the start and on each of the next days.
HISTORY = (100, 90, 89, 88, 87, 86, 60, 28, 27, 26, 25, 24, 7, 6, 5, 4, 2, 1, 0)
TYPES = ("impression", "click", "cart", "purchase", "purchase", "return")

Event = dict[str, Any]


@dataclass
class Shop:
    """A lake with clean tables of random events, delivered night by night."""

    lake: Lake
    today: date = START
    events: dict[str, Event] = field(default_factory=dict)
    titles: dict[str, list[str]] = field(default_factory=dict)
    chance: random.Random = field(default_factory=lambda: random.Random(0))

    def __post_init__(self) -> None:
        if self.events:
            return
        self.titles = {f"i{number}": ["thing", f"word{number % 4}"] for number in range(9)}
        for back in HISTORY:
            self._happen(START - timedelta(back), 12)
        self.lake.replace(EVENTS, self._rows(self.events.values()))
        self._write_items()

    def _happen(self, day: date, number: int) -> None:
        """Random events of a day."""
        for _ in range(number):
            chosen = self.chance
            name = f"e{chosen.getrandbits(40)}"
            visitor = chosen.randrange(14)
            known = visitor != 0
            at = datetime.combine(day, datetime.min.time()) + timedelta(minutes=chosen.randrange(24 * 60))
            self.events[name] = {
                "event_id": name,
                "user_id": f"u{visitor}" if known else None,
                "item_id": f"i{chosen.randrange(9)}",
                "event_type": chosen.choice(TYPES),
                "event_time": at,
                "known_time": at,
                "event_date": day,
                # Sessions go on over midnight, and past it.
                "session_id": f"s{visitor}-{day.toordinal() // 2}",
                "scene": "organic",
                "quantity": chosen.choice([None, 1.0, 2.5]),
                "unit_price": chosen.choice([None, 0.1, 1.25, 3.0, 9.99]),
                "discount": chosen.choice([None, 0.07]),
                "promotion": chosen.choice([None, "mailer"]),
                "country": chosen.choice([None, "UK", "France"]),
                "names_bot": False,
                "is_bot": False,
                "outliers": self.chance.choice([[], [], ["quantity_far_out"]]),
                "line_hash": 0,
            }

    def night(self, days: int = 1) -> set[date]:
        """The next night, and what is late, gone, changed, linked and found to be of a bot; the days that changed."""
        before, chosen = dict(self.events), self.chance
        self.today += timedelta(days)
        self._happen(self.today, 15)
        self._happen(self.today - timedelta(chosen.randint(1, 3)), 3)
        recent = sorted(before.values(), key=lambda event: event["event_time"])[-20:]
        gone, moved, changed, bot = chosen.sample(recent, 4)
        del self.events[gone["event_id"]]
        to = moved["event_date"] - timedelta(1)
        self._change(moved, event_date=to, event_time=moved["event_time"] - timedelta(1))
        self._change(changed, item_id=f"i{chosen.randrange(9)}", event_type="purchase", unit_price=2.5)
        for event in [*self.events.values()]:
            if (event["user_id"], event["event_date"]) == (bot["user_id"], bot["event_date"]):
                self._change(event, is_bot=True)
        self._link(chosen.randrange(1, 14), chosen.randrange(1, 14))
        old_and_new = [
            event
            for name in before.keys() | self.events.keys()
            for event in (before.get(name), self.events.get(name))
            if event and before.get(name) != self.events.get(name)
        ]
        replaced = {event["event_date"] for event in old_and_new}
        self.replace_days(replaced)
        return replaced

    def _change(self, event: Event, **changes: Any) -> None:
        self.events[event["event_id"]] = self.events[event["event_id"]] | changes

    def _link(self, visitor: int, account: int) -> None:
        """A visitor of few days turns out to be another one."""
        own = [event for event in self.events.values() if event["user_id"] == f"u{visitor}"]
        days = sorted({event["event_date"] for event in own})[-2:]
        for event in own:
            if event["event_date"] in days:
                self._change(event, user_id=f"u{account}")

    def replace_days(self, days: set[date]) -> None:
        rows = [event for event in self.events.values() if event["event_date"] in days]
        self.lake.replace_days(EVENTS, self._rows(rows), "event_date", days)

    def rename(self, item: str, *words: str) -> None:
        self.titles[item] = [*words]
        self._write_items()

    def _write_items(self) -> None:
        since = datetime(2025, 1, 1)
        rows = [
            {
                "item_id": item,
                "valid_from": since,
                "title": " ".join(words),
                "title_words": words,
                "category_path": words[-1],
                "source": "shop",
            }
            for item, words in self.titles.items()
        ]
        self.lake.replace(ITEMS, self.lake.spark.createDataFrame(rows, struct_type(load_contract(ITEMS))))

    def _rows(self, events: Any) -> DataFrame:
        contract = load_contract(EVENTS)
        # Columns that profiles do not read.
        others = {
            name: {"string": "", "boolean": False, "long": 0}.get(column.type)
            for name, column in contract.columns.items()
            if not column.nullable
        }
        rows = [{**others, **event} for event in events]
        return self.lake.spark.createDataFrame(rows, struct_type(contract)).repartitionByRange(2, "event_date")

    def run(self, as_of: date | None = None) -> None:
        """The profile job."""
        settings = load_settings("test", "online_retail", self.lake.root, overrides=[f"run_date={as_of or self.today}"])
        Runner.start(settings, self.lake.spark, lambda line: None).run([job for job in JOBS if job.name == "profile"])

    def held(self) -> dict[str, int]:
        return {table: fingerprint(self.lake.read(table)) for table in (*STATE, *PROFILES)}

    def versions(self) -> dict[str, int]:
        return {table: self.lake.version(table) for table in (*STATE, *PROFILES)}

    def goes_on(self, since: dict[str, int]) -> bool:
        """Whether the runs since then replaced days of what profiles add up from, and not all of it."""
        return all(self.lake.days_replaced(table, since[table]) is not None for table in STATE)


def added_up(shop: Shop, as_of: date) -> dict[str, int]:
    """What the tables hold when all days are added up."""
    events = shop.lake.read(EVENTS).where(f"not is_bot and event_date <= '{as_of}'")
    items = current_items(shop.lake.read(ITEMS), longest=1_000)
    by_user, by_item = user_days(events), item_days(events)
    rows = {
        "features.user_days": by_user,
        "features.item_days": by_item,
        "gold.user_profiles": user_profiles(user_facts(by_user, items, as_of), as_of),
        "gold.item_profiles": item_profiles(item_facts(by_item, as_of), item_buyers(by_user, as_of), items, as_of),
    }
    return {table: fingerprint(conform(of_table, load_contract(table))) for table, of_table in rows.items()}


@pytest.fixture(scope="module", autouse=True)
def no_checks() -> Iterator[None]:
    """What the contracts check is tested elsewhere, and takes most of the time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Runner, "_gate", lambda *_: None)
        yield


@pytest.fixture(scope="module")
def first(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """A shop after its first run."""
    shop = Shop(Lake(spark, str(tmp_path_factory.mktemp("first") / "lake")))
    shop.run()
    return shop


@pytest.fixture
def shop(first: Shop, tmp_path: Path) -> Shop:
    shutil.copytree(first.lake.root, tmp_path / "lake")
    lake = Lake(first.lake.spark, str(tmp_path / "lake"))
    return Shop(lake, first.today, dict(first.events), dict(first.titles), random.Random(1))


def test_night_by_night_the_profiles_become_those_of_all_days_added_up(shop: Shop) -> None:
    before = shop.versions()
    for number, days in enumerate((1, 1, 3, 1)):
        shop.night(days)
        if number % 2:
            shop.rename(f"i{number}", "thing", "renamed")
        shop.run()
    assert shop.goes_on(before)
    assert shop.held() == added_up(shop, shop.today)


def test_a_run_again_writes_nothing_and_the_next_night_goes_on_from_it(shop: Shop) -> None:
    before = shop.versions()
    shop.run()
    assert shop.versions() == before

    shop.night()
    shop.run()
    assert shop.goes_on(before)
    assert all(version > before[table] for table, version in shop.versions().items())


def test_an_earlier_day_is_added_up_anew_and_a_later_one_goes_on_from_it(shop: Shop) -> None:
    yesterday = START - timedelta(1)
    before = shop.versions()
    shop.run(yesterday)
    assert not shop.goes_on(before)
    assert shop.held() == added_up(shop, yesterday)

    before = shop.versions()
    shop.run()
    assert shop.goes_on(before)
    assert shop.held() == added_up(shop, START)


@pytest.mark.parametrize("table", [STATE[1], PROFILES[1]])
def test_after_a_killed_run_the_next_one_ends_as_an_undisturbed_one(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, table: str
) -> None:
    shop.night()
    with monkeypatch.context() as patch:
        for method in ("replace", "replace_days"):
            patch.setattr(JobTables, method, killed_at(table, getattr(JobTables, method)))
        with pytest.raises(Killed):
            shop.run()
    # More happens before the next run.
    shop.night()

    shop.run()

    assert shop.held() == added_up(shop, shop.today)


class Killed(BaseException):
    """What no job catches."""


def killed_at(table: str, write: Callable[..., int]) -> Callable[..., int]:
    """The method that writes tables, but for the table whose turn it never is."""

    def until_then(self: JobTables, name: str, *arguments: Any) -> int:
        if name == table:
            raise Killed
        return write(self, name, *arguments)

    return until_then


def test_a_night_reads_no_other_days(spark: SparkSession, shop: Shop) -> None:
    replaced = shop.night()
    of_days = shop.lake.read(EVENTS).where(F.col("event_date").isin([*replaced]))
    needed = {urlparse(file).path for file in of_days.inputFiles()}
    others = {path for path in Path(shop.lake.path(EVENTS)).glob("*.parquet") if str(path) not in needed}
    assert others
    for path in others:
        path.unlink()
    before = shop.versions()

    shop.run()

    assert shop.goes_on(before)


def test_where_most_days_have_changed_all_are_added_up(shop: Shop) -> None:
    before = shop.versions()
    shop.replace_days({event["event_date"] for event in shop.events.values()})

    shop.run()

    assert not shop.goes_on(before)
    assert shop.held() == added_up(shop, shop.today)


def test_who_is_deleted_by_hand_is_not_brought_back(shop: Shop) -> None:
    everyone_else = shop.lake.read(PROFILES[0]).where("user_id != 'u3'")
    assert everyone_else.count() == 12
    for table in (EVENTS, *STATE[:1], *PROFILES[:1]):
        shop.lake.delete(table, shop.lake.spark.createDataFrame([("u3",)], "id string"), "t.user_id = f.id")

    shop.run()

    assert shop.lake.read(STATE[0]).where("user_id = 'u3'").isEmpty()
    assert shop.held() == added_up(shop, shop.today)
