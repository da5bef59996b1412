"""What is understood of a simulated shop's queries beside what their makers meant."""

import os
import tempfile

from benchmarks.simulated import landing
from sparkrec.config import load_settings
from sparkrec.config.privacy_key import VARIABLE
from sparkrec.graph import JOBS
from sparkrec.lake import spark_session
from sparkrec.simulation.query_scores import query_scores
from sparkrec.steps.runner import Runner
from sparkrec.steps.runs import latest_runs

_EVENTS = 200_000
_JOBS = ("ingest", "clean", "understand")


def figures() -> dict[str, float]:
    """`query_scores` of the searches of people, not bots, and the seconds of the job."""
    os.environ.setdefault(VARIABLE, "a key of the benchmark")
    shop = landing(_EVENTS)
    with tempfile.TemporaryDirectory() as lake:
        settings = load_settings("local", "events", lake=lake, overrides=[f"source.landing={shop}"])
        with spark_session(settings.spark, "sparkrec bench queries") as spark:
            runner = Runner.start(settings, spark, print)
            runner.run([job for job in JOBS if job.name in _JOBS])
            searches = runner.lake.read("silver.searches").where("not is_bot")
            truth = spark.read.parquet(str(shop.parent / "truth" / "queries"))
            longest = settings.source.texts.longest_query
            scores = query_scores(runner.lake.read("features.query_text"), searches, truth, longest)
            seconds = latest_runs(runner.lake, ["understand"])[0].seconds
    return {f"queries.{name}": value for name, value in scores.items()} | {"queries.seconds": seconds}
