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
def undisturbed(spark: SparkSession, shop: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, int]:
    """What the tables hold after the second delivery."""
    other = copy_of(shop, tmp_path_factory.mktemp("undisturbed") / "shop")
    run(spark, other, *JOB_NAMES)
    return table_fingerprints(spark, str(other / "lake"))


# One course over one lake: what a kill left is what the next run starts from, and at last the job runs to its end.
# `make test-kills` kills every job, at random.
KILLS = {
    "ingest": [("bronze.shop", "files"), ("bronze.shop", "commit")],
    "clean": [("silver.interactions", "commit"), ("silver.quarantine", "files")],
    "profile": [("gold.user_profiles", "files")],
}


def test_a_killed_job_leaves_old_or_new_tables_and_the_next_run_mends_all(
    spark: SparkSession, shop: Path, undisturbed: dict[str, int], tmp_path: Path
) -> None:
    killed = copy_of(shop, tmp_path / "shop")
    lake = Lake(spark, str(killed / "lake"))
    for job in JOB_NAMES:
        started = table_fingerprints(spark, lake.root)
        for table, moment in KILLS[job]:
            kill_and_check(spark, killed, job, table, moment, started, undisturbed)
        run(spark, killed, job)
    assert table_fingerprints(spark, lake.root) == undisturbed


def kill_and_check(
    spark: SparkSession,
    shop: Path,
    job: str,
    table: str,
    moment: str,
    started: dict[str, int],
    undisturbed: dict[str, int],
) -> None:
    """Kill the job at this moment; the table is then as it was, or as it is to be, and so is every other one."""
    folder = Path(Lake(spark, str(shop / "lake")).path(table))
    files = set(folder.rglob("part-*.parquet"))

    done = subprocess.run(
        [sys.executable, "-c", KILLED, job, table, moment, str(shop / "shop.yaml"), str(shop / "lake")],
        capture_output=True,
        text=True,
        check=False,
        start_new_session=True,
        cwd=shop,
        env=os.environ,
    )

    at = f"{job} killed at the {moment} of {table}"
    assert done.returncode == -signal.SIGKILL, f"{at}: {done.stderr[-2000:]}"
    assert set(folder.rglob("part-*.parquet")) > files, at
    left = table_fingerprints(spark, str(shop / "lake"))
    assert undisturbed[table] != started[table], at
    assert left[table] == (started if moment == "files" else undisturbed)[table], at
    assert left.keys() == started.keys(), at
    assert all(left[name] in (started[name], undisturbed[name]) for name in left), at
