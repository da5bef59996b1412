"""What every user of a machine can read of the processes that a test starts, and what their own user can."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

import psutil


@dataclass
class Watched:
    """What was seen of the processes below this one.

    Attributes:
        command_lines: Of all of them, at any time.
        ranks: The environments of the ranks, by their number.
    """

    command_lines: set[str] = field(default_factory=set)
    ranks: dict[str, dict[str, str]] = field(default_factory=dict)

    def look(self) -> None:
        """Look at the processes that there are now; one that ends meanwhile is passed over."""
        for process in psutil.Process().children(recursive=True):
            with suppress(psutil.Error):
                command = process.cmdline()
                self.command_lines.add("\0".join(command))
                environment = process.environ()
                # Not the shells that start them.
                if "HOROVOD_RANK" in environment and "python" in process.name():
                    self.ranks[environment["HOROVOD_RANK"]] = environment


@contextmanager
def watched() -> Iterator[Watched]:
    """Look at the processes that are started meanwhile, twenty times a second."""
    seen, over = Watched(), threading.Event()

    def look() -> None:
        while not over.wait(0.05):
            seen.look()

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield seen
    finally:
        over.set()
        thread.join()
