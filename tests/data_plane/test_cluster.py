"""The jobs on a cluster give the tables that they give on one machine, also where a worker dies in the middle."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from fingerprints import table_fingerprints
from pyspark.sql import SparkSession
from standalone_cluster import JOBS_BIN, Cluster, environment

from sparkrec.config import load_settings, project_root
from sparkrec.graph import JOBS, in_order
from sparkrec.simulation import SimulationSettings, simulate
from sparkrec.steps.runner import Runner

pytestmark = pytest.mark.slow

JOB_NAMES = ("ingest", "clean", "profile")
# More shuffled parts than cores, so that a worker that dies takes some of them with it.
PARTS = "spark.sql.shuffle.partitions=6"


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


def submit(cluster: Cluster, job: str, landing: Path, lake: Path, in_the_middle: Callable[[], None] | None) -> str:
    """Submit a job to the cluster, and do something as soon as the first worker has shuffled rows of it."""
    options = ["--env", "cluster", "--source", "events", "--lake", str(lake), "--set", f"source.landing={landing}"]
    submit = [str(JOBS_BIN / "spark-submit"), "--master", cluster.url, "--executor-memory", "1g"]
    submit += ["--conf", PARTS, "--conf", "spark.sql.adaptive.enabled=false", "--conf", "spark.ui.enabled=false"]
    log = lake.parent / f"{job}.log"
    with log.open("wb") as output:
        command = [*submit, f"jobs/{job}.py", *options]
        running = subprocess.Popen(command, env=environment(), cwd=project_root(), stdout=output, stderr=output)
        while in_the_middle and running.poll() is None:
            if any(cluster.scratch[0].rglob("shuffle_*.data")):
                in_the_middle()
                break
            time.sleep(0.05)
        assert running.wait(600) == 0, log.read_text()[-3000:]
    return log.read_text()


def test_a_cluster_makes_the_tables_of_one_machine_and_the_death_of_a_worker_changes_nothing(
    spark: SparkSession, cluster: Cluster, landing: Path, on_one_machine: dict[str, int], tmp_path: Path
) -> None:
    lake, bereft = tmp_path / "lake", tmp_path / "bereft" / "lake"
    submit(cluster, "ingest", landing, lake, None)
    shutil.copytree(lake, bereft)
    submit(cluster, "clean", landing, lake, None)
    submit(cluster, "profile", landing, lake, None)
    assert table_fingerprints(spark, str(lake)) == on_one_machine

    for left in cluster.scratch[0].rglob("shuffle_*.data"):
        left.unlink()
    dead = cluster.workers[0]

    def kill() -> None:
        # With it its executors.
        os.killpg(dead.pid, signal.SIGKILL)

    told = submit(cluster, "clean", landing, bereft, kill)
    assert dead.wait(30) == -signal.SIGKILL
    assert "Lost executor" in told
    # Nobody ran the profile job there.
    of_profile = next(job.writes for job in JOBS if job.name == "profile")
    cleaned = {table: rows for table, rows in on_one_machine.items() if table not in of_profile}
    assert table_fingerprints(spark, str(bereft)) == cleaned
