"""Whether a run retrains: makes shards, trains, evaluates and chooses, or publishes by the models that there are."""

from dataclasses import dataclass
from datetime import date
from typing import Literal

from sparkrec.config import Settings
from sparkrec.lake import Lake, files
from sparkrec.steps import evaluate
from sparkrec.steps.runs import latest_runs

Retrain = Literal["due", "yes", "no"]


@dataclass(frozen=True)
class Due:
    """Whether a retrain is due, and why or why not, in words."""

    is_due: bool
    why: str


def retrain_due(settings: Settings, lake: Lake, day: date | None) -> Due:
    """By the last retrain that was finished, as ``training.retrain_days`` says.

    Args:
        settings: The run's settings.
        lake: The lake.
        day: The last day that the run knows.
    """
    made = [lake.path(f"models/{name}.json") for name in ("current", "chosen")]
    last = next(iter(latest_runs(lake, ["evaluate"])), None)
    if last is None or last.run_date is None or day is None or not all(map(files.exists, made)):
        return Due(True, "there are no models yet, or they were removed")
    if last.definition != evaluate.definition(settings):
        return Due(True, "settings or code of models have changed since the last one")
    age, most = (day - last.run_date).days, settings.training.retrain_days
    if age < 0:
        return Due(True, f"the models know {last.run_date}, which is later than {day}")
    return Due(age >= most, f"the models are of {last.run_date}, and training.retrain_days is {most}")
