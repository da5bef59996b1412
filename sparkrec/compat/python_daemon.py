"""What Spark starts as ``spark.python.daemon.module``: its own daemon of Python workers, quicker at each task.

Spark's takes a tenth of a second for a task before any row is worked on: a worker calls
``importlib.invalidate_caches()``, at which Python 3.11 reads the directory of ``pyspark.zip`` anew for each package
in it; it waits 40 ms for what Java sends in two pieces; and it looks for garbage among all that was ever imported.
"""

import gc
import os
import socket
from typing import BinaryIO
from zipimport import zipimporter

from pyspark import daemon

_run_task = daemon.worker_main


def run_task(infile: BinaryIO, outfile: BinaryIO) -> None:
    """Do as Spark's worker does, but acknowledge at once what comes, for Java keeps the next piece until then."""
    with socket.socket(fileno=os.dup(infile.fileno())) as connection:
        # For each task: Linux forgets it after a while.
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
    _run_task(infile, outfile)


def keep_cache(importer: zipimporter) -> None:
    """Nobody changes an archive that a running Spark imports from."""


if __name__ == "__main__":
    zipimporter.invalidate_caches = keep_cache  # type: ignore[assignment, method-assign]
    daemon.worker_main = run_task
    # The workers are forked from here: what is imported so far is no garbage.
    gc.freeze()
    daemon.manager()  # type: ignore[no-untyped-call]
