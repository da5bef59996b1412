"""Two ways of the same work, timed so that they can be compared; batches out of memory, for one of the ways."""

import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray


def alternated(one: Callable[[], None], other: Callable[[], None], turns: int) -> NDArray[np.float64]:
    """Seconds of two passes in several turns, (2, turns).

    The machine's own speed drifts by more than what is looked for: the two of a turn are to be compared with each
    other, and each comes first as often as the other.
    """
    seconds = np.zeros((2, turns))
    for turn in range(turns):
        for which in (turn % 2, 1 - turn % 2):
            started = time.monotonic()
            (one, other)[which]()
            seconds[which, turn] = time.monotonic() - started
    return seconds


def from_memory(batches: Mapping[str, NDArray[Any]]) -> tf.data.Dataset:
    """Batches that are in memory, (batches, rows of a batch, ...) by column, as the shard reader gives them."""
    options = tf.data.Options()
    options.autotune.enabled = False
    return tf.data.Dataset.from_tensor_slices(dict(batches)).prefetch(2).with_options(options)
