from pathlib import Path

import keras
import numpy as np
import pytest

from sparkrec.training import checkpoint
from sparkrec.training.checkpoint import Progress
from sparkrec.training.plan import EpochRecord

INPUTS = np.arange(6, dtype="float32").reshape(3, 2)


def _trained(seed: int, steps: int) -> list[keras.Variable]:
    """Variables of a small model and of its optimizer after some steps."""
    keras.utils.set_random_seed(seed)
    model = keras.Sequential([keras.layers.Dense(3), keras.layers.Dropout(0.5), keras.layers.Dense(1)])
    model.build((None, 2))
    optimizer = keras.optimizers.Adam(0.01)
    optimizer.build(model.trainable_variables)
    for step in range(steps):
        optimizer.apply([np.full(variable.shape, step + 1, "float32") for variable in model.trainable_variables])
        model(INPUTS, training=True)
    return [*model.variables, *optimizer.variables]


def _values(variables: list[keras.Variable]) -> list[np.ndarray]:
    return [variable.numpy() for variable in variables]


def test_a_checkpoint_brings_back_weights_optimizer_random_state_and_progress(tmp_path: Path) -> None:
    uri = f"{tmp_path}/publish/checkpoint.npz"
    variables, others = _trained(seed=1, steps=3), _trained(seed=2, steps=1)
    epochs = [
        EpochRecord(
            epoch=1, loss=2.5, validation_loss=2.25, validation_ndcg=0.1 + 0.2, samples_per_second=10.5, seconds=1.5
        ),
        EpochRecord(
            epoch=2, loss=1 / 3, validation_loss=None, validation_ndcg=None, samples_per_second=10.0, seconds=1.0
        ),
    ]
    best = [np.ones((2, 3), "float32"), np.zeros(11, "float32"), *[np.full(1, place) for place in range(9)]]

    checkpoint.save(uri, variables, Progress(epochs, 1, 0.1, best, step=7, loss_sum=0.1 + 0.2))
    progress = checkpoint.load(uri, others)

    assert sum(variable.path.startswith("adam") for variable in variables) >= 10
    for loaded, saved in zip(_values(others), _values(variables), strict=True):
        assert loaded.dtype == saved.dtype
        np.testing.assert_array_equal(loaded, saved)
    assert checkpoint.checksum(others) == checkpoint.checksum(variables)
    assert (progress.epochs, progress.best_epoch, progress.best_ndcg) == (epochs, 1, 0.1)
    assert (progress.step, progress.loss_sum) == (7, 0.1 + 0.2)
    for loaded, saved in zip(progress.best_weights, best, strict=True):
        np.testing.assert_array_equal(loaded, saved)


def test_without_a_checkpoint_training_starts_at_the_beginning(tmp_path: Path) -> None:
    variables = _trained(seed=1, steps=1)
    before = checkpoint.checksum(variables)

    assert checkpoint.load(f"{tmp_path}/checkpoint.npz", variables) == Progress([], 0, float("-inf"), [])
    assert checkpoint.checksum(variables) == before


def test_the_best_ranking_before_the_first_epoch_survives_a_checkpoint(tmp_path: Path) -> None:
    variables = _trained(seed=1, steps=0)

    checkpoint.save(f"{tmp_path}/checkpoint.npz", variables, Progress())

    assert checkpoint.load(f"{tmp_path}/checkpoint.npz", variables) == Progress()


def test_the_checksum_changes_with_every_variable() -> None:
    variables = _trained(seed=1, steps=0)
    whole = checkpoint.checksum(variables)

    assert len(whole) == 16
    for variable in variables:
        before = variable.numpy()
        variable.assign(before + np.ones((), before.dtype))
        assert checkpoint.checksum(variables) != whole
        variable.assign(before)
    assert checkpoint.checksum(variables) == whole


def test_a_checkpoint_replaces_the_one_before_and_leaves_no_other_file(tmp_path: Path) -> None:
    uri = f"{tmp_path}/checkpoint.npz"
    first, second = _trained(seed=1, steps=1), _trained(seed=1, steps=2)

    checkpoint.save(uri, first, Progress(best_epoch=1))
    checkpoint.save(uri, second, Progress(best_epoch=2))

    assert checkpoint.load(uri, first).best_epoch == 2
    assert checkpoint.checksum(first) == checkpoint.checksum(second)
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint.npz"]


@pytest.mark.parametrize("name", ["loss", "validation_loss", "validation_ndcg"])
def test_figures_survive_to_the_last_digit(tmp_path: Path, name: str) -> None:
    record = {"loss": 1.0, "validation_loss": 1.0, "validation_ndcg": 1.0, name: 0.1 + 0.2}
    epoch = EpochRecord(epoch=1, samples_per_second=1, seconds=1, **record)
    variables = _trained(seed=1, steps=0)

    checkpoint.save(f"{tmp_path}/checkpoint.npz", variables, Progress([epoch]))

    assert checkpoint.load(f"{tmp_path}/checkpoint.npz", variables).epochs == [epoch]
