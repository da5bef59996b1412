"""The feature layer: featurize by size, and the shard reader beside memory and beside pyarrow's own scan.

Lakes that are cleaned and profiled stay in ``build/bench/lake-<events>``; delete them where cleaning has changed.
"""

import os
import tempfile
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any, cast

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from pyarrow import dataset as pads

from benchmarks import encoder
from benchmarks.side_by_side import alternated, from_memory
from benchmarks.simulated import WARM_UP, landing, sizes
from sparkrec.config import load_settings
from sparkrec.config.privacy_key import VARIABLE
from sparkrec.config.settings import FeatureSettings, TwoTowerSettings
from sparkrec.graph import JOBS
from sparkrec.lake import files, spark_session
from sparkrec.models.two_tower import TwoTower
from sparkrec.shards.manifest import Dataset
from sparkrec.shards.read import epoch_batches
from sparkrec.shards.write import write_columns
from sparkrec.steps.runner import Runner
from sparkrec.steps.runs import latest_runs
from sparkrec.training.distributed import Ranks
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
    feeds: dict[str, _Feed] = {"reader": partial(epoch_batches, root, data, 0, 1, _BATCH, seed=1)}
    with feeds["reader"]() as batches:
        batch_list = list(batches)
    stacked = {name: np.stack([batch[name] for batch in batch_list]) for name in data.columns}
    feeds["memory"] = partial(nullcontext, from_memory(stacked))

    model = TwoTower(TwoTowerSettings(), _USERS, _ITEMS, _WORDS)
    model(batch_list[0])
    optimizer = LazyAdam()
    optimizer.build(model.trainable_variables)
    step = make_train_step(model, optimizer, cast(Ranks, _Alone()))
    step(batch_list[0])
    rows = len(batch_list) * _BATCH
    reader, memory = alternated(partial(_fit, feeds["reader"], step), partial(_fit, feeds["memory"], step), _TURNS)
    paths = [f"{root}/{data.folder}/{file.name}" for file in data.files]
    raw, scan = alternated(partial(_read, feeds["reader"]), partial(_scan, paths), _TURNS)
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
    """Samples of random users, items and words, in shards as the ranks read them."""
    random, features = np.random.default_rng(1), FeatureSettings()
    rows = _FILES * _ROWS

    def indices(high: int, *length: int) -> NDArray[Any]:
        return random.integers(2, high, (rows, *length)).astype("int32")

    columns = {
        "user_index": indices(_USERS),
        "item_index": indices(_ITEMS),
        "history": indices(_ITEMS, features.history_length),
        "item_words": indices(_WORDS, features.title_words),
        "log_q": np.full(rows, -np.log(_ITEMS), "float32"),
    }
    return write_columns(columns, root, "train", _FILES, seed=1)


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
