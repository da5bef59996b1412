"""The DAGs say the same as sparkrec.graph, and Airflow submits what they say."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.sdk import DAG, CronDataIntervalTimetable

from sparkrec.config import shipped_root
from sparkrec.graph import JOBS, JobSpec, upstream

DAGS = shipped_root() / "airflow_dags"


NIGHT = [job for job in JOBS if not job.retrain]


@pytest.fixture(scope="module")
def dags() -> dict[str, DAG]:
    bag = DagBag(DAGS)
    assert bag.import_errors == {}
    assert bag.captured_warnings == {}
    return bag.dags


@pytest.fixture(scope="module")
def dag(dags: dict[str, DAG]) -> DAG:
    return dags["sparkrec_retrain"]


def test_a_night_leaves_out_what_a_retrain_does(dags: dict[str, DAG]) -> None:
    assert set(dags) == {"sparkrec_daily", "sparkrec_retrain"}
    assert sorted(dags["sparkrec_retrain"].task_ids) == sorted(job.name for job in JOBS)
    assert sorted(dags["sparkrec_daily"].task_ids) == sorted(job.name for job in NIGHT)
    assert {job.name for job in JOBS} - {job.name for job in NIGHT} == {"shard", "train", "evaluate"}


def test_edges_are_those_of_the_graph(dags: dict[str, DAG]) -> None:
    edges = {name: {task.task_id: task.upstream_task_ids for task in dag.tasks} for name, dag in dags.items()}
    assert edges["sparkrec_retrain"] == upstream(JOBS)
    names = {job.name for job in NIGHT}
    assert edges["sparkrec_daily"] == {name: upstream(JOBS)[name] & names for name in names}


def test_one_run_at_a_time_and_none_of_the_past(dags: dict[str, DAG]) -> None:
    for dag in dags.values():
        assert dag.max_active_runs == 1
        assert dag.catchup is False
    # Its runs carry the date of the day that is over, see daily.py.
    assert isinstance(dags["sparkrec_daily"].timetable, CronDataIntervalTimetable)


@pytest.mark.parametrize("job", JOBS, ids=lambda job: job.name)
def test_a_task_submits_the_file_of_its_job(dag: DAG, job: JobSpec) -> None:
    task = dag.get_task(job.name)
    assert Path(task.application) == shipped_root() / "jobs" / f"{job.name}.py"
    assert Path(task.application).is_file()
    assert task.conf == job.resources
    assert task.retries == 1
    assert job.description in task.doc_md


def test_a_retrain_knows_what_the_night_before_it_knew(dag: DAG) -> None:
    arguments = dag.get_task("train").application_args
    assert arguments[arguments.index("--run-date") + 1] == "{{ macros.ds_add(ds, -1) }}"


def test_the_jar_is_that_of_the_locked_delta_spark(dag: DAG) -> None:
    lock = (shipped_root() / "requirements.lock").read_text(encoding="utf-8")
    locked = re.search(r"^delta-spark==(\S+)", lock, re.MULTILINE)
    assert locked
    assert {task.packages for task in dag.tasks} == {f"io.delta:delta-spark_4.0_2.13:{locked[1]}"}


def test_dag_imports_nothing_of_the_project_but_graph_and_config() -> None:
    listing = "import daily, sys; print(*sorted(name for name in sys.modules if name.startswith('sparkrec.')))"
    done = _run([sys.executable, "-c", listing], cwd=DAGS)
    packages = {name.split(".")[1] for name in done.stdout.splitlines()[-1].split()}
    assert packages == {"config", "errors", "graph", "masking", "version"}


def test_airflow_submits_every_job_of_a_night_once_in_order_with_its_arguments(tmp_path: Path) -> None:
    """A whole night by Airflow, with a ``spark-submit`` that only writes down what it was asked."""
    calls = tmp_path / "calls"
    spark_submit = tmp_path / "bin" / "spark-submit"
    spark_submit.parent.mkdir()
    spark_submit.write_text(f'#!/bin/sh\necho "$@" >> {shlex.quote(str(calls))}\n')
    spark_submit.chmod(0o755)
    env = {
        "AIRFLOW_HOME": str(tmp_path / "home"),
        "AIRFLOW__CORE__DAGS_FOLDER": str(DAGS),
        "AIRFLOW_CONN_SPARK_DEFAULT": '{"conn_type": "spark", "host": "local[2]"}',
        # A Variable wins over the environment, the environment over the default.
        "AIRFLOW_VAR_SPARKREC_LAKE": "/lake/of/the/variable",
        "SPARKREC_LAKE": "/lake/of/the/environment",
        "SPARKREC_ENV": "cluster",
        "PATH": f"{spark_submit.parent}{os.pathsep}{os.environ['PATH']}",
    }
    airflow = str(Path(sys.executable).with_name("airflow"))
    _run([airflow, "db", "migrate"], env=env)
    _run([airflow, "dags", "test", "sparkrec_daily", "2011-12-09"], env=env)

    submitted = [shlex.split(line) for line in calls.read_text().splitlines()]
    names = [Path(_script(arguments)).stem for arguments in submitted]
    assert sorted(names) == sorted(job.name for job in NIGHT)
    for name in names:
        needed = upstream(JOBS)[name] & {*names}
        assert needed <= set(names[: names.index(name)]), f"{name} ran before what it needs"
    run_ids = {arguments[-1] for arguments in submitted}
    assert len(run_ids) == 1
    for arguments in submitted:
        assert arguments[arguments.index("--master") + 1] == "local[2]"
        assert arguments[arguments.index(_script(arguments)) + 1 :] == [
            "--env",
            "cluster",
            "--source",
            str(shipped_root() / "conf" / "sources" / "online_retail.yaml"),
            "--lake",
            "/lake/of/the/variable",
            "--run-date",
            "2011-12-09",
            "--run-id",
            *run_ids,
        ]


def _script(arguments: list[str]) -> str:
    return next(argument for argument in arguments if argument.endswith(".py"))


def _run(
    command: list[str], env: dict[str, str] | None = None, cwd: Path | None = None
) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(command, env=os.environ | (env or {}), cwd=cwd, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, f"{command} failed:\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
    return done
