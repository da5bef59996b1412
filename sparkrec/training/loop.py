"""The one fit loop."""

import math
import time
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import keras
import tensorflow as tf

from sparkrec.errors import DataError
from sparkrec.shards.manifest import Dataset
from sparkrec.shards.read import epoch_batches
from sparkrec.training import checkpoint
from sparkrec.training.distributed import Ranks
from sparkrec.training.plan import CutRecord, EpochRecord, RankRecord

Batch = Mapping[str, Any]


class Trainable(Protocol):
    """What the loop asks of a model: a Keras model that knows the loss of a batch."""

    trainable_variables: list[keras.Variable]
    variables: list[keras.Variable]

    def loss_of(self, batch: Batch, training: bool = False) -> Any:
        """Mean loss of a batch, a scalar tensor."""

    def judge(self, batch: Batch) -> tuple[Any, Any]:
        """Mean loss of a batch, and how well it is ranked (more is better): two scalar tensors."""

    def get_weights(self) -> list[Any]:
        """All weights as arrays."""

    def set_weights(self, weights: list[Any]) -> None:
        """Set all weights."""


def fit(
    model: Trainable,
    optimizer: keras.optimizers.Optimizer,
    ranks: Ranks,
    root: str,
    train: Dataset,
    held_out: Dataset | None,
    cut: str,
    folder: str,
    batch_size: int,
    epochs: int,
    patience: int,
    seed: int,
    checkpoint_steps: int,
    say: Callable[[str], None],
) -> CutRecord:
    """Train a model on the shards of one cut.

    All ranks make the same number of steps, agreed from the manifest. Where there are held-out
    samples, training stops after ``patience`` epochs without a better ranking of them and the best
    weights are put back; otherwise it makes all epochs. Rank 0 writes a checkpoint after each epoch and
    after every ``checkpoint_steps`` steps of one, and a run that finds one goes on behind it.

    Args:
        model: Built, so that its variables exist.
        optimizer: Any Keras optimizer.
        ranks: This process among the ranks.
        root: Folder of all shards.
        train: Training samples.
        held_out: Samples to choose the number of epochs on, if any.
        cut: Name of the cut.
        folder: Where the cut's checkpoint lies.
        batch_size: Samples a rank and step.
        epochs: At most this many.
        patience: See above.
        seed: Seed of the order of the samples.
        checkpoint_steps: See above.
        say: Takes lines of progress.

    Raises:
        DataError: There are fewer samples than one batch a rank, or the loss is no number, or the
            ranks' weights differ.
    """
    mine = train.of_rank(ranks.rank, ranks.size)
    rows = sum(file.rows for file in mine)
    batch_size = _fitting(batch_size, train, ranks.size)
    steps = train.steps(ranks.size, batch_size)
    optimizer.build(model.trainable_variables)
    variables = [*model.variables, *optimizer.variables]
    uri = f"{folder}/checkpoint.npz"
    progress = checkpoint.load(uri, variables)
    ranks.same_start(variables)
    train_step = make_train_step(model, optimizer, ranks)
    judge = tf.function(model.judge, reduce_retracing=True)

    while len(progress.epochs) < epochs and not _out_of_patience(progress, held_out, patience):
        epoch = len(progress.epochs) + 1
        started = time.monotonic()
        done, total = progress.step, tf.constant(progress.loss_sum)
        with epoch_batches(root, train, ranks.rank, ranks.size, batch_size, seed + epoch, first_step=done) as batches:
            for step, batch in enumerate(batches.take(steps - done), done + 1):
                total += train_step(batch)
                if step % checkpoint_steps == 0 and step < steps:
                    progress.step, progress.loss_sum = step, _mean_loss(ranks, total, cut, epoch)
                    if ranks.rank == 0:
                        checkpoint.save(uri, variables, progress)
        loss = _mean_loss(ranks, total, cut, epoch) / steps
        progress.step, progress.loss_sum = 0, 0.0
        seconds = time.monotonic() - started
        validation_loss, ndcg = _on_held_out(judge, ranks, root, held_out, batch_size) if held_out else (None, None)
        speed = (steps - done) * batch_size * ranks.size / seconds
        progress.epochs.append(
            EpochRecord(
                epoch=epoch,
                loss=loss,
                validation_loss=validation_loss,
                validation_ndcg=ndcg,
                samples_per_second=speed,
                seconds=seconds,
            )
        )
        if ndcg is None or ndcg > progress.best_ndcg:
            progress.best_epoch = epoch
            if ndcg is not None:
                progress.best_ndcg, progress.best_weights = ndcg, model.get_weights()
        if ranks.rank == 0:
            checkpoint.save(uri, variables, progress)
            shown = "" if ndcg is None else f"  held-out {validation_loss:.4f}, ndcg {ndcg:.4f}"
            say(f"{cut}: epoch {epoch}/{epochs}  loss {loss:.4f}{shown}  {speed:,.0f} samples/s  {ranks.size} ranks")
    if progress.best_weights:
        model.set_weights(progress.best_weights)

    record = RankRecord(
        rank=ranks.rank,
        rows=rows,
        steps=steps,
        epochs=len(progress.epochs),
        checksum=checkpoint.checksum(model.variables),
    )
    records = tuple(ranks.gather(record))
    if len({other.checksum for other in records}) > 1:
        raise DataError(f"the ranks' weights of {cut} differ: {[other.checksum for other in records]}")
    return CutRecord(cut=cut, best_epoch=progress.best_epoch, epochs=tuple(progress.epochs), ranks=records)


def _fitting(batch_size: int, train: Dataset, ranks: int) -> int:
    """The batch size, smaller where a rank has fewer samples than one batch."""
    fewest = min(sum(file.rows for file in train.of_rank(rank, ranks)) for rank in range(ranks))
    if fewest < 2:
        held = f"{train.rows} samples in {len(train.files)} files"
        raise DataError(f"{train.folder}: {held} do not feed {ranks} ranks: set training.ranks lower")
    return min(batch_size, fewest)


def _mean_loss(ranks: Ranks, total: tf.Tensor, cut: str, epoch: int) -> float:
    """Sum of an epoch's losses so far, the mean over the ranks."""
    mean = ranks.mean(float(total), 1.0)
    if not math.isfinite(mean):
        raise DataError(f"the loss of {cut} is no number in epoch {epoch}: lower two_tower.learning_rate")
    return mean


def _out_of_patience(progress: checkpoint.Progress, held_out: Dataset | None, patience: int) -> bool:
    return held_out is not None and len(progress.epochs) - progress.best_epoch >= patience and bool(progress.epochs)


def make_train_step(
    model: Trainable, optimizer: keras.optimizers.Optimizer, ranks: Ranks
) -> Callable[[Batch], tf.Tensor]:
    """A compiled step: it takes a batch, gives its loss, and moves the weights by all ranks' mean gradient."""

    @tf.function(reduce_retracing=True)
    def train_step(batch: Batch) -> tf.Tensor:
        with tf.GradientTape() as tape:
            loss = model.loss_of(batch, training=True)
        gradients = ranks.average_gradients(tape).gradient(
            loss, [variable.value for variable in model.trainable_variables]
        )
        optimizer.apply(gradients, model.trainable_variables)
        return loss

    return train_step


def _on_held_out(
    judge: Callable[[Batch], tuple[tf.Tensor, tf.Tensor]], ranks: Ranks, root: str, held_out: Dataset, batch_size: int
) -> tuple[float, float]:
    """Mean loss and ranking of full batches over all ranks; ranks may have different numbers of them."""
    loss, ranking, batches_read = 0.0, 0.0, 0
    with epoch_batches(root, held_out, ranks.rank, ranks.size, batch_size) as batches:
        for batch in batches:
            of_batch = judge(batch)
            loss, ranking = loss + float(of_batch[0]), ranking + float(of_batch[1])
            batches_read += 1
    share = 1 / max(batches_read, 1)
    return ranks.mean(loss * share, float(batches_read)), ranks.mean(ranking * share, float(batches_read))
