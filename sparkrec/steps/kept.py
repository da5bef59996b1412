"""Rows that a job reads more than once."""

from collections.abc import Iterator
from contextlib import contextmanager

from pyspark.sql import DataFrame


@contextmanager
def kept(rows: DataFrame) -> Iterator[DataFrame]:
    """The rows, kept by the executors for as long as the job needs them."""
    try:
        yield rows.persist()
    finally:
        rows.unpersist()
