from pathlib import Path
from typing import Any

import keras
import pytest

from sparkrec.config.settings import TrainingSettings, TwoTowerSettings
from sparkrec.errors import DataError
from sparkrec.models.two_tower import TwoTower
from sparkrec.shards.manifest import Manifest
from sparkrec.shards.read import epoch_batches
from sparkrec.training import checkpoint
from sparkrec.training.lazy_adam import LazyAdam
from sparkrec.training.loop import FitOptions, fit
from sparkrec.training.plan import FoldRecord

NO_NUMBER = (
    r"the loss of validation is no number in epoch 1: step 2 of rank 0, shard validation/train/part-\S+\.parquet: "
    r"lower two_tower\.learning_rate, or look at the rows"
)
CONFIG = TwoTowerSettings(embedding_size=8, hidden_size=16, dropout=0.2)


class OneRank:
    """A job of one rank that talks to nobody."""

    rank, size = 0, 1

    def mean_gradients(self, gradients: list[Any], compress: bool = False) -> list[Any]:
        return gradients

    def same_start(self, variables: list[keras.Variable]) -> None:
        pass

    def mean(self, value: float, weight: float) -> float:
        return value if weight else float("nan")

    def gather(self, record: Any) -> list[Any]:
        return [record]


def _options(epochs: int, patience: int = 9, batch_size: int = 32, **training: int) -> FitOptions:
    return FitOptions(batch_size, epochs, patience, 4, TrainingSettings(**training), "two_tower")


def _fit(
    root: str,
    folder: Path,
    epochs: int,
    held_out: bool = False,
    patience: int = 9,
    batch_size: int = 32,
    learning_rate: float = 0.01,
    train: str = "validation/train",
    checkpoint_steps: int = 1000,
    accumulation: int = 1,
    lines: list[str] | None = None,
) -> tuple[TwoTower, FoldRecord]:
    manifest = Manifest.read(root)
    keras.utils.set_random_seed(4)
    model = TwoTower(CONFIG, manifest.users, manifest.items, manifest.words)
    with epoch_batches(root, manifest.datasets["validation/train"], 0, 1, 32) as batches:
        model(next(iter(batches)))
    record = fit(
        model,
        LazyAdam(learning_rate),
        OneRank(),
        root,
        manifest.datasets[train],
        manifest.datasets["validation/held_out"] if held_out else None,
        "validation",
        str(folder),
        _options(epochs, patience, batch_size, checkpoint_steps=checkpoint_steps, accumulation=accumulation),
        (lines if lines is not None else []).append,
    )
    return model, record


def test_training_lowers_the_loss_and_says_so_of_every_epoch(shards: str, tmp_path: Path) -> None:
    lines: list[str] = []

    model, record = _fit(shards, tmp_path, epochs=3, lines=lines)

    losses = [epoch.loss for epoch in record.epochs]
    assert losses == sorted(losses, reverse=True)
    assert [line.split("  ")[0] for line in lines] == [f"validation: epoch {epoch}/3" for epoch in (1, 2, 3)]
    (rank,) = record.ranks
    # 210 samples are 6 batches of 32 and a remainder.
    assert (rank.rows, rank.steps, rank.epochs) == (210, 6, 3)
    assert rank.checksum == checkpoint.checksum(model.variables)


def test_a_run_that_was_stopped_goes_on_to_the_same_weights(shards: str, tmp_path: Path) -> None:
    _, whole = _fit(shards, tmp_path / "whole", epochs=3, held_out=True)

    _, first = _fit(shards, tmp_path / "stopped", epochs=1, held_out=True)
    lines: list[str] = []
    _, resumed = _fit(shards, tmp_path / "stopped", epochs=3, held_out=True, lines=lines)

    assert len(lines) == 2
    assert first.ranks[0].checksum != whole.ranks[0].checksum
    assert resumed.ranks == whole.ranks
    assert resumed.best_epoch == whole.best_epoch
    for one, other in zip(resumed.epochs, whole.epochs, strict=True):
        assert (one.loss, one.validation_ndcg) == (other.loss, other.validation_ndcg)


class _Killed(Exception):
    pass


@pytest.mark.parametrize("epoch", [1, 2])
@pytest.mark.parametrize("step", [2, 4])
def test_a_run_that_was_killed_within_an_epoch_goes_on_from_its_last_step(
    shards: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, epoch: int, step: int
) -> None:
    _, whole = _fit(shards, tmp_path / "whole", epochs=2, held_out=True)
    save = checkpoint.save

    def save_and_die(uri: str, variables: list[keras.Variable], progress: checkpoint.Progress) -> None:
        save(uri, variables, progress)
        if (len(progress.epochs) + 1, progress.step) == (epoch, step):
            raise _Killed

    with monkeypatch.context() as patch, pytest.raises(_Killed):
        patch.setattr(checkpoint, "save", save_and_die)
        _fit(shards, tmp_path / "killed", epochs=2, held_out=True, checkpoint_steps=2)
    lines: list[str] = []
    _, resumed = _fit(shards, tmp_path / "killed", epochs=2, held_out=True, lines=lines)

    assert len(lines) == 3 - epoch
    assert resumed.ranks == whole.ranks
    for one, other in zip(resumed.epochs, whole.epochs, strict=True):
        assert (one.loss, one.validation_loss, one.validation_ndcg) == (
            other.loss,
            other.validation_loss,
            other.validation_ndcg,
        )


def test_no_checkpoint_holds_a_loss_that_is_no_number(shards: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=NO_NUMBER):
        _fit(shards, tmp_path, epochs=1, learning_rate=float("inf"), checkpoint_steps=2)
    assert not (tmp_path / "checkpoint.npz").exists()


def test_without_held_out_samples_all_epochs_are_made_and_the_last_is_kept(shards: str, tmp_path: Path) -> None:
    _, record = _fit(shards, tmp_path, epochs=2, patience=1)

    assert record.best_epoch == 2
    assert [epoch.validation_ndcg for epoch in record.epochs] == [None, None]


def test_training_stops_out_of_patience_and_puts_the_best_weights_back(shards: str, tmp_path: Path) -> None:
    model, record = _fit(shards, tmp_path, epochs=60, held_out=True, patience=2, learning_rate=0.3)

    rankings = [epoch.validation_ndcg for epoch in record.epochs]
    best = max(rankings)
    assert record.best_epoch == rankings.index(best) + 1
    assert len(rankings) == record.best_epoch + 2 < 60
    manifest = Manifest.read(shards)
    with epoch_batches(shards, manifest.datasets["validation/held_out"], 0, 1, 32) as batches:
        again = [float(model.evaluate_batch(batch)[1]) for batch in batches]
    assert sum(again) / len(again) == pytest.approx(best, abs=1e-5)


def test_a_batch_shrinks_to_what_a_rank_has(shards: str, tmp_path: Path) -> None:
    _, record = _fit(shards, tmp_path, epochs=1, batch_size=1024)

    assert record.ranks[0].steps == 1


def test_too_few_samples_for_the_ranks_are_refused(shards: str, tmp_path: Path) -> None:
    manifest = Manifest.read(shards)
    train = manifest.datasets["items"]
    one = train.model_copy(update={"files": (train.files[0].model_copy(update={"rows": 1}),)})
    model = TwoTower(CONFIG, 2, 2, 2)

    refused = r"items: 1 samples in 1 files do not feed 1 ranks: set training\.ranks lower"
    with pytest.raises(DataError, match=refused):
        fit(model, LazyAdam(), OneRank(), shards, one, None, "x", str(tmp_path), _options(1), print)


def test_a_rank_without_files_is_refused(shards: str, tmp_path: Path) -> None:
    class OneOfNine(OneRank):
        size = 9

    train, model = Manifest.read(shards).datasets["validation/train"], TwoTower(CONFIG, 2, 2, 2)

    with pytest.raises(
        DataError, match=r"train: 210 samples in 4 files do not feed 9 ranks: set training\.ranks lower"
    ):
        fit(model, LazyAdam(), OneOfNine(), shards, train, None, "x", str(tmp_path), _options(1), print)


def test_a_loss_that_is_no_number_stops_the_training(shards: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=NO_NUMBER):
        _fit(shards, tmp_path, epochs=3, learning_rate=float("inf"))
    assert not (tmp_path / "checkpoint.npz").exists()
