"""What one rank does: fit the two-tower model at each cut and write its vectors."""

import json

import keras
import numpy as np
import tensorflow as tf

from sparkrec.lake import files
from sparkrec.lake.files import Arrays
from sparkrec.models.two_tower import TwoTower
from sparkrec.shards.manifest import Dataset, Manifest
from sparkrec.shards.read import epoch_batches
from sparkrec.training.distributed import Ranks
from sparkrec.training.loop import fit
from sparkrec.training.plan import TRAINING_RECORD, CutRecord, TrainingPlan


def train_rank(plan_uri: str) -> None:
    """Train every cut of the plan that is not finished; all ranks call this with the same plan.

    Args:
        plan_uri: Where the `TrainingPlan` lies as JSON.
    """
    plan = TrainingPlan.model_validate_json(files.read_bytes(plan_uri))
    manifest = Manifest.read(plan.shards)
    tf.config.experimental.enable_op_determinism()
    ranks = Ranks()
    epochs = plan.config.epochs
    for cut in plan.cuts:
        folder = f"{plan.output}/{cut}"
        finished = ranks.decide(_finished(folder) if ranks.rank == 0 else None)
        record = finished or _train_cut(plan, manifest, ranks, cut, folder, epochs)
        # The first cut has held-out samples and chooses the number of epochs for the others.
        epochs = max(record.best_epoch, 1)
    ranks.stop()


def _train_cut(plan: TrainingPlan, manifest: Manifest, ranks: Ranks, cut: str, folder: str, epochs: int) -> CutRecord:
    keras.backend.clear_session()
    keras.utils.set_random_seed(plan.seed)
    model = TwoTower(plan.config, manifest.users, manifest.items, manifest.words)
    _build(model, manifest)
    # Ranks add up to a larger batch, whose gradient is less noisy: the step grows with its square root.
    optimizer = keras.optimizers.Adam(plan.config.learning_rate * ranks.size**0.5)
    held_out = manifest.datasets.get(f"{cut}/held_out")
    record = fit(
        model,
        optimizer,
        ranks,
        plan.shards,
        manifest.datasets[f"{cut}/train"],
        held_out if held_out and held_out.rows >= plan.config.batch_size * ranks.size else None,
        cut,
        folder,
        plan.config.batch_size,
        epochs,
        plan.config.patience,
        plan.seed,
        plan.checkpoint_steps,
        ranks.say,
    )
    users = _encode_users(model, plan.shards, manifest.datasets[f"{cut}/users"], ranks, manifest.users)
    files.write_arrays(f"{folder}/users-{ranks.rank}.npz", users)
    # Every rank has written before rank 0 says that the cut is finished.
    ranks.gather("written")
    if ranks.rank == 0:
        files.write_arrays(f"{folder}/items.npz", _encode_items(model, plan.shards, manifest))
        files.write_bytes(f"{folder}/{TRAINING_RECORD}", json.dumps(record.model_dump(), indent=1).encode())
    return record


def _finished(folder: str) -> CutRecord | None:
    uri = f"{folder}/{TRAINING_RECORD}"
    return CutRecord.model_validate_json(files.read_bytes(uri)) if files.exists(uri) else None


def _build(model: TwoTower, manifest: Manifest) -> None:
    """Make the variables by a first call on padding."""
    model(
        {
            "user_index": np.zeros(2, "int32"),
            "history": np.zeros((2, manifest.history_length), "int32"),
            "item_index": np.zeros(2, "int32"),
            "item_words": np.zeros((2, manifest.title_words), "int32"),
        }
    )


def _encode_users(model: TwoTower, root: str, users: Dataset, ranks: Ranks, rows: int) -> Arrays:
    """Vectors of this rank's users: ``index`` (users,) and ``vectors`` (users, embedding_size)."""
    encode = tf.function(model.user_vectors, reduce_retracing=True)
    indices, vectors = [np.zeros(0, "int32")], [np.zeros((0, model.user_output.units), "float32")]
    with epoch_batches(root, users, ranks.rank, ranks.size, 4096, drop_remainder=False) as batches:
        for batch in batches:
            indices.append(batch["user_index"].numpy())
            vectors.append(encode(batch).numpy())
    return {"index": np.concatenate(indices), "vectors": np.concatenate(vectors), "rows": np.array(rows)}


def _encode_items(model: TwoTower, root: str, manifest: Manifest) -> Arrays:
    """Vectors of all items by index, (items, embedding_size)."""
    vectors = np.zeros((manifest.items, model.item_output.units), "float32")
    encode = tf.function(model.item_vectors, reduce_retracing=True)
    with epoch_batches(root, manifest.datasets["items"], 0, 1, 4096, drop_remainder=False) as batches:
        for batch in batches:
            vectors[batch["item_index"].numpy()] = encode(batch).numpy()
    return {"vectors": vectors}
