"""A job that is killed leaves old or new tables, and the next run ends as if nothing had been."""

import gzip
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from fingerprints import table_fingerprints
from pyspark.sql import SparkSession

from sparkrec.config import load_settings
from sparkrec.graph import JOBS
from sparkrec.lake import Lake
from sparkrec.steps.runner import Runner

pytestmark = pytest.mark.slow

JOB_NAMES = ("ingest", "clean", "profile")
SOURCE = """
name: shop
landing: {landing}
interactions: {{user_id: user, item_id: item, event_time: at, event_id: id, quantity: pieces}}
items: {{title: title}}
"""
# Runs a job and kills it, Spark and all: "files" once files of the table are written and not committed, "commit"
# as soon as they are.
KILLED = """
import os, signal, sys, threading, time
from pathlib import Path
from sparkrec.config import load_settings
from sparkrec.graph import JOBS
from sparkrec.lake import Lake, spark_session
from sparkrec.lake.delta_log import newest_version
from sparkrec.steps.runner import Runner

job, table, moment, source, root = sys.argv[1:]
settings = load_settings("test", source, root)
spark = spark_session(settings.spark, "killed")
path = Path(Lake(spark, root).path(table))
before, version = set(path.rglob("part-*.parquet")), newest_version(str(path))

def watch():
    while moment == "commit" or not set(path.rglob("part-*.parquet")) - before:
        if newest_version(str(path)) != version:
            break
        time.sleep(0.001)
    os.killpg(0, signal.SIGKILL)

threading.Thread(target=watch, daemon=True).start()
Runner.start(settings, spark, print).run([spec for spec in JOBS if spec.name == job])
"""


def landing_file(folder: Path, name: str, numbers: range) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    lines = ["id,user,item,at,pieces,title"]
    for number in numbers:
        day, pieces, item = 1 + number % 20, number % 9 - 1, number % 7
        lines.append(f"e{number},u{number % 5},i{item},2026-01-{day:02} 10:00:00,{pieces},thing {item}")
    (folder / name).write_bytes(gzip.compress("\n".join(lines).encode()))


def run(spark: SparkSession, shop: Path, *jobs: str) -> None:
    settings = load_settings("test", shop / "shop.yaml", str(shop / "lake"))
    Runner.start(settings, spark, lambda line: None).run([spec for spec in JOBS if spec.name in jobs])


def copy_of(shop: Path, to: Path) -> Path:
    shutil.copytree(shop, to)
    (to / "shop.yaml").write_text(SOURCE.format(landing=to / "landing"), encoding="utf-8")
    return to


@pytest.fixture(scope="module")
def shop(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lake after a first delivery, with a second one waiting."""
    shop = tmp_path_factory.mktemp("kills") / "shop"
    landing_file(shop / "landing", "a.csv.gz", range(120))
    (shop / "shop.yaml").write_text(SOURCE.format(landing=shop / "landing"), encoding="utf-8")
    run(spark, shop, *JOB_NAMES)
    landing_file(shop / "landing", "b.csv.gz", range(100, 240))
    return shop


@pytest.fixture(scope="module")
def before(spark: SparkSession, shop: Path) -> dict[str, int]:
    return table_fingerprints(spark, str(shop / "lake"))


@pytest.fixture(scope="module")
def ready(spark: SparkSession, shop: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """For each job a shop in which the jobs before it are done with the second delivery."""
    folder, done = tmp_path_factory.mktemp("ready"), shop
    shops = {}
    for number, job in enumerate(JOB_NAMES):
        done = shops[job] = copy_of(done, folder / job)
        run(spark, done, *JOB_NAMES[:number][-1:])
    return shops


@pytest.fixture(scope="module")
def started(spark: SparkSession, ready: dict[str, Path]) -> dict[str, dict[str, int]]:
    """What the tables hold before each job."""
    return {job: table_fingerprints(spark, str(folder / "lake")) for job, folder in ready.items()}


@pytest.fixture(scope="module")
def undisturbed(
    spark: SparkSession, ready: dict[str, Path], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, int]:
    last = JOB_NAMES[-1]
    other = copy_of(ready[last], tmp_path_factory.mktemp("undisturbed") / "shop")
    run(spark, other, last)
    return table_fingerprints(spark, str(other / "lake"))


@pytest.mark.parametrize(
    ("job", "table", "moment"),
    [
        ("ingest", "bronze.shop", "files"),
        ("ingest", "bronze.shop", "commit"),
        ("clean", "silver.interactions", "files"),
        ("clean", "silver.interactions", "commit"),
        ("clean", "silver.items", "commit"),
        ("clean", "silver.quarantine", "files"),
        ("profile", "gold.user_profiles", "files"),
        ("profile", "gold.item_profiles", "commit"),
    ],
)
def test_a_killed_job_leaves_old_or_new_tables_and_the_next_run_mends_all(
    spark: SparkSession,
    ready: dict[str, Path],
    started: dict[str, dict[str, int]],
    before: dict[str, int],
    undisturbed: dict[str, int],
    tmp_path: Path,
    job: str,
    table: str,
    moment: str,
) -> None:
    killed = copy_of(ready[job], tmp_path / "shop")
    folder = Path(Lake(spark, str(killed / "lake")).path(table))
    files = set(folder.rglob("part-*.parquet"))

    done = subprocess.run(
        [sys.executable, "-c", KILLED, job, table, moment, str(killed / "shop.yaml"), str(killed / "lake")],
        capture_output=True,
        text=True,
        check=False,
        start_new_session=True,
        cwd=tmp_path,
        env=os.environ,
    )

    assert done.returncode == -signal.SIGKILL, done.stderr[-2000:]
    assert set(folder.rglob("part-*.parquet")) > files
    left = table_fingerprints(spark, str(killed / "lake"))
    assert undisturbed[table] != before[table]
    assert left[table] == (started[job] if moment == "files" else undisturbed)[table]
    assert all(left[name] in (started[job][name], undisturbed[name]) for name in left)
    run(spark, killed, *JOB_NAMES)
    assert table_fingerprints(spark, str(killed / "lake")) == undisturbed
