"""When a run retrains."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from sparkrec.config import load_settings
from sparkrec.lake import Lake
from sparkrec.steps import evaluate
from sparkrec.steps.due import retrain_due


@pytest.fixture
def trained(lake: Lake, fill, tmp_path: Path) -> Lake:
    """A lake whose last retrain knew the first of May."""
    settings = load_settings("test", "online_retail", lake.root)
    (tmp_path / "models").mkdir()
    for name in ("current", "chosen"):
        (tmp_path / "models" / f"{name}.json").write_text("{}")
    run = {"run_id": "r", "job": "evaluate", "run_date": date(2026, 5, 1), "outcome": "done", "seconds": 1.0}
    more = {"started_at": datetime(2026, 5, 2, tzinfo=UTC), "counts": {}, "inputs": {}, "outputs": {}}
    later = {"run_id": "s", "started_at": datetime(2026, 5, 3, tzinfo=UTC), "outcome": "failed"}
    fill("gold.pipeline_runs", [run | more | {"definition": evaluate.definition(settings)}, run | more | later])
    return lake


@pytest.mark.parametrize(
    ("day", "override", "is_due", "why"),
    [
        (date(2026, 5, 1), "seed=20111209", False, "the models are of 2026-05-01, and training.retrain_days is 7"),
        (date(2026, 5, 7), "seed=20111209", False, "the models are of 2026-05-01, and training.retrain_days is 7"),
        (date(2026, 5, 8), "seed=20111209", True, "the models are of 2026-05-01, and training.retrain_days is 7"),
        (date(2026, 5, 3), "training.retrain_days=2", True, "training.retrain_days is 2"),
        (date(2026, 4, 30), "seed=20111209", True, "the models know 2026-05-01, which is later than 2026-04-30"),
        (date(2026, 5, 2), "baselines.als_factors=8", True, "settings or code of models have changed"),
        (date(2026, 5, 2), "report.users=1", False, "training.retrain_days is 7"),
        (None, "seed=20111209", True, "there are no models yet"),
    ],
)
def test_a_retrain_is_due_by_age_settings_and_code(
    trained: Lake, day: date | None, override: str, is_due: bool, why: str
) -> None:
    due = retrain_due(load_settings("test", "online_retail", trained.root, overrides=[override]), trained, day)

    assert due.is_due == is_due
    assert why in due.why


def test_without_models_it_is_due(trained: Lake, tmp_path: Path) -> None:
    settings = load_settings("test", "online_retail", trained.root)
    (tmp_path / "models" / "chosen.json").unlink()

    assert "or they were removed" in retrain_due(settings, trained, date(2026, 5, 2)).why
    assert retrain_due(settings, Lake(trained.spark, f"{trained.root}/other"), date(2026, 5, 2)).is_due
