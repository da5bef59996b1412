"""Training: two ranks beside one, a large table beside a small one, shards beside memory.

Each rank computes on one thread, so that one rank has one core and two have two.
"""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from sparkrec.config.settings import DeepFMSettings, SelfAttentionSettings
from sparkrec.training.rank_environment import of_processes

_FIELDS = 26
_SMALL_TABLE, _LARGE_TABLE = 20_000, 2_000_000
_ITEMS, _LENGTH = 5_000, 32
_WARM_UP, _STEPS, _TURNS = 4, 12, 5


def figures() -> dict[str, float]:
    """Samples a second of each model by ranks, and the ratios that are asked for."""
    found: dict[str, float] = {}
    for model in ("deepfm", "attention"):
        turns = [[_samples_per_second(ranks, model) for ranks in (1, 2)] for _ in range(_TURNS)]
        for ranks, of_ranks in zip((1, 2), zip(*turns, strict=True), strict=True):
            found[f"training.{model}.samples_per_second_{ranks}"] = float(np.median(of_ranks))
        found[f"training.{model}_scaling_2"] = float(np.median([two / one for one, two in turns]))
        print(f"training.{model}: {turns}", flush=True)
    growth = [_samples_per_second(1, "deepfm") / _samples_per_second(1, "deepfm", _LARGE_TABLE) for _ in range(_TURNS)]
    found["training.table_growth"] = float(np.median(growth))
    print(f"training.table_growth: {growth}", flush=True)
    for model in ("deepfm", "attention"):
        found[f"training.{model}.end_to_end_vs_memory"] = _end_to_end(model)
    found["training.end_to_end_vs_memory"] = min(
        found[f"training.{model}.end_to_end_vs_memory"] for model in ("deepfm", "attention")
    )
    return found


def _samples_per_second(ranks: int, model: str, table: int = _SMALL_TABLE) -> float:
    """Of all ranks together, by ``ranks`` processes that Horovod starts."""
    (seconds,) = _on_ranks(ranks, "steps", model, table)
    return ranks * _STEPS * _batch_size(model) / seconds


def _end_to_end(model: str) -> float:
    """Speed of an epoch out of shards by that of the same batches in memory; the median of the turns of one process."""
    (ratio,) = _on_ranks(1, "end_to_end", model, _SMALL_TABLE)
    return ratio


def _on_ranks(ranks: int, what: str, model: str, table: int) -> Sequence[float]:
    """What rank 0 of so many ranks found."""
    with tempfile.TemporaryDirectory() as folder:
        told = Path(folder) / "told.json"
        command = [sys.executable, "-m", "benchmarks.training", what, model, str(table), str(told)]
        if ranks > 1:
            horovodrun = str(Path(sys.executable).parent / "horovodrun")
            command = [horovodrun, "--gloo", "-np", str(ranks), *command]
        done = subprocess.run(command, env=of_processes(str(folder)), capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"{' '.join(command)} exited with {done.returncode}:\n{done.stderr[-2000:]}")
        found: list[float] = json.loads(told.read_text())
        return found


def _batch_size(model: str) -> int:
    return (DeepFMSettings() if model == "deepfm" else SelfAttentionSettings()).batch_size


def _batches(model: str, table: int, rows: int, seed: int) -> dict[str, Any]:
    """Columns of random samples as the model reads them."""
    random = np.random.default_rng(seed)
    if model == "deepfm":
        # Of each field few values make most of the rows, as in logs.
        values = np.minimum(random.zipf(1.3, (rows, _FIELDS)), table // _FIELDS) - 1
        fields = (values + np.arange(_FIELDS) * (table // _FIELDS)).astype("int32")
        return {"field_rows": fields, "label": (random.random(rows) < 0.2).astype("float32")}
    window = random.integers(2, _ITEMS, (rows, _LENGTH)).astype("int32")
    before = np.tile(np.arange(_LENGTH // 2 - 1, _LENGTH - 1, dtype="int32"), (rows, 1))
    return {"window": window, "before": before}


def _main(what: str, model_name: str, table: int, told: str) -> None:
    """What one rank does; TensorFlow is loaded here, for the process that starts the ranks needs none."""
    import keras
    import tensorflow as tf

    from sparkrec.models.deepfm import DeepFM
    from sparkrec.models.self_attention import SelfAttentionRetriever
    from sparkrec.training.distributed import Ranks
    from sparkrec.training.lazy_adam import LazyAdam
    from sparkrec.training.loop import make_train_step

    ranks = Ranks()
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    keras.utils.set_random_seed(1)
    size = _batch_size(model_name)
    model: Any = (
        DeepFM(DeepFMSettings(), table)
        if model_name == "deepfm"
        else SelfAttentionRetriever(SelfAttentionSettings(), _ITEMS)
    )
    columns = _batches(model_name, table, size * 8, 7 + ranks.rank)
    parts = [
        {name: tf.constant(column[at : at + size]) for name, column in columns.items()}
        for at in range(0, size * 8, size)
    ]
    model.loss_of(parts[0])
    optimizer = LazyAdam(0.001)
    optimizer.build(model.trainable_variables)
    step = make_train_step(model, optimizer, ranks)
    if what == "steps":
        for number in range(_WARM_UP):
            float(step(parts[number % 8]))
        ranks.mean(0.0, 1.0)
        started = time.monotonic()
        for number in range(_STEPS):
            loss = step(parts[number % 8])
        float(loss)
        ranks.mean(0.0, 1.0)
        found = [time.monotonic() - started]
    else:
        found = [_shards_beside_memory(model_name, table, size, step)]
    if ranks.rank == 0:
        Path(told).write_text(json.dumps(found))
    ranks.stop()


def _shards_beside_memory(model_name: str, table: int, size: int, step: Any) -> float:
    from benchmarks.side_by_side import alternated, from_memory
    from sparkrec.shards.read import epoch_batches
    from sparkrec.shards.write import write_columns

    columns = _batches(model_name, table, size * (16 if model_name == "deepfm" else 64), 3)
    with tempfile.TemporaryDirectory() as root:
        data = write_columns(columns, root, "train", 4, 1)

        def fit(batches: Any) -> None:
            for batch in batches:
                loss = step(batch)
            float(loss)

        def fit_shards() -> None:
            with epoch_batches(root, data, 0, 1, size, seed=1) as batches:
                fit(batches)

        with epoch_batches(root, data, 0, 1, size, seed=1) as batches:
            kept = list(batches)
        in_memory = from_memory({name: np.stack([batch[name] for batch in kept]) for name in data.columns})
        fit(in_memory)
        shards, memory = alternated(fit_shards, lambda: fit(in_memory), 2 * _TURNS)
    return float(np.median(memory / shards))


if __name__ == "__main__":
    _main(sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4])
