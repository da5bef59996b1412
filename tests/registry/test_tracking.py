from pathlib import Path

import pytest
from mlflow import MlflowClient
from mlflow.entities import Run
from odd_name import ODD_NAME

from sparkrec.config import Settings, load_settings
from sparkrec.registry.tracking import DATABASE, URI_VARIABLE, Point, Tracker, curves, track
from sparkrec.training.plan import EpochRecord, FoldRecord

MADE_FROM = {"seed": 7, "two_tower": {"epochs": 2, "hidden_size": None}}
POINTS: list[Point] = [("test.loss", 0.5, 1), ("test.loss", 0.25, 2), ("test.discover.ndcg_at_10", 0.125, 0)]


@pytest.fixture(scope="module")
def uri(tmp_path_factory: pytest.TempPathFactory) -> str:
    """MLflow takes seconds to make its tables: all share them, each by an experiment of its own."""
    return f"sqlite:///{tmp_path_factory.mktemp('mlflow')}/{DATABASE}"


def runs_of(uri: str, experiment: str) -> list[Run]:
    client = MlflowClient(tracking_uri=uri)
    found = client.get_experiment_by_name(experiment)
    return list(client.search_runs([found.experiment_id]))


def settings_of(lake: Path | str, **tracking: bool) -> Settings:
    overrides = [f"tracking.{key}={str(value).lower()}" for key, value in tracking.items()]
    return load_settings("test", "online_retail", str(lake), overrides=overrides)


def _never(tracker: Tracker) -> None:
    pytest.fail("it was logged")


def test_a_model_version_is_one_run_however_often_it_is_logged(uri: str) -> None:
    for points in (POINTS[:1], POINTS, POINTS):
        Tracker(uri, "shop").log("two_tower", "ab12", MADE_FROM, points)
    Tracker(uri, "shop").log("als", "cd34", {"seed": 7, "store": {"secret.key": "abc"}}, [])

    runs = {run.info.run_name: run for run in runs_of(uri, "shop")}
    assert set(runs) == {"two_tower ab12", "als cd34"}
    run = runs["two_tower ab12"]
    assert run.info.status == "FINISHED"
    assert run.data.params == {"seed": "7", "two_tower.epochs": "2", "two_tower.hidden_size": "None"}
    assert runs["als cd34"].data.params == {"seed": "7", "store.secret.key": "***"}
    assert run.data.metrics == {"test.loss": 0.25, "test.discover.ndcg_at_10": 0.125}
    client = MlflowClient(tracking_uri=uri)
    curve = client.get_metric_history(run.info.run_id, "test.loss")
    assert [(point.step, point.value) for point in curve] == [(1, 0.5), (2, 0.25)]


def test_a_run_that_broke_off_is_completed(uri: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as broken:
        broken.setattr(MlflowClient, "log_batch", killed)
        with pytest.raises(KeyboardInterrupt):
            Tracker(uri, "broken").log("two_tower", "ab12", MADE_FROM, POINTS)
    assert [run.info.status for run in runs_of(uri, "broken")] == ["RUNNING"]

    Tracker(uri, "broken").log("two_tower", "ab12", MADE_FROM, POINTS)
    (run,) = runs_of(uri, "broken")
    assert (run.info.status, run.data.params["seed"], run.data.metrics["test.loss"]) == ("FINISHED", "7", 0.25)


def test_the_runs_of_a_lake_on_this_machine_lie_in_it(tmp_path: Path) -> None:
    lake = tmp_path / ODD_NAME
    lake.mkdir()
    track(settings_of(lake, enabled=True), pytest.fail, lambda tracker: tracker.log("als", "cd34", {}, []))
    assert list(tmp_path.iterdir()) == [lake]
    lake.rename(tmp_path / "lake")
    assert len(runs_of(f"sqlite:///{tmp_path}/lake/{DATABASE}", "online_retail")) == 1


@pytest.mark.parametrize(
    ("lake", "variable", "told"),
    [
        ("hdfs://names/lake", None, f"{URI_VARIABLE} is not set"),
        ("lake", "http://somebody:secret@127.0.0.1:9", f"see {URI_VARIABLE}"),
    ],
)
def test_an_mlflow_that_cannot_be_had_is_told_and_harms_nothing(
    monkeypatch: pytest.MonkeyPatch, lake: str, variable: str | None, told: str
) -> None:
    if variable:
        monkeypatch.setenv(URI_VARIABLE, variable)
    said: list[str] = []
    track(settings_of(lake, enabled=True), said.append, _never)
    assert len(said) == 1
    assert told in said[0]
    assert "secret" not in said[0]


def test_switched_off_nothing_is_told(tmp_path: Path) -> None:
    track(settings_of(tmp_path), pytest.fail, _never)
    assert list(tmp_path.iterdir()) == []


def test_curves_have_a_point_for_each_epoch_of_each_fold() -> None:
    first = EpochRecord(
        epoch=1, loss=2.0, validation_loss=3.0, validation_ndcg=0.5, samples_per_second=100.0, seconds=1.5
    )
    second = EpochRecord(
        epoch=2, loss=1.0, validation_loss=None, validation_ndcg=None, samples_per_second=90.0, seconds=1.0
    )
    points = curves({"test": FoldRecord(fold="test", best_epoch=1, epochs=(first, second), ranks=())})
    assert set(points) == {
        ("test.loss", 2.0, 1),
        ("test.validation_loss", 3.0, 1),
        ("test.validation_ndcg", 0.5, 1),
        ("test.samples_per_second", 100.0, 1),
        ("test.seconds", 1.5, 1),
        ("test.loss", 1.0, 2),
        ("test.samples_per_second", 90.0, 2),
        ("test.seconds", 1.0, 2),
    }
