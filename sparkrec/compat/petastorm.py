"""Of Petastorm: the row groups as they are, and how many files its pool is told of at once."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
from petastorm import make_batch_reader

from sparkrec.compat import require

require("petastorm", "0.13.1")


@contextmanager
def row_groups(files: Sequence[str]) -> Iterator[Iterator[pa.Table]]:
    """The row groups of files of one each, in their order, as Petastorm read them.

    Petastorm itself would now make an object of every list of a column and stack these.

    Args:
        files: Paths or URIs of files of one folder.
    """
    if not files:
        yield iter(())
        return
    with _urls(files) as urls:
        yield from _row_groups(urls)


@contextmanager
def _urls(files: Sequence[str]) -> Iterator[list[str]]:
    """URLs that Petastorm opens: of a file's it takes the path as it stands, up to what ends paths in URLs."""
    if "://" in files[0]:
        yield list(files)
        return
    paths = [Path(file).resolve() for file in files]
    if not any(sign in str(paths[0]) for sign in "#?;"):
        yield [f"file://{path}" for path in paths]
        return
    with tempfile.TemporaryDirectory(prefix="sparkrec-") as folder:
        link = Path(folder) / "files"
        link.symlink_to(paths[0].parent, target_is_directory=True)
        yield [f"file://{link}/{path.name}" for path in paths]


def _row_groups(urls: list[str]) -> Iterator[Iterator[pa.Table]]:
    # The pool without workers, for tf.data reads ahead: those of the thread pool look for work a thousand times a
    # second, and in Petastorm 0.13.1 a quarter of the epochs of six small files ends before the last ones.
    reader = make_batch_reader(urls, reader_pool_type="dummy", num_epochs=1, shuffle_row_groups=False)
    # Files are named to the pool four at a time, and it waits for 0.1 s where it has none.
    reader.ventilator._max_ventilation_queue_size = len(urls)
    try:
        # Not until the pool says that there are no more: it may look just before that is known, and wait for ever.
        yield (reader._workers_pool.get_results() for _ in urls)
    finally:
        reader.stop()
        reader.join()
