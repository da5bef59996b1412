"""Feed shards to a rank: Petastorm's columnar reader into ``tf.data``."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow_hotfix  # noqa: F401  closes CVE-2023-47248 of this pyarrow
import tensorflow as tf
from petastorm import make_batch_reader
from petastorm.tf_utils import make_petastorm_dataset

from sparkrec.shards.manifest import Dataset


@contextmanager
def epoch_batches(
    root: str,
    dataset: Dataset,
    rank: int,
    ranks: int,
    batch_size: int,
    seed: int | None = None,
    drop_remainder: bool = True,
) -> Iterator[tf.data.Dataset]:
    """One pass of a rank over its part of a data set, in batches of columns.

    A reader is made for each epoch and reads its files once: an endless one would repeat some rows and
    drop others. Files come in an order drawn from ``seed``, and rows of a file, too; without a seed
    everything comes as it was written. One worker reads, so that the order is the same each time, and
    the reader's queue bounds the memory to a few row groups.

    Args:
        root: Folder of all shards.
        dataset: What to read, from the manifest.
        rank: Which part.
        ranks: How many parts.
        batch_size: Rows of a batch.
        seed: Seed of this epoch's order.
        drop_remainder: Whether a last batch of fewer rows is left out.

    Yields:
        Batches as dictionaries of column name to tensor, (rows,) or (rows, list length).
    """
    names = [file.name for file in dataset.of_rank(rank, ranks) if file.rows]
    if seed is not None:
        random.Random(f"{seed}-{rank}").shuffle(names)
    reader = make_batch_reader(
        [_url(f"{root}/{dataset.folder}/{name}") for name in names],
        reader_pool_type="thread",
        workers_count=1,
        results_queue_size=4,
        num_epochs=1,
        shuffle_row_groups=False,
        shuffle_rows=seed is not None,
        seed=seed,
    )
    _read_to_the_end(reader)
    try:
        columns = make_petastorm_dataset(reader).map(lambda row: row._asdict())
        options = tf.data.Options()
        # Nothing here has a knob to turn, and its thread holds the end of an epoch up by seconds.
        options.autotune.enabled = False
        yield columns.rebatch(batch_size, drop_remainder=drop_remainder).prefetch(2).with_options(options)
    finally:
        reader.stop()
        reader.join()


def _read_to_the_end(reader: Any) -> None:
    """Keep the reader from ending before its last files.

    The thread pool of Petastorm 0.13.1 ends when all work that was handed out is done and, looking only then,
    nothing is left to hand out. What is handed out between the two looks is lost: in a quarter of the epochs of
    six small files. Looking the other way round misses nothing.
    """
    pool, ventilator = reader._workers_pool, reader.ventilator
    all_done = pool.all_workers_done
    pool.all_workers_done = lambda: ventilator.completed() and all_done()


def _url(uri: str) -> str:
    return uri if "://" in uri else Path(uri).resolve().as_uri()
