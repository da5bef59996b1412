"""The parts of the train job that the ranks do."""

from typing import Any

from sparkrec.config import Settings
from sparkrec.lake import files
from sparkrec.steps.context import JobContext
from sparkrec.training.distributed import launch
from sparkrec.training.plan import TrainingPlan

CODE_OF_DEEP = ("sparkrec.models", "sparkrec.training")
"""The code that decides what a training gives."""

# Settings of the training that make no other models.
_NO_WEIGHTS = {"launcher", "start_timeout_seconds", "models", "checkpoint_steps", "fits_at_once", "retrain_days"}


def same_weights(settings: Settings) -> dict[str, Any]:
    """What of the training's settings decides the weights."""
    return settings.training.model_dump(exclude=_NO_WEIGHTS)


def too_few_samples(samples: int, of: str, ranks: int) -> str:
    """Why a model was left out."""
    return f"{samples:,} samples of {of} do not feed {ranks} ranks (training.ranks)"


def on_ranks(
    context: JobContext,
    target: str,
    model: str,
    shards: str,
    folder: str,
    at: tuple[str, ...],
    warm_start: str | None = None,
) -> None:
    """Start the ranks once for all folds of a model; the plan that they follow stays beside what they write."""
    settings, plan_uri = context.settings, f"{folder}/plan.json"
    plan = TrainingPlan(
        shards=shards,
        output=folder,
        folds=at,
        model=model,
        config=settings.deep(model).model_dump(),
        training=settings.training,
        seed=settings.seed,
        warm_start=warm_start,
    )
    files.write_bytes(plan_uri, plan.model_dump_json(indent=1).encode())
    launch(settings.training, target, plan_uri, context.say)
