"""Of Petastorm: the row groups as they are, and how many files its pool is told of at once."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pyarrow as pa
from petastorm import make_batch_reader

from sparkrec.compat import require

require("petastorm", "0.13.1")


@contextmanager
def row_groups(urls: Sequence[str]) -> Iterator[Iterator[pa.Table]]:
    """The row groups of files of one each, in their order, as Petastorm read them.

    Petastorm itself would now make an object of every list of a column and stack these.
    """
    if not urls:
        yield iter(())
        return
    # The pool without workers, for tf.data reads ahead: those of the thread pool look for work a thousand times a
    # second, and in Petastorm 0.13.1 a quarter of the epochs of six small files ends before the last ones.
    reader = make_batch_reader(list(urls), reader_pool_type="dummy", num_epochs=1, shuffle_row_groups=False)
    # Files are named to the pool four at a time, and it waits for 0.1 s where it has none.
    reader.ventilator._max_ventilation_queue_size = len(urls)
    try:
        # Not until the pool says that there are no more: it may look just before that is known, and wait for ever.
        yield (reader._workers_pool.get_results() for _ in urls)
    finally:
        reader.stop()
        reader.join()
