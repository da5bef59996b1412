"""The feature layer: featurize by size, and the shard reader beside memory and beside pyarrow's own scan.

Lakes that are cleaned and profiled stay in ``build/bench/lake-<events>``; delete them where cleaning has changed.
"""

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import tensorflow as tf
from numpy.typing import NDArray
from pyarrow import dataset as pads
from pyarrow import parquet as pq

from benchmarks import encoder
from benchmarks.simulated import WARM_UP, landing, sizes
from sparkrec.config import load_settings
from sparkrec.config.privacy_key import VARIABLE
from sparkrec.config.settings import FeatureSettings, TwoTowerSettings
from sparkrec.graph import JOBS
from sparkrec.lake import files, spark_session
from sparkrec.models.two_tower import TwoTower
from sparkrec.shards.manifest import Dataset, ShardFile
from sparkrec.shards.read import epoch_batches
from sparkrec.steps.runner import Runner
from sparkrec.steps.runs import latest_runs
from sparkrec.training.lazy_adam import LazyAdam
from sparkrec.training.loop import make_train_step

_BEFORE = ("ingest", "clean", "profile")
_USERS, _ITEMS, _WORDS = 50_000, 5_000, 2_000
_FILES, _ROWS = 8, 50_000
_BATCH = TwoTowerSettings().batch_size
_TURNS = 9

_Feed = Callable[[], AbstractContextManager[tf.data.Dataset]]


def figures() -> dict[str, float]:
    """Rates, ``features.reader_vs_memory``, ``reader_vs_pyarrow``, ``encoder_ratio`` and ``exponent``."""
    os.environ.setdefault(VARIABLE, "a key of the benchmark")
    with tempfile.TemporaryDirectory() as root:
        found = _reader(root)
    return found | encoder.figures() | _featurize()


def _reader(root: str) -> dict[str, float]:
    """Samples a second of a fit by where they come from, and rows a second of the reader and of pyarrow."""
    data = _shards(root)
    feeds = {"reader": partial(epoch_batches, root, data, 0, 1, _BATCH, seed=1)}
    with feeds["reader"]() as batches:
        batch_list = list(batches)
    stacked = {name: np.stack([batch[name] for batch in batch_list]) for name in data.columns}
    feeds["memory"] = partial(_from_memory, stacked)

    model = TwoTower(TwoTowerSettings(), _USERS, _ITEMS, _WORDS)
    model(batch_list[0])
    optimizer = LazyAdam()
    optimizer.build(model.trainable_variables)
    step = make_train_step(model, optimizer, _Alone())
    step(batch_list[0])
    rows = len(batch_list) * _BATCH
    reader, memory = _alternated(partial(_fit, feeds["reader"], step), partial(_fit, feeds["memory"], step))
    paths = [f"{root}/{data.folder}/{file.name}" for file in data.files]
    raw, scan = _alternated(partial(_read, feeds["reader"]), partial(_scan, paths))
    return {
        "features.reader.samples_per_second": rows / np.median(reader),
        "features.memory.samples_per_second": rows / np.median(memory),
        "features.reader_vs_memory": float(np.median(memory / reader)),
        "features.reader.rows_per_second": rows / np.median(raw),
        "features.pyarrow.rows_per_second": data.rows / np.median(scan),
        "features.reader_vs_pyarrow": float(np.median(rows / raw / (data.rows / scan))),
    }


class _Alone:
    """A job of one rank, which has nobody to average gradients with."""

    size = 1

    def mean_gradients(self, gradients: list[Any], compress: bool = False) -> list[Any]:
        return gradients


def _shards(root: str) -> Dataset:
    """Samples of random users, items and words, in shards as the shard job writes them."""
    random, features = np.random.default_rng(1), FeatureSettings()

    def indices(high: int) -> pa.Array:
        return pa.array(random.integers(2, high, _ROWS).astype("int32"))

    def lists(high: int, length: int) -> pa.Array:
        values = random.integers(2, high, _ROWS * length).astype("int32")
        return pa.ListArray.from_arrays(pa.array(np.arange(0, len(values) + 1, length, dtype="int32")), values)

    shards = []
    (Path(root) / "train").mkdir()
    for number in range(_FILES):
        table = pa.table(
            {
                "user_index": indices(_USERS),
                "item_index": indices(_ITEMS),
                "history": lists(_ITEMS, features.history_length),
                "item_words": lists(_WORDS, features.title_words),
                "log_q": pa.array(np.full(_ROWS, -np.log(_ITEMS), "float32")),
            }
        )
        name = f"part-{number}.parquet"
        pq.write_table(table, f"{root}/train/{name}", compression="snappy", row_group_size=_ROWS)
        shards.append(ShardFile(name=name, rows=_ROWS, row_groups=1, sha256=""))
    return Dataset(folder="train", columns=files.parquet_columns(f"{root}/train/part-0.parquet"), files=tuple(shards))


@contextmanager
def _from_memory(stacked: dict[str, Any]) -> Iterator[tf.data.Dataset]:
    options = tf.data.Options()
    options.autotune.enabled = False
    yield tf.data.Dataset.from_tensor_slices(stacked).prefetch(2).with_options(options)


def _fit(feed: _Feed, step: Callable[[Any], tf.Tensor]) -> None:
    """An epoch as the fit loop makes it."""
    total = tf.constant(0.0)
    with feed() as batches:
        for batch in batches:
            total += step(batch)
    float(total)


def _read(feed: _Feed) -> None:
    with feed() as batches:
        for _ in batches:
            pass


def _scan(paths: list[str]) -> None:
    for _ in pads.dataset(paths).to_batches():
        pass


def _alternated(one: Callable[[], None], other: Callable[[], None]) -> NDArray[np.float64]:
    """Seconds of two passes in several turns, (2, turns).

    The machine's own speed drifts by more than what is looked for: the two of a turn are to be compared with each
    other, and each comes first as often as the other.
    """
    seconds = np.zeros((2, _TURNS))
    for turn in range(_TURNS):
        for which in (turn % 2, 1 - turn % 2):
            started = time.monotonic()
            (one, other)[which]()
            seconds[which, turn] = time.monotonic() - started
    return seconds


def _featurize() -> dict[str, float]:
    """Events a second of the featurize job by size, and how its time grows with the events."""
    _featurize_alone(WARM_UP)
    found: dict[str, float] = {}
    took = []
    for events in sizes():
        seconds, landed = _featurize_alone(events)
        took.append(seconds)
        found[f"features.{events}.seconds"] = seconds
        found[f"features.{events}.events_per_second"] = landed / seconds
        print(f"features.{events}: {seconds:.1f} s", flush=True)
    if len(took) > 1:
        found["features.exponent"] = float(np.polyfit(np.log(sizes()), np.log(took), 1)[0])
    return found


def _featurize_alone(events: int) -> tuple[float, int]:
    """Seconds of the job in a lake that is cleaned and profiled, and the lines that landed there."""
    lake = f"build/bench/lake-{events}"
    settings = load_settings("local", "events", lake=lake, overrides=[f"source.landing={landing(events)}"])
    (featurize,) = [job for job in JOBS if job.name == "featurize"]
    with spark_session(settings.spark, "sparkrec bench features") as spark:
        runner = Runner.start(settings, spark, print)
        if len(latest_runs(runner.lake, _BEFORE)) < len(_BEFORE):
            runner.run([job for job in JOBS if job.name in _BEFORE])
        # The job goes on from the vocabulary that it finds: each time it is to find none.
        for table in featurize.writes:
            files.delete_folder(f"{lake}/{table.replace('.', '/')}")
        runner.run([featurize])
        clean, run = latest_runs(runner.lake, ["clean", "featurize"])
    return run.seconds, clean.counts["landed"]
