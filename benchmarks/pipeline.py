"""Seconds of each job of the demo, and landed lines a second of the whole."""

import tempfile

from sparkrec.config import load_settings
from sparkrec.graph import JOBS, in_order
from sparkrec.lake import spark_session
from sparkrec.steps.runner import Runner
from sparkrec.steps.runs import latest_runs, row_account


def figures() -> dict[str, float]:
    """Run the demo's source in a lake of its own and read the times that the jobs wrote down."""
    with tempfile.TemporaryDirectory() as lake:
        settings = load_settings("local", "online_retail", lake=lake)
        with spark_session(settings.spark, "sparkrec bench") as spark:
            runner = Runner.start(settings, spark, print)
            runner.run(in_order(JOBS))
            runs = latest_runs(runner.lake, [job.name for job in in_order(JOBS)])
    seconds = sum(run.seconds for run in runs)
    found = {f"pipeline.seconds.{run.job}": run.seconds for run in runs}
    return {**found, "pipeline.seconds": seconds, "pipeline.lines_per_second": row_account(runs).landed / seconds}
