"""The DAG as far as profiles, really submitted: Airflow, a cluster of two workers, a slice of the real data."""

import csv
import gzip
import json
import re
import subprocess
import sys
from pathlib import Path

import yaml
from standalone_cluster import JOBS_BIN, Cluster, environment

from sparkrec.config import shipped_root
from sparkrec.graph import JOBS

# What is small about the slice; everything else is as it ships.
SMALL = {
    "spark": {
        "conf": {
            "spark.sql.shuffle.partitions": "2",
            "spark.databricks.delta.snapshotPartitions": "1",
            "spark.sql.adaptive.enabled": "false",
            "spark.sql.codegen.wholeStage": "false",
            "spark.sql.codegen.factoryMode": "NO_CODEGEN",
            "spark.ui.enabled": "false",
        }
    },
}


# The other tasks are made and submitted in the same way (tests/airflow/test_daily.py); jobs that make lists are on a
# cluster in tests/test_pipeline.py.
SUBMITTED = {"ingest", "clean", "profile"}


def test_airflow_runs_jobs_on_the_cluster_as_far_as_profiles(cluster: Cluster, tmp_path: Path) -> None:
    source = _slice(tmp_path)
    lake = tmp_path / "lake"
    env = environment() | {
        "AIRFLOW_HOME": str(tmp_path / "home"),
        "AIRFLOW__CORE__DAGS_FOLDER": str(shipped_root() / "airflow_dags"),
        "AIRFLOW_CONN_SPARK_DEFAULT": json.dumps({"conn_type": "spark", "host": cluster.url}),
        "SPARKREC_ENV": "cluster",
        "SPARKREC_SOURCE": str(source),
        "SPARKREC_LAKE": str(lake),
    }
    airflow = str(Path(sys.executable).with_name("airflow"))
    _run([airflow, "db", "migrate"], env, 300)
    skipped = "|".join(sorted({job.name for job in JOBS if not job.retrain} - SUBMITTED))
    _run(
        [airflow, "dags", "test", "--mark-success-pattern", f"^({skipped})$", "sparkrec_daily", "2011-12-09"], env, 1800
    )

    runs = _query(lake, "select job, outcome, cast(run_date as string) as day from gold.pipeline_runs", env)
    for name in SUBMITTED:
        assert re.search(rf"\b{name}\b[^\n]*\bdone\b[^\n]*2011-12-09", runs), f"{name} is not done:\n{runs}"
    profiles = _query(lake, "select count(*) > 100 and sum(purchases) > 1000 as many from gold.user_profiles", env)
    assert "true" in profiles.lower(), profiles


def _slice(folder: Path) -> Path:
    """A source of every thirtieth customer's lines."""
    landing = folder / "landing"
    landing.mkdir()
    with gzip.open(landing / "slice.csv.gz", "wt", encoding="utf-8", newline="") as output:
        writer: csv.DictWriter[str] | None = None
        for file in sorted((shipped_root() / "data" / "online_retail").glob("*.csv.gz")):
            with gzip.open(file, "rt", encoding="utf-8", newline="") as lines:
                for line in csv.DictReader(lines):
                    if writer is None:
                        writer = csv.DictWriter(output, list(line))
                        writer.writeheader()
                    if line["CustomerID"] and float(line["CustomerID"]) % 30 == 0:
                        writer.writerow(line)
    source = yaml.safe_load((shipped_root() / "conf/sources/online_retail.yaml").read_text(encoding="utf-8"))
    path = folder / "slice.yaml"
    path.write_text(yaml.safe_dump(source | SMALL | {"landing": f"{landing}/*.csv.gz"}), encoding="utf-8")
    return path


def _query(lake: Path, query: str, env: dict[str, str]) -> str:
    return _run([str(JOBS_BIN / "sparkrec"), "sql", query, "--lake", str(lake), "--env", "test"], env, 120)


def _run(command: list[str], env: dict[str, str], timeout: int) -> str:
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=timeout, check=False)
    assert done.returncode == 0, f"{command} failed:\n{done.stdout[-6000:]}\n{done.stderr[-4000:]}"
    return done.stdout
