"""A run of the whole graph, or of one job, on a lake that nobody else is at work on."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from typing import TYPE_CHECKING

import yaml

from sparkrec.config import Settings
from sparkrec.errors import ConfigurationError
from sparkrec.graph import ON_DEMAND, JobSpec, in_order, pipeline
from sparkrec.masking import mask, masked
from sparkrec.training.distributed import check_launcher

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from sparkrec.steps.due import Retrain


def run_jobs(
    settings: Settings,
    only: str | None,
    days: Sequence[date],
    say: Callable[[str], None],
    run_id: str | None = None,
    retrain: "Retrain" = "due",
) -> None:
    """Run the whole graph or one job, for each of the days if there are any, and say what came of it.

    Args:
        settings: The run's settings.
        only: Name of the one job; None runs all.
        days: Days to run for in this order; none runs for the settings' own.
        say: Takes lines of progress, without secrets.
        run_id: Names the run in gold.pipeline_runs; None makes a name, one a day.
        retrain: Of the whole graph, whether it retrains; one job alone always runs.

    Raises:
        ConfigurationError: There is no such job.
        SparkrecError: A job failed; the message says which and why.
    """
    whole = in_order(pipeline())
    known = [*whole, *ON_DEMAND]
    specs = whole if only is None else [spec for spec in known if spec.name == only]
    if not specs:
        raise ConfigurationError(f"no job {only}; one of: {', '.join(spec.name for spec in known)}")
    if settings.training.models and any(spec.name == "train" for spec in specs):
        check_launcher(settings.training.launcher)
    if settings.models:
        # It imports what fits models, which takes a moment.
        from sparkrec.recommend.models import options_of

        options_of(settings)
    with lake_held(settings, only and (specs[0].alone_with or only)):
        _run_alone(settings, specs, only is None, days, lambda line: say(mask(line)), run_id, retrain)


@contextmanager
def lake_held(settings: Settings, job: str | None) -> Iterator[None]:
    """Hold the lake, which can be written and is this source's, for a job or, where it is None, for all."""
    # pyarrow takes a moment to import.
    from sparkrec.lake.files import check_writable
    from sparkrec.lake.lock import at_work
    from sparkrec.lake.one_source import check_source

    check_writable(settings.lake)
    with at_work(settings.lake, job):
        check_source(settings.lake, settings.source)
        yield


@contextmanager
def _session(settings: Settings, name: str) -> Iterator["SparkSession"]:
    """The session that a notebook has already, which stays; else one for this run."""
    from pyspark.sql import SparkSession

    from sparkrec.lake import spark_session

    if active := SparkSession.getActiveSession():
        yield active
        return
    with spark_session(settings.spark, name) as spark:
        yield spark


def _run_alone(
    settings: Settings,
    specs: Sequence[JobSpec],
    whole: bool,
    days: Sequence[date],
    say: Callable[[str], None],
    run_id: str | None,
    retrain: "Retrain",
) -> None:
    say("# settings of this run")
    say(yaml.safe_dump(masked(settings.model_dump(mode="json", exclude_unset=True)), sort_keys=False).strip())

    # Spark takes seconds to import: help and mistakes of use answer without it.
    from sparkrec.steps.runner import Runner
    from sparkrec.steps.summary import summary

    with _session(settings, f"sparkrec {'run' if whole else specs[0].name}") as spark:
        wanted: list[date | None] = [*days] if days else [settings.run_date]
        for day in wanted:
            if days:
                say(f"# {day}, of the days up to {days[-1]}")
            runner = Runner.start(settings.model_copy(update={"run_date": day}), spark, say, run_id)
            runner.run(specs, retrain if whole else "yes")
        if whole:
            say(summary(runner.lake, settings))
