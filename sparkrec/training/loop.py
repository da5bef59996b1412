"""The one fit loop."""

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

import keras
import tensorflow as tf

from sparkrec.config.settings import TrainingSettings
from sparkrec.errors import DataError
from sparkrec.shards.manifest import Dataset
from sparkrec.shards.read import epoch_batches, file_at
from sparkrec.training import checkpoint
from sparkrec.training.distributed import Ranks
from sparkrec.training.gradients import averaged, compacted
from sparkrec.training.plan import EpochRecord, FoldRecord, RankRecord

Batch = Mapping[str, Any]

_TOLD_EVERY_SECONDS = 30


class Trainable(Protocol):
    """What the loop asks of a model: a Keras model that knows the loss of a batch."""

    trainable_variables: list[keras.Variable]
    variables: list[keras.Variable]

    def loss_of(self, batch: Batch, training: bool = False) -> Any:
        """Mean loss of a batch, a scalar tensor."""

    def evaluate_batch(self, batch: Batch) -> tuple[Any, Any]:
        """Mean loss of a batch, and how well it is ranked (more is better): two scalar tensors."""

    def get_weights(self) -> list[Any]:
        """All weights as arrays."""

    def set_weights(self, weights: list[Any]) -> None:
        """Set all weights."""


@dataclass(frozen=True)
class FitOptions:
    """How a model is fitted.

    Attributes:
        batch_size: Samples a rank and batch.
        epochs: At most this many.
        patience: Epochs without a better ranking of the held-out samples before the training stops.
        seed: Seed of the order of the samples.
        training: What all models share: checkpoints, accumulation, compression.
        name: The model's section of settings, for messages.
    """

    batch_size: int
    epochs: int
    patience: int
    seed: int
    training: TrainingSettings
    name: str


def fit(
    model: Trainable,
    optimizer: keras.optimizers.Optimizer,
    ranks: Ranks,
    root: str,
    train: Dataset,
    held_out: Dataset | None,
    fold: str,
    folder: str,
    options: FitOptions,
    say: Callable[[str], None],
) -> FoldRecord:
    """Train a model on the shards of one fold.

    All ranks make the same number of steps, agreed from the manifest. Where there are held-out
    samples, training stops after ``patience`` epochs without a better ranking of them and the best
    weights are put back; otherwise it makes all epochs. Rank 0 writes a checkpoint after each epoch and
    after every ``checkpoint_steps`` steps of one, and a run that finds one goes on behind it.

    Args:
        model: Built, so that its variables exist.
        optimizer: Any Keras optimizer that takes sparse gradients.
        ranks: This process among the ranks.
        root: Folder of all shards.
        train: Training samples.
        held_out: Samples to choose the number of epochs on, if any.
        fold: Name of the fold.
        folder: Where the fold's checkpoint lies.
        options: See `FitOptions`.
        say: Takes lines of progress.

    Raises:
        DataError: There are fewer samples than one batch a rank, or the loss is no number, or the
            ranks' weights differ.
    """
    mine = train.of_rank(ranks.rank, ranks.size)
    rows = sum(file.rows for file in mine)
    accumulation, checkpoint_steps = options.training.accumulation, options.training.checkpoint_steps
    batch_size = _fitting(options.batch_size, train, ranks.size)
    # What a rank reads a step: the batches whose gradients are added up.
    step_size = _fitting(batch_size * accumulation, train, ranks.size)
    steps = train.steps(ranks.size, step_size)
    optimizer.build(model.trainable_variables)
    variables = [*model.variables, *optimizer.variables]
    uri = f"{folder}/checkpoint.npz"
    progress = checkpoint.load(uri, variables)
    ranks.same_start(variables)
    train_step = make_train_step(model, optimizer, ranks, accumulation, options.training.compression == "fp16")
    evaluate = tf.function(model.evaluate_batch, reduce_retracing=True)
    epochs, patience = options.epochs, options.patience

    while len(progress.epochs) < epochs and not _out_of_patience(progress, held_out, patience):
        epoch = len(progress.epochs) + 1
        clock = _Clock(ranks, f"{fold}: epoch {epoch}/{epochs}", steps - progress.step, step_size * ranks.size, say)
        losses = _Losses(ranks, progress, partial(_place, options, train, ranks, epoch, step_size), fold, epoch)
        order = options.seed + epoch
        with epoch_batches(root, train, ranks.rank, ranks.size, step_size, order, first_step=progress.step) as batches:
            for step, batch in enumerate(batches.take(steps - progress.step), progress.step + 1):
                losses.add(train_step(batch))
                clock.tick(losses)
                if step % checkpoint_steps == 0 and step < steps:
                    progress.loss_sum, progress.step = losses.mean(), step
                    if ranks.rank == 0:
                        checkpoint.save(uri, variables, progress)
        loss = losses.mean() / steps
        progress.step, progress.loss_sum = 0, 0.0
        speed, seconds = clock.speed()
        validation_loss, ndcg = _on_held_out(evaluate, ranks, root, held_out, batch_size) if held_out else (None, None)
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
            say(f"{fold}: epoch {epoch}/{epochs}  loss {loss:.4f}{shown}  {speed:,.0f} samples/s  {ranks.size} ranks")
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
        raise DataError(f"the ranks' weights of {fold} differ: {[other.checksum for other in records]}")
    return FoldRecord(fold=fold, best_epoch=progress.best_epoch, epochs=tuple(progress.epochs), ranks=records)


class _Clock:
    """Tells how an epoch goes, every now and then."""

    def __init__(self, ranks: Ranks, label: str, steps: int, samples: int, say: Callable[[str], None]) -> None:
        self._ranks, self._label, self._left, self._samples, self._say = ranks, label, steps, samples, say
        self._steps = 0
        self._started = self._told = time.monotonic()

    def tick(self, losses: "_Losses") -> None:
        """A step was made."""
        self._steps += 1
        now = time.monotonic()
        if self._ranks.rank == 0 and now - self._told >= _TOLD_EVERY_SECONDS:
            self._told = now
            left = (now - self._started) / self._steps * (self._left - self._steps)
            done = f"step {self._steps:,} of {self._left:,}  loss {losses.latest():.4f}"
            self._say(f"{self._label}  {done}  {self.speed()[0]:,.0f} samples/s  {left:,.0f} s left")

    def speed(self) -> tuple[float, float]:
        """Samples a second of all ranks, and seconds, since the epoch began."""
        seconds = time.monotonic() - self._started
        return self._steps * self._samples / seconds, seconds


class _Losses:
    """The losses of an epoch's steps, added up without making a step wait for the one before it."""

    def __init__(
        self, ranks: Ranks, progress: checkpoint.Progress, place: Callable[[int], str], fold: str, epoch: int
    ) -> None:
        self._ranks, self._place, self._fold, self._epoch = ranks, place, fold, epoch
        self._step, self._sum = progress.step, progress.loss_sum
        self._found: list[tf.Tensor] = []
        self._bad: int | None = None

    def add(self, loss: tf.Tensor) -> None:
        """Take the loss of the next step."""
        self._found.append(loss)

    def latest(self) -> float:
        """The loss of the latest step on this rank."""
        return float(self._found[-1])

    def mean(self) -> float:
        """Sum of the losses so far, the mean over the ranks.

        Raises:
            DataError: A loss is no number; on all ranks, with the first step and shard where it was so.
        """
        for loss in map(float, self._found):
            self._step += 1
            self._sum += loss
            if self._bad is None and not math.isfinite(loss):
                self._bad = self._step
        self._found = []
        mean = self._ranks.mean(self._sum, 1.0)
        if not math.isfinite(mean):
            told = self._ranks.gather(None if self._bad is None else (self._bad, self._place(self._bad)))
            raise DataError(
                f"the loss of {self._fold} is no number in epoch {self._epoch}: {min(filter(None, told))[1]}"
            )
        return mean


def _place(options: FitOptions, train: Dataset, ranks: Ranks, epoch: int, step_size: int, step: int) -> str:
    """Where a rank was at a step of an epoch, and what may help."""
    shard = file_at(train, ranks.rank, ranks.size, options.seed + epoch, (step - 1) * step_size)
    return f"step {step:,} of rank {ranks.rank}, shard {shard}: lower {options.name}.learning_rate, or look at the rows"


def _fitting(batch_size: int, train: Dataset, ranks: int) -> int:
    """The batch size, smaller where a rank has fewer samples than one batch."""
    if not train.feeds(ranks):
        held = f"{train.rows} samples in {len(train.files)} files"
        raise DataError(f"{train.folder}: {held} do not feed {ranks} ranks: set training.ranks lower")
    return min(batch_size, train.fewest(ranks))


def _out_of_patience(progress: checkpoint.Progress, held_out: Dataset | None, patience: int) -> bool:
    return held_out is not None and len(progress.epochs) - progress.best_epoch >= patience and bool(progress.epochs)


def make_train_step(
    model: Trainable,
    optimizer: keras.optimizers.Optimizer,
    ranks: Ranks,
    accumulation: int = 1,
    compress: bool = False,
) -> Callable[[Batch], tf.Tensor]:
    """A compiled step: it takes a batch, gives its loss, and moves the weights by all ranks' mean gradient.

    Args:
        model: What to train.
        optimizer: Built.
        ranks: This process among the ranks.
        accumulation: Parts that the batch is cut into; their gradients are averaged before the ranks exchange them.
        compress: Whether dense gradients travel in half precision.
    """
    moved = model.trainable_variables

    def gradients_of(batch: Batch) -> tuple[tf.Tensor, list[Any]]:
        with tf.GradientTape() as tape:
            loss = model.loss_of(batch, training=True)
        return loss, tape.gradient(loss, [variable.value for variable in moved])

    @tf.function(reduce_retracing=True)
    def train_step(batch: Batch) -> tf.Tensor:
        parts = [gradients_of(part) for part in _cut(batch, accumulation)]
        mean = ranks.mean_gradients(compacted(averaged([found for _, found in parts]), moved), compress)
        # What several ranks touched is named by each of them.
        optimizer.apply(compacted(mean, moved) if ranks.size > 1 else mean, moved)
        return tf.add_n([loss for loss, _ in parts]) / accumulation

    return train_step


def _cut(batch: Batch, parts: int) -> list[Batch]:
    if parts == 1:
        return [batch]
    size = tf.shape(next(iter(batch.values())))[0] // parts
    return [{name: column[part * size : (part + 1) * size] for name, column in batch.items()} for part in range(parts)]


def _on_held_out(
    evaluate: Callable[[Batch], tuple[tf.Tensor, tf.Tensor]],
    ranks: Ranks,
    root: str,
    held_out: Dataset,
    batch_size: int,
) -> tuple[float, float]:
    """Mean loss and ranking of full batches over all ranks; ranks may have different numbers of them."""
    loss, ranking, batches_read = 0.0, 0.0, 0
    with epoch_batches(root, held_out, ranks.rank, ranks.size, batch_size) as batches:
        for batch in batches:
            of_batch = evaluate(batch)
            loss, ranking = loss + float(of_batch[0]), ranking + float(of_batch[1])
            batches_read += 1
    share = 1 / max(batches_read, 1)
    return ranks.mean(loss * share, float(batches_read)), ranks.mean(ranking * share, float(batches_read))
