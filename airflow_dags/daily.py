"""Nights and retrains as DAGs: one spark-submit a job, in the order that follows from sparkrec.graph."""

import os
from datetime import UTC, datetime, timedelta

from airflow.providers.apache.spark.operators.spark_submit import SparkSubmitOperator
from airflow.sdk import DAG, CronDataIntervalTimetable, CronTriggerTimetable

from sparkrec.config import shipped_root
from sparkrec.graph import JobSpec, in_order, job_file, pipeline, upstream

# The jar that goes with the delta-spark of requirements.lock, and what Spark already has of its needs.
DELTA_PACKAGE = "io.delta:delta-spark_4.0_2.13:4.3.1"
EXCLUDED_PACKAGES = "org.apache.hadoop:hadoop-client-api,org.apache.hadoop:hadoop-client-runtime"


def setting(name: str, default: str) -> str:
    """A template that takes the Airflow Variable ``sparkrec_<name>``, else ``SPARKREC_<NAME>``, else the default.

    Variables are read when a task runs, so that parsing the DAG asks nothing of Airflow's database.
    """
    fallback = os.environ.get(f"SPARKREC_{name.upper()}", default)
    return f"{{{{ var.value.get('sparkrec_{name}', {fallback!r}) }}}}"


def submit(job: JobSpec, day: str) -> SparkSubmitOperator:
    """The one place that turns a job into an Airflow task; ``day`` is the last one that it knows."""
    return SparkSubmitOperator(
        task_id=job.name,
        name=f"sparkrec-{job.name}",
        doc_md=f"{job.description}\n\nReads: {_listed(job.reads)}\n\nWrites: {_listed(job.writes)}",
        conn_id="spark_default",
        application=str(job_file(job.name)),
        application_args=[
            "--env",
            setting("env", "local"),
            "--source",
            setting("source", str(shipped_root() / "conf" / "sources" / "online_retail.yaml")),
            "--lake",
            setting("lake", str(shipped_root() / "lake")),
            "--run-date",
            day,
            "--run-id",
            "{{ run_id }}",
        ],
        packages=DELTA_PACKAGE,
        exclude_packages=EXCLUDED_PACKAGES,
        conf=dict(job.resources),
        # A worker that dies leaves its Spark application running, and the retry may submit a second one
        # (apache/airflow#67118). In cluster mode `durable` makes the retry wait for the first instead; in
        # client mode nothing does. It does no harm: jobs are idempotent, one that runs again for the same
        # run date replaces what it wrote before.
        durable=True,
        retries=1,
        retry_delay=timedelta(minutes=5),
    )


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(f"`{name}`" for name in names) or "nothing of the lake"


every = in_order(pipeline())
needs = upstream(every)


def add_jobs(jobs: list[JobSpec], day: str) -> None:
    """A task for each of these jobs; those that are left out have no part in the order."""
    tasks = {job.name: submit(job, day) for job in jobs}
    for name, task in tasks.items():
        task.set_upstream([tasks[other] for other in sorted(needs[name]) if other in tasks])


# Two runs at once would write the same tables.
shared = {"start_date": datetime(2010, 12, 1, tzinfo=UTC), "catchup": False, "max_active_runs": 1, "tags": ["sparkrec"]}

with DAG(
    dag_id="sparkrec_daily",
    description="Landing files to published lists, once a day, by the models that there are.",
    # The run for a day starts when that day is over, and {{ ds }} is the day itself. A plain cron
    # string would give {{ ds }} the day on which the run starts, of which there is no data yet.
    schedule=CronDataIntervalTimetable("0 2 * * *", timezone="UTC"),
    doc_md=__doc__,
    **shared,
):
    add_jobs([job for job in every if not job.retrain], "{{ ds }}")

with DAG(
    dag_id="sparkrec_retrain",
    description="All jobs, once a week: trains, evaluates and chooses again. Trigger it first in a new lake.",
    # On Sundays at noon, when the night is long over; it knows what the night knew.
    schedule=CronTriggerTimetable("0 12 * * 0", timezone="UTC"),
    doc_md=__doc__,
    **shared,
):
    add_jobs(every, "{{ macros.ds_add(ds, -1) }}")
