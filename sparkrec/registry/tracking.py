"""MLflow's run of each model version: what it was made from, how its training went, how good it is."""

import logging
import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sparkrec.config import Settings
from sparkrec.masking import masked
from sparkrec.training.plan import FoldRecord
from sparkrec.version import __version__

# MLflow reads them when it is imported: it tells nobody of its use, and a server that is down holds up nobody for long.
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")

URI_VARIABLE = "MLFLOW_TRACKING_URI"
"""MLflow's own; a URI may hold a password, so it is no setting, which would be printed."""

DATABASE = "mlflow.db"
"""In a lake of this machine, where the variable names no other place."""

Point = tuple[str, float, int]
"""A metric, its value, and the epoch or 0."""

# At most what MLflow takes in one call.
_PARAMS_AT_ONCE, _POINTS_AT_ONCE = 100, 500


class Tracker:
    """Runs of one experiment, one a model version.

    Whoever logs the same once more, after a kill or a retry, changes nothing.

    Args:
        uri: Where MLflow keeps its runs.
        experiment: Its name.
    """

    def __init__(self, uri: str, experiment: str) -> None:
        from mlflow import MlflowClient

        # MLflow tells of each of some forty steps by which it makes its tables.
        for name in ("alembic", "mlflow"):
            logging.getLogger(name).setLevel(logging.WARNING)
        self._client = MlflowClient(tracking_uri=uri)
        found = self._client.get_experiment_by_name(experiment)
        self._experiment = found.experiment_id if found else self._client.create_experiment(experiment)

    def log(self, model: str, version: str, made_from: Mapping[str, Any], points: Iterable[Point]) -> None:
        """Add to the run of a model version; a run that there is not yet begins.

        Args:
            model: Name of the model.
            version: Its version.
            made_from: Data, settings and seed, sections in sections; they are told once, when the run begins, without
                secrets.
            points: Curves and figures.
        """
        from mlflow.entities import Metric, Param

        own = f"tags.model = '{model}' and tags.model_version = '{version}'"
        runs = self._client.search_runs([self._experiment], own, max_results=1)
        tags = {"model": model, "model_version": version, "code": __version__}
        run = runs[0] if runs else self._client.create_run(self._experiment, run_name=f"{model} {version}", tags=tags)
        params = [Param(key, str(value)) for key, value in _flat(masked(made_from))]
        if run.info.status == "RUNNING":
            for start in range(0, len(params), _PARAMS_AT_ONCE):
                self._client.log_batch(run.info.run_id, params=params[start : start + _PARAMS_AT_ONCE])
        # Of equal moments: a point that is there already is the same row.
        metrics = [Metric(key, value, run.info.start_time, step) for key, value, step in points]
        for start in range(0, len(metrics), _POINTS_AT_ONCE):
            self._client.log_batch(run.info.run_id, metrics=metrics[start : start + _POINTS_AT_ONCE])
        self._client.set_terminated(run.info.run_id)


def track(settings: Settings, say: Callable[[str], None], log: Callable[[Tracker], None]) -> None:
    """Let ``log`` tell MLflow, where it is switched on; that MLflow cannot be reached is told and harms nothing."""
    if not settings.tracking.enabled:
        return
    uri = os.environ.get(URI_VARIABLE)
    if not uri and "://" in settings.lake:
        say(f"nothing goes to MLflow: {URI_VARIABLE} is not set, and the lake is not on this machine")
        return
    from mlflow.exceptions import MlflowException

    try:
        # With the driver's name, for of other URLs of SQLite MLflow makes the folder as it stands in the URL.
        own = f"sqlite+pysqlite:///{quote(str(Path(settings.lake).resolve()))}/{DATABASE}"
        log(Tracker(uri or own, settings.source.name))
    except MlflowException as error:
        # Without its message, which may repeat the URI, and with it a password.
        say(f"nothing goes to MLflow: {type(error).__name__} ({error.error_code}); see {URI_VARIABLE}")


def curves(records: Mapping[str, FoldRecord]) -> list[Point]:
    """What each epoch of each fold of a model gave."""
    return [
        (f"{fold}.{what}", float(value), epoch.epoch)
        for fold, record in records.items()
        for epoch in record.epochs
        for what, value in epoch.model_dump(exclude={"epoch"}, exclude_none=True).items()
    ]


def _flat(section: Mapping[str, Any], above: str = "") -> Iterable[tuple[str, Any]]:
    for key, value in section.items():
        name = f"{above}{key}"
        if isinstance(value, Mapping):
            yield from _flat(value, f"{name}.")
        else:
            yield name, value
