import json
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pyspark.sql import SparkSession
from watched_processes import watched

from sparkrec.config.settings import TrainingSettings
from sparkrec.errors import DataError
from sparkrec.lake import files
from sparkrec.lake.model_tables import ARRAYS, USERS
from sparkrec.shards.manifest import Manifest
from sparkrec.training.distributed import PROGRESS, RankOutput, launch
from sparkrec.training.plan import TRAINING_RECORD, FoldRecord, TrainingPlan

pytestmark = pytest.mark.slow

FOLDS = ("validation", "publish")
SPARK = TrainingSettings(ranks=2, launcher="spark")
TRAIN = "sparkrec.training.rank:train_rank"
LOCAL = TrainingSettings(ranks=1, launcher="local")


def _plan(shards: str, output: Path, model: str = "two_tower", **options: object) -> str:
    config = {"embedding_size": 8, "batch_size": 32, "epochs": 2, "learning_rate": 0.01, **options}
    plan = TrainingPlan(
        shards=shards,
        output=str(output),
        folds=FOLDS,
        model=model,
        config=config,
        training=TrainingSettings(checkpoint_steps=2),
        seed=3,
    )
    uri = f"{output}/plan.json"
    files.write_bytes(uri, plan.model_dump_json().encode())
    return uri


def _record(output: Path, fold: str) -> FoldRecord:
    return FoldRecord.model_validate_json((output / fold / TRAINING_RECORD).read_text())


def _check_vectors(output: Path, fold: str, manifest: Manifest, ranks: int, size: int = 8) -> None:
    """Every user is encoded by one rank, and every item."""
    users = pd.concat([_users(output, fold, rank) for rank in range(ranks)])
    assert sorted(users["user_index"]) == list(range(2, manifest.users))
    assert set(users["vector"].map(len)) == {size}
    items = files.read_arrays(f"{output}/{fold}/arrays.npz")["items"]
    assert items.shape == (manifest.items, size)
    assert not items[:2].any()


def _users(output: Path, fold: str, rank: int) -> pd.DataFrame:
    """What a rank wrote of its users."""
    return pd.read_parquet(output / fold / USERS / f"part-{rank}.parquet")


def _files(output: Path) -> dict[Path, tuple[int, bytes]]:
    """When each file was written, and what it holds."""
    found = (path for path in output.glob("*/**/*") if path.is_file())
    return {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in found}


def _check_lengths(output: Path, fold: str) -> None:
    """Vectors of the two-tower model have length 1."""
    # Without the rows that stand for no item.
    items = files.read_arrays(f"{output}/{fold}/arrays.npz")["items"][2:]
    for vectors in (items, np.stack(_users(output, fold, 0)["vector"])):
        np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


SECRETS = {
    "SPARKREC_PRIVACY_KEY": "canary of the privacy key",
    "MLFLOW_TRACKING_PASSWORD": "canary of MLflow",
    # Of no use where the shards lie on this machine.
    "AWS_SECRET_ACCESS_KEY": "canary of the store",
}


def _launch_watched(settings: TrainingSettings, plan: str) -> None:
    """Train, and see to it that no secret is about: in no command line, and in no rank's environment."""
    with pytest.MonkeyPatch.context() as patch, watched() as seen:
        for name, value in SECRETS.items():
            patch.setenv(name, value)
        patch.setenv("TF_OF_A_RANK", "canary of what ranks inherit")
        launch(settings, TRAIN, plan, print)
    assert sorted(seen.ranks) == ["0", "1"]
    for environment in seen.ranks.values():
        assert environment.keys() & SECRETS.keys() <= {"SPARKREC_PRIVACY_KEY"}
        assert "canary" not in "".join(environment.values()).replace(environment["TF_OF_A_RANK"], "")
        # Spark's ranks sign what they send each other with a key of the job's.
        own = environment.get("_HOROVOD_SECRET_KEY")
        assert own is None or not any(own in line for line in seen.command_lines)
    assert any("horovod" in line for line in seen.command_lines)
    assert not [line for line in seen.command_lines if "canary" in line]


@pytest.fixture(scope="module")
def trained(spark: SparkSession, shards: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The output of two ranks that Spark started."""
    assert spark.sparkContext.defaultParallelism >= 2
    output = tmp_path_factory.mktemp("two_ranks")
    _launch_watched(SPARK, _plan(shards, output))
    return output


def test_two_ranks_on_spark_make_equal_steps_and_end_with_equal_weights(shards: str, trained: Path) -> None:
    manifest = Manifest.read(shards)

    for fold in FOLDS:
        record, train = _record(trained, fold), manifest.datasets[f"{fold}/train"]
        assert [rank.rank for rank in record.ranks] == [0, 1]
        assert [rank.rows for rank in record.ranks] == [sum(f.rows for f in train.of_rank(r, 2)) for r in (0, 1)]
        assert {rank.steps for rank in record.ranks} == {train.steps(2, 32)}
        assert len({rank.checksum for rank in record.ranks}) == 1
        assert all(epoch.loss > 0 for epoch in record.epochs)
        _check_vectors(trained, fold, manifest, ranks=2)
        _check_lengths(trained, fold)
    # Ranks of uneven parts make equal steps; one without users encodes none.
    assert [rank.rows for rank in _record(trained, "publish").ranks] == [200, 100]
    assert len(_users(trained, "publish", 1)) == 0
    validation, publish = (_record(trained, fold) for fold in FOLDS)
    assert all(epoch.validation_loss is not None for epoch in validation.epochs)
    assert publish.ranks[0].checksum != validation.ranks[0].checksum
    assert len(publish.epochs) == validation.best_epoch


def test_a_second_launch_keeps_what_is_finished_and_finishes_the_rest_to_the_same_weights(
    shards: str, trained: Path
) -> None:
    before = _files(trained)
    publish = _record(trained, "publish")
    (trained / "publish" / TRAINING_RECORD).unlink()

    lines: list[str] = []
    launch(SPARK, TRAIN, _plan(shards, trained), lines.append)

    after = _files(trained)
    assert {path for path in before if "validation" in path.parts and after[path] != before[path]} == set()
    # No epoch was left to make, and the checkpoint is not written again.
    assert lines == []
    checkpoint = trained / "publish" / "checkpoint.npz"
    assert after[checkpoint] == before[checkpoint]
    assert _record(trained, "publish") == publish
    assert {path for path in before if after[path][1] != before[path][1]} == set()


def test_a_process_of_its_own_trains_the_other_folds_as_long_as_was_best_for_the_first(
    shards: str, tmp_path: Path
) -> None:
    finished = FoldRecord(fold="validation", best_epoch=1, epochs=(), ranks=())
    files.write_bytes(f"{tmp_path}/validation/{TRAINING_RECORD}", finished.model_dump_json().encode())
    # Without what it gave a fold is not finished, whatever its record says.
    files.write_arrays(f"{tmp_path}/validation/{ARRAYS}", {"items": np.zeros((1, 1), np.float32)})
    lines: list[str] = []

    launch(LOCAL, TRAIN, _plan(shards, tmp_path), lines.append)

    manifest = Manifest.read(shards)
    data = manifest.datasets["publish/train"]
    (rank,) = _record(tmp_path, "publish").ranks
    assert (rank.rank, rank.rows, rank.steps, rank.epochs) == (0, data.rows, data.steps(1, 32), 1)
    _check_vectors(tmp_path, "publish", manifest, ranks=1)
    # The file is JSON that people and other tools read.
    assert json.loads((tmp_path / "publish" / TRAINING_RECORD).read_text())["fold"] == "publish"
    assert [line.partition("  ")[0] for line in lines] == ["publish: epoch 1/1"]
    assert _record(tmp_path, "validation") == finished


@pytest.mark.parametrize(("model", "size"), [("matrix_factorisation", 9), ("self_attention", 8), ("gru", 8)])
def test_each_model_is_trained_by_the_one_loop(shards: str, tmp_path: Path, model: str, size: int) -> None:
    launch(LOCAL, TRAIN, _plan(shards, tmp_path, model), print)

    manifest = Manifest.read(shards)
    for fold in FOLDS:
        (rank,) = _record(tmp_path, fold).ranks
        name = "train" if model == "matrix_factorisation" else "windows"
        assert rank.rows == manifest.datasets[f"{fold}/{name}"].rows
        first, *_, last = _record(tmp_path, fold).epochs if fold == "validation" else (None, None)
        assert first is None or first.loss > last.loss
        _check_vectors(tmp_path, fold, manifest, 1, size)


def test_one_rank_and_two_come_to_the_same_loss(shards: str, tmp_path: Path) -> None:
    """Of the same windows a step: half as many on each of two ranks."""
    outputs = {1: tmp_path / "one", 2: tmp_path / "two"}
    options = {"dropout": 0.0, "epochs": 6, "patience": 6}
    for ranks, output in outputs.items():
        # Which grows with the square root of the ranks.
        rate = 0.02 / ranks**0.5
        plan = _plan(shards, output, "self_attention", batch_size=48 // ranks, learning_rate=rate, **options)
        if ranks == 1:
            launch(LOCAL, TRAIN, plan, print)
        else:
            _launch_watched(TrainingSettings(ranks=ranks, launcher="horovodrun"), plan)

    one, two = ([epoch.loss for epoch in _record(output, "validation").epochs] for output in outputs.values())
    assert one[0] - one[-1] > 0.5
    # The windows come in another order.
    assert two == pytest.approx(one, abs=0.15)


# The thread in which Horovod runs the Spark job tells of the rank's end, too.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.parametrize("launcher", ["spark", "horovodrun"])
def test_a_killed_rank_ends_the_job_with_its_name_and_the_next_run_goes_on(
    spark: SparkSession, shards: str, trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, launcher: str
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent.parent / "plugins"), prepend=os.pathsep)
    settings, plan = TrainingSettings(ranks=2, launcher=launcher), _plan(shards, tmp_path)

    with pytest.raises(DataError, match=r"rank 1 was the first to end, with exit status (-9|137) \(SIGKILL\)"):
        launch(settings, "dying_rank:train_rank", plan, print)

    assert (tmp_path / "validation" / "checkpoint.npz").exists()
    assert not (tmp_path / "validation" / TRAINING_RECORD).exists()
    launch(settings, TRAIN, plan, print)
    for fold in FOLDS:
        assert _record(tmp_path, fold).ranks == _record(trained, fold).ranks


def test_a_model_goes_on_from_an_earlier_one_with_more_items(shards: str, tmp_path: Path) -> None:
    launch(LOCAL, TRAIN, _plan(shards, tmp_path / "earlier"), print)
    plan = TrainingPlan.model_validate_json(files.read_bytes(_plan(shards, tmp_path / "warm")))
    warm = plan.model_copy(update={"warm_start": str(tmp_path / "earlier")})
    files.write_bytes(f"{tmp_path}/warm/plan.json", warm.model_dump_json().encode())

    launch(LOCAL, TRAIN, f"{tmp_path}/warm/plan.json", print)

    cold, going_on = (_record(tmp_path / name, "validation").epochs[0].loss for name in ("earlier", "warm"))
    assert going_on < 0.9 * cold


def test_a_rank_that_fails_is_reported_in_a_line_and_noted_with_its_last_ones() -> None:
    lines: list[str] = []

    with pytest.raises(DataError) as error:
        launch(LOCAL, "subprocess:getoutput:", "echo", lines.append)

    assert str(error.value) == (
        "training stopped (local, 1 ranks): exit status 1: "
        "AttributeError: module 'subprocess' has no attribute 'getoutput:'. Did you mean: 'getoutput'?"
    )
    assert error.value.__notes__[0].startswith("Traceback (most recent call last):\n")
    assert lines == []


def test_progress_is_told_from_what_else_the_ranks_print() -> None:
    lines: list[str] = []
    output = RankOutput(lines.append)

    for text in (f"{PROGRESS}epoch", " 1\nwarning: x\n\n", f"[1]<stdout>:{PROGRESS}epoch 2\n[0]<stderr>:bad", "\nrest"):
        output.write(text)
        output.flush()

    assert lines == ["epoch 1", "epoch 2"]
    assert list(output.last) == ["warning: x", "[0]<stderr>:bad"]
    for number in range(1000):
        output.write(f"{number}\n")
    assert len(output.last) < 100
    assert output.last[-1] == "999"
