"""However a batch is delivered, and whenever the jobs run in between, the tables are the same."""

import gzip
import json
import random
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from sparkrec.config import load_settings
from sparkrec.graph import JOBS, in_order
from sparkrec.lake import Lake
from sparkrec.lake.fingerprint import fingerprint
from sparkrec.steps.runner import Runner

pytestmark = pytest.mark.slow

JOB_NAMES = ("ingest", "clean", "profile")
Lines = list[str]


def event(number: int, **changes: Any) -> str:
    """A line of the log; None leaves a key out."""
    line = {
        "event_id": f"e{number}",
        "site": ("uk", "de")[number % 2],
        "site_user": f"v{number % 7}",
        "account": f"a{number % 7}" if number % 3 else None,
        "type": ("impression", "click", "purchase", "return")[number % 4],
        "ts": f"2026-01-{1 + number % 9:02}T{number % 24:02}:{number % 60:02}:00.000+01:00",
        "item": f"i{number % 11}",
        "title": f"Thing {number % 11}",
        "price": 0.1 * (number % 13),
        "quantity": 1 + number % 3,
    }
    return json.dumps({key: value for key, value in (line | changes).items() if value is not None})


@pytest.fixture(scope="module")
def batch() -> Lines:
    """Events, some twice, some sent again with another text, some refused, some of them twice."""
    lines = [event(number) for number in range(200)]
    lines += lines[:10]
    lines += [event(number, sent_at="2026-01-20T09:00:00.000Z") for number in range(20, 35)]
    refused = [event(300 + number, price=-1, quantity="two") for number in range(8)]
    refused += [event(number, item="") for number in range(40, 45)] + ['{"event_id": "e400", "site": "u']
    searches = [event(500 + number, type="search", item=None, query=f"Thing {number}") for number in range(5)]
    reviews = [event(600 + number, type="review", rating=1 + number, review="nice") for number in range(5)]
    return lines + refused + refused[:3] + searches + reviews


def twice(batch: Lines) -> list[Lines]:
    # Files of the same bytes are one batch; an end that differs makes them two.
    return [batch, [*batch, ""]]


def reordered_and_split(batch: Lines) -> list[Lines]:
    lines = random.Random(1).sample(batch, len(batch))
    return [lines[::2], lines[1::2]]


def by_days(batch: Lines) -> list[Lines]:
    """Five days a delivery, in order; some lines come late, and what nobody can read the day of comes with others."""
    deliveries: dict[int, Lines] = {}
    for number, line in enumerate(sorted(batch)):
        day = re.search(r'"ts": "2026-01-(\d\d)', line)
        late = 3 if number % 9 == 0 else 0
        deliveries.setdefault((int(day[1]) + late - 1) // 5 if day else 1, []).append(line)
    return [deliveries[number] for number in sorted(deliveries)]


def tables_after(spark: SparkSession, folder: Path, deliveries: list[Lines]) -> dict[str, int]:
    """Deliver the files one after the other, run the jobs after each, and tell what the tables hold."""
    landing = folder / "landing"
    landing.mkdir()
    settings = load_settings("test", "events", str(folder / "lake"), overrides=[f"source.landing={landing}"])
    runner = Runner.start(settings, spark, lambda line: None)
    jobs = [job for job in in_order(JOBS) if job.name in JOB_NAMES]
    for number, lines in enumerate(deliveries):
        (landing / f"{number}.json.gz").write_bytes(gzip.compress("\n".join(lines).encode()))
        runner.run(jobs if number == len(deliveries) - 1 else jobs[:2])
    lake = Lake(spark, settings.lake)
    held = [table for table in lake.tables() if table.startswith(("silver.", "gold.")) and "runs" not in table]
    return {table: fingerprint(lake.read(table)) for table in [*held, "private.identities"]}


@pytest.fixture(scope="module")
def delivered_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the shop whose tables are `expected`."""
    return tmp_path_factory.mktemp("once")


@pytest.fixture(scope="module")
def expected(spark: SparkSession, delivered_once: Path, batch: Lines) -> dict[str, int]:
    return tables_after(spark, delivered_once, [batch])


def test_all_tables_are_compared(expected: dict[str, int]) -> None:
    assert sorted(expected) == [
        "gold.item_profiles",
        "gold.user_profiles",
        "private.identities",
        "silver.interactions",
        "silver.item_sightings",
        "silver.items",
        "silver.quarantine",
        "silver.reviews",
        "silver.searches",
    ]


@pytest.mark.parametrize("deliver", [twice, reordered_and_split, by_days])
def test_the_tables_are_those_of_one_delivery(
    spark: SparkSession,
    tmp_path: Path,
    batch: Lines,
    expected: dict[str, int],
    deliver: Callable[[Lines], list[Lines]],
) -> None:
    assert tables_after(spark, tmp_path, deliver(batch)) == expected


@pytest.mark.usefixtures("expected")
def test_lines_that_a_mended_source_file_accepts_land_once(
    spark: SparkSession, delivered_once: Path, tmp_path: Path
) -> None:
    shutil.copytree(delivered_once, tmp_path, dirs_exist_ok=True)
    mended = [
        "source.interactions.quantity=case when quantity = 'two' then 2 else quantity end",
        "source.interactions.unit_price=abs(price)",
    ]
    settings = load_settings(
        "test", "events", str(tmp_path / "lake"), overrides=[f"source.landing={tmp_path / 'landing'}", *mended]
    )
    lake = Lake(spark, settings.lake)
    kept, refused = lake.read("silver.interactions").count(), lake.read("silver.quarantine").count()

    for _ in range(2):
        Runner.start(settings, spark, lambda line: None).run([job for job in JOBS if job.name == "clean"])

        # Eight lines, three of which were delivered twice.
        assert lake.read("silver.interactions").count() == kept + 8
        assert lake.read("silver.quarantine").count() == refused - 8
        mended_lines = lake.read("silver.interactions").where("event_id >= 'e300' and event_id < 'e308'")
        assert {(row.quantity, row.unit_price > 0) for row in mended_lines.collect()} == {(2, True)}
