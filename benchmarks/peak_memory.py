"""How much memory a part of a benchmark holds at most."""

import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress

import psutil

ALL = "all"


@contextmanager
def peak_memory(
    pid: int | None = None, kind_of: Callable[[psutil.Process], str] = lambda process: ALL
) -> Iterator[Mapping[str, int]]:
    """The most memory, in bytes, that a process and those below it hold at once, shared pages counted once.

    Args:
        pid: The process; else this one.
        kind_of: What each process counts as; by default all are `ALL`.

    Returns:
        By kind, and as ``largest <kind>`` that of the largest process of it; 0 where there is none.
    """
    peaks: dict[str, int] = defaultdict(int)
    over = threading.Event()

    def watch() -> None:
        top = psutil.Process(pid)
        while not over.wait(0.5):
            held: dict[str, int] = defaultdict(int)
            with suppress(psutil.Error):
                for process in (top, *top.children(recursive=True)):
                    with suppress(psutil.Error):
                        size, kind = process.memory_full_info().pss, kind_of(process)
                        held[kind] += size
                        held[f"largest {kind}"] = max(held[f"largest {kind}"], size)
            for kind, size in held.items():
                peaks[kind] = max(peaks[kind], size)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield peaks
    finally:
        over.set()
        watcher.join()
