"""Feed shards to a rank: Petastorm's columnar reader into ``tf.data``."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow_hotfix  # noqa: F401  closes CVE-2023-47248 of this pyarrow
import tensorflow as tf
from numpy.typing import NDArray
from pyarrow import compute as pc

from sparkrec.compat.petastorm import row_groups
from sparkrec.errors import DataError
from sparkrec.lake.files import Arrays
from sparkrec.shards.manifest import Dataset

# Reading all footers again for each epoch would tell nothing new.
_check_once = cache(Dataset.check)


@contextmanager
def epoch_batches(
    root: str,
    dataset: Dataset,
    rank: int,
    ranks: int,
    batch_size: int,
    seed: int | None = None,
    drop_remainder: bool = True,
    first_step: int = 0,
) -> Iterator[tf.data.Dataset]:
    """One pass of a rank over its part of a data set, in batches of columns.

    A reader is made for each epoch and reads its files once: an endless one would repeat some rows and
    drop others. Files come in an order drawn from ``seed``, and rows of a file in one drawn from ``seed`` and
    the file's place in the manifest; without a seed everything comes as it was written. So no file's order hangs
    on what was read before it, and a pass from a step on skips the files before that step unread.

    Memory: six row groups at most, however many there are: two that batches are being cut from, and up to four
    copies of the next one while it is decoded and shuffled. Of the two-tower model's columns in groups of 100,000
    rows that is about 100 MB. Between a data set and one of ten times its rows in groups of the same size the peak of
    the process grows by less than 64 MB.

    Args:
        root: Folder of all shards.
        dataset: What to read, from the manifest.
        rank: Which part.
        ranks: How many parts.
        batch_size: Rows of a batch.
        seed: Seed of this epoch's order, from 0.
        drop_remainder: Whether a last batch of fewer rows is left out.
        first_step: Batches of the epoch's beginning to leave out.

    Yields:
        Batches as dictionaries of column name to tensor, (rows,) or (rows, list length); to be gone through once.

    Raises:
        DataError: The files are not those of the manifest, by their footers; seen once a data set and process.
    """
    _check_once(dataset, root)
    places = _order(dataset, rank, ranks, seed)
    skipped = first_step * batch_size
    while places and dataset.files[places[0]].rows <= skipped:
        skipped -= dataset.files[places.pop(0)].rows

    with row_groups([f"{root}/{dataset.folder}/{dataset.files[place].name}" for place in places]) as tables:

        def columns() -> Iterator[Arrays]:
            start = skipped
            for place, table in zip(places, tables, strict=True):
                rows = np.arange(table.num_rows)
                if seed is not None:
                    rows = np.random.default_rng([seed, place]).permutation(rows)
                yield {name: np.take(_array(table[name], name), rows[start:], axis=0) for name in dataset.columns}
                start = 0

        options = tf.data.Options()
        # Nothing here has a knob to turn, and its thread holds the end of an epoch up by seconds.
        options.autotune.enabled = False
        whole = tf.data.Dataset.from_generator(columns, output_signature=_signature(dataset.columns))
        batches = whole.prefetch(1).rebatch(batch_size, drop_remainder=drop_remainder).prefetch(2)
        yield batches.with_options(options)


def file_at(dataset: Dataset, rank: int, ranks: int, seed: int | None, row: int) -> str:
    """Name of the file in which a pass of `epoch_batches` has its row of this number, from 0."""
    for place in _order(dataset, rank, ranks, seed):
        if row < dataset.files[place].rows:
            return f"{dataset.folder}/{dataset.files[place].name}"
        row -= dataset.files[place].rows
    raise IndexError("the pass has fewer rows")


def _order(dataset: Dataset, rank: int, ranks: int, seed: int | None) -> list[int]:
    """Places in the manifest of the files that a rank reads, in the order of the pass."""
    places = [place for place in range(len(dataset.files))[rank::ranks] if dataset.files[place].rows]
    if seed is not None:
        random.Random(f"{seed}-{rank}").shuffle(places)
    return places


def _array(column: pa.ChunkedArray, name: str) -> NDArray[Any]:
    """A column as an array (rows,), a column of lists as (rows, list length).

    Raises:
        DataError: The lists have different lengths.
        ValueError: There are nulls.
    """
    values = column.combine_chunks()
    shape = [len(values)]
    if pa.types.is_list(column.type):
        lengths = pc.min_max(pc.list_value_length(values)).as_py()
        if lengths["min"] != lengths["max"]:
            raise DataError(f"{name}: lists of {lengths['min']} to {lengths['max']} values, where all need one length")
        values, shape = values.flatten(), [*shape, lengths["max"]]
    array: NDArray[Any] = values.to_numpy()
    return array.reshape(shape)


def _signature(columns: dict[str, str]) -> dict[str, tf.TensorSpec]:
    """Shapes and types of columns that Arrow calls, for instance, ``int32`` or ``list<element: int32 not null>``."""
    found = {}
    for name, kind in columns.items():
        *of_lists, scalar = kind.removesuffix(">").removesuffix(" not null").split(": ")
        found[name] = tf.TensorSpec([None] * (1 + len(of_lists)), pa.type_for_alias(scalar).to_pandas_dtype())
    return found
