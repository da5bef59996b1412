"""The daily run as a DAG: one spark-submit a job, in the order that follows from sparkrec.graph."""

import os
from datetime import UTC, datetime, timedelta

from airflow.providers.apache.spark.operators.spark_submit import SparkSubmitOperator
from airflow.sdk import DAG, CronDataIntervalTimetable

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


def submit(job: JobSpec) -> SparkSubmitOperator:
    """The one place that turns a job into an Airflow task."""
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
            "{{ ds }}",
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


with DAG(
    dag_id="sparkrec_daily",
    description="Landing files to published recommendations, once a day.",
    # The run for a day starts when that day is over, and {{ ds }} is the day itself. A plain cron
    # string would give {{ ds }} the day on which the run starts, of which there is no data yet.
    schedule=CronDataIntervalTimetable("0 2 * * *", timezone="UTC"),
    start_date=datetime(2010, 12, 1, tzinfo=UTC),
    catchup=False,
    # Two days at once would write the same tables.
    max_active_runs=1,
    tags=["sparkrec"],
    doc_md=__doc__,
):
    jobs = pipeline()
    tasks = {job.name: submit(job) for job in in_order(jobs)}
    for name, needed in upstream(jobs).items():
        tasks[name].set_upstream([tasks[other] for other in sorted(needed)])
