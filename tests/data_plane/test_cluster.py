"""The jobs on a cluster give the tables that they give on one machine, also where a worker dies in the middle."""

import shutil
import signal
from functools import partial
from pathlib import Path

import pytest
from fingerprints import table_fingerprints
from pyspark.sql import SparkSession
from standalone_cluster import Cluster, kill_first_worker, submit

from sparkrec.config import load_settings
from sparkrec.graph import JOBS, in_order
from sparkrec.simulation import SimulationSettings, simulate
from sparkrec.steps.runner import Runner

pytestmark = pytest.mark.slow

JOB_NAMES = ("ingest", "clean", "profile")
# More shuffled parts than cores, so that a worker that dies takes some of them with it.
PARTITIONS = 6


@pytest.fixture(scope="module")
def landing(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Path:
    shop = tmp_path_factory.mktemp("shop")
    simulate(spark, SimulationSettings(events=20_000, users=300, items=200, days=6), str(shop), lambda line: None)
    return shop / "landing"


@pytest.fixture(scope="module")
def on_one_machine(spark: SparkSession, landing: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, int]:
    lake = str(tmp_path_factory.mktemp("local") / "lake")
    settings = load_settings("test", "events", lake, overrides=[f"source.landing={landing}"])
    runner = Runner.start(settings, spark, lambda line: None)
    runner.run([job for job in in_order(JOBS) if job.name in JOB_NAMES])
    return table_fingerprints(spark, lake)


def test_a_cluster_makes_the_tables_of_one_machine_and_the_death_of_a_worker_changes_nothing(
    spark: SparkSession, cluster: Cluster, landing: Path, on_one_machine: dict[str, int], tmp_path: Path
) -> None:
    lake, bereft = tmp_path / "lake", tmp_path / "bereft" / "lake"
    options = ("--source", "events", "--set", f"source.landing={landing}")
    run = partial(submit, cluster, partitions=PARTITIONS)
    run("ingest", lake, *options)
    shutil.copytree(lake, bereft)
    run("clean", lake, *options)
    run("profile", lake, *options)
    assert table_fingerprints(spark, str(lake)) == on_one_machine

    told = run("clean", bereft, *options, in_the_middle=partial(kill_first_worker, cluster))
    assert cluster.workers[0].wait(30) == -signal.SIGKILL
    assert "Lost executor" in told
    # Nobody ran the profile job there.
    of_profile = next(job.writes for job in JOBS if job.name == "profile")
    cleaned = {table: rows for table, rows in on_one_machine.items() if table not in of_profile}
    assert table_fingerprints(spark, str(bereft)) == cleaned
