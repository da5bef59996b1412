"""Training, choice and scoring on a cluster give the lists of one machine, also where a worker dies in the middle."""

import os
import shutil
import signal
from pathlib import Path

import pytest
from fingerprints import table_fingerprints
from pyspark.sql import SparkSession
from standalone_cluster import Cluster, submit

from sparkrec.config import load_settings
from sparkrec.graph import JOBS, in_order
from sparkrec.simulation import SimulationSettings, simulate
from sparkrec.steps.runner import Runner

pytestmark = pytest.mark.slow

BEFORE = ("ingest", "clean", "profile", "featurize", "shard")
SCORING = ("train", "evaluate", "recommend")
SMALL = ("two_tower.epochs=1", "two_tower.batch_size=64", "baselines.als_iterations=2", "split.holdout_days=1")


def test_a_cluster_gives_the_lists_of_one_machine_and_the_death_of_a_worker_changes_nothing(
    spark: SparkSession, cluster: Cluster, tmp_path: Path
) -> None:
    simulate(spark, SimulationSettings(events=20_000, users=300, items=200, days=6), str(tmp_path), lambda line: None)
    landing, lake, others = tmp_path / "landing", tmp_path / "lake", tmp_path / "others" / "lake"
    given = [f"source.landing={landing}", *SMALL]
    settings = load_settings("test", "events", str(lake), overrides=given)
    runner = Runner.start(settings, spark, lambda line: None)
    runner.run([job for job in in_order(JOBS) if job.name in BEFORE])
    shutil.copytree(lake, others)
    runner.run([job for job in in_order(JOBS) if job.name in SCORING])

    trained = submit(cluster, "train", landing, others, *SMALL)
    submit(cluster, "evaluate", landing, others, *SMALL)
    for left in cluster.scratch[0].rglob("shuffle_*.data"):
        left.unlink()
    dead = cluster.workers[0]
    scored = submit(
        cluster, "recommend", landing, others, *SMALL, in_the_middle=lambda: os.killpg(dead.pid, signal.SIGKILL)
    )

    assert "2 ranks" in trained
    assert dead.wait(30) == -signal.SIGKILL
    assert "Lost executor" in scored
    expected, found = (table_fingerprints(spark, str(one)) for one in (lake, others))
    for table in ("gold.evaluations", "gold.recommendations", "gold.similar_items"):
        assert found[table] == expected[table], table
