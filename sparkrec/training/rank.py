"""What one rank does: fit a retrieval model at each fold and write its vectors."""

from collections.abc import Iterator

import keras
import numpy as np
import pyarrow as pa
import tensorflow as tf

from sparkrec.config.settings import DeepSettings
from sparkrec.lake import files
from sparkrec.lake.files import Arrays
from sparkrec.lake.model_tables import ARRAYS, USERS, user_vectors
from sparkrec.models.retriever import Retriever
from sparkrec.models.retrievers import RETRIEVERS, Sizes
from sparkrec.shards.manifest import Dataset, Manifest
from sparkrec.shards.read import epoch_batches
from sparkrec.training import checkpoint
from sparkrec.training.distributed import Ranks
from sparkrec.training.lazy_adam import LazyAdam
from sparkrec.training.loop import FitOptions, fit
from sparkrec.training.plan import FoldRecord, TrainingPlan


def train_rank(plan_uri: str) -> None:
    """Train every fold of the plan that is not finished; all ranks call this with the same plan.

    Args:
        plan_uri: Where the `TrainingPlan` lies as JSON.
    """
    plan = TrainingPlan.model_validate_json(files.read_bytes(plan_uri))
    manifest = Manifest.read(plan.shards)
    config = RETRIEVERS[plan.model].settings.model_validate(plan.config)
    ranks = start_rank(plan)
    epochs = config.epochs
    for fold in plan.folds:
        folder = f"{plan.output}/{fold}"
        finished = ranks.decide(FoldRecord.find(folder) if ranks.rank == 0 else None)
        record = finished or _train_fold(plan, config, manifest, ranks, fold, folder, epochs)
        # The first fold has held-out samples and chooses the number of epochs for the others.
        epochs = max(record.best_epoch, 1)
    ranks.stop()


def start_rank(plan: TrainingPlan) -> Ranks:
    """Join the other ranks; what they compute is the same each time."""
    tf.config.experimental.enable_op_determinism()
    keras.mixed_precision.set_global_policy("mixed_bfloat16" if plan.training.mixed_precision else "float32")
    return Ranks()


def make_optimizer(config: DeepSettings, plan: TrainingPlan, ranks: Ranks) -> keras.optimizers.Optimizer:
    """The optimizer of a model.

    Ranks add up to a larger batch, whose gradient is less noisy: the step grows with its square root, once warm.
    """
    rate: float | keras.optimizers.schedules.LearningRateSchedule = config.learning_rate * ranks.size**0.5
    warm_up = plan.training.warm_up_steps
    if warm_up:
        rate = keras.optimizers.schedules.CosineDecay(0.0, 1, alpha=1.0, warmup_target=rate, warmup_steps=warm_up)
    return LazyAdam(rate)


def options_of(config: DeepSettings, plan: TrainingPlan, epochs: int) -> FitOptions:
    """How the plan's model is fitted."""
    return FitOptions(config.batch_size, epochs, config.patience, plan.seed, plan.training, plan.model)


def _train_fold(
    plan: TrainingPlan, config: DeepSettings, manifest: Manifest, ranks: Ranks, fold: str, folder: str, epochs: int
) -> FoldRecord:
    keras.backend.clear_session()
    keras.utils.set_random_seed(plan.seed)
    model = RETRIEVERS[plan.model].build(config, Sizes(manifest.users, manifest.items, manifest.words))
    _build(model, manifest)
    if plan.warm_start:
        checkpoint.warm_start(f"{plan.warm_start}/{fold}/checkpoint.npz", model.variables)
    held_out = manifest.datasets.get(f"{fold}/held_out")
    record = fit(
        model,
        make_optimizer(config, plan, ranks),
        ranks,
        plan.shards,
        manifest.datasets[f"{fold}/{config.trained_on}"],
        held_out if held_out and held_out.rows >= config.batch_size * ranks.size else None,
        fold,
        folder,
        options_of(config, plan, epochs),
        ranks.say,
    )
    users = _encode_users(model, plan.shards, manifest.datasets[f"{fold}/users"], ranks)
    files.write_table(f"{folder}/{USERS}/part-{ranks.rank}.parquet", users)
    # Every rank has written before rank 0 says that the fold is finished.
    ranks.gather("written")
    if ranks.rank == 0:
        files.write_arrays(f"{folder}/{ARRAYS}", _encode_items(model, plan.shards, manifest))
        record.write(folder)
    return record


def _build(model: Retriever, manifest: Manifest) -> None:
    """Make the variables by a first call on padding."""
    model(
        {
            "user_index": np.zeros(2, "int32"),
            "history": np.zeros((2, manifest.history_length), "int32"),
            "item_index": np.zeros(2, "int32"),
            "item_words": np.zeros((2, manifest.title_words), "int32"),
        }
    )


def _encode_users(model: Retriever, root: str, users: Dataset, ranks: Ranks) -> Iterator[pa.Table]:
    """Vectors of this rank's users, some at a time: ``user_index`` (int) and ``vector`` (floats)."""
    encode = tf.function(model.user_vectors, reduce_retracing=True)
    yield user_vectors(np.zeros(0, "int32"), np.zeros((0, model.vector_size), "float32"))
    with epoch_batches(root, users, ranks.rank, ranks.size, 4096, drop_remainder=False) as batches:
        for batch in batches:
            yield user_vectors(batch["user_index"].numpy(), encode(batch).numpy().astype("float32"))


def _encode_items(model: Retriever, root: str, manifest: Manifest) -> Arrays:
    """Vectors of all items by index, (items, vector_size)."""
    vectors = np.zeros((manifest.items, model.vector_size), "float32")
    encode = tf.function(model.item_vectors, reduce_retracing=True)
    with epoch_batches(root, manifest.datasets["items"], 0, 1, 4096, drop_remainder=False) as batches:
        for batch in batches:
            vectors[batch["item_index"].numpy()] = encode(batch).numpy()
    return {"items": vectors}
