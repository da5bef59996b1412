"""Spark forks its Python workers from the daemon of sparkrec's own, with what makes their tasks quick."""

from collections.abc import Iterator

import pandas as pd
from pyspark.sql import SparkSession


def _seen(batches: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
    """What a worker has of it: its main module, its task's function, and what it looks for in archives."""
    import gc
    import sys
    from zipimport import zipimporter

    from pyspark import daemon

    for _ in batches:
        main = sys.modules["__main__"].__spec__
        yield pd.DataFrame(
            {
                "main": [main.name if main else ""],
                "task": [daemon.worker_main.__name__],
                "cache": [zipimporter.invalidate_caches.__name__],
                "frozen": [gc.get_freeze_count()],
            }
        )


def test_workers_come_from_it_and_do_their_tasks(spark: SparkSession) -> None:
    schema = "main string, task string, cache string, frozen long"

    (seen,) = spark.range(1).mapInPandas(_seen, schema).collect()

    assert (seen.main, seen.task, seen.cache) == ("sparkrec.compat.python_daemon", "run_task", "keep_cache")
    assert seen.frozen > 1000
