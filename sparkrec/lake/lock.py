"""Keep two runs from working on one lake at the same time."""

import fcntl
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO

from sparkrec.errors import DataError

_FOLDER = ".locks"


@contextmanager
def at_work(lake: str, job: str | None) -> Iterator[None]:
    """Hold the lake for a whole run (``job`` is None), or for one job, beside other jobs but not beside a run.

    The system lets go of it when the process ends, however it ends. A lake of a URI is not held: there Delta
    refuses the later of two commits that touch the same table.

    Raises:
        DataError: Another process is at work on the lake.
    """
    if "://" in lake:
        yield
        return
    folder = Path(lake) / _FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as held:
        whole = held.enter_context((folder / "run").open("a"))
        _hold(whole, fcntl.LOCK_EX if job is None else fcntl.LOCK_SH, f"another run is at work on {lake}")
        if job is not None:
            own = held.enter_context((folder / job).open("a"))
            _hold(own, fcntl.LOCK_EX, f"another process runs the job {job} on {lake}")
        yield


def _hold(file: IO[str], kind: int, refusal: str) -> None:
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        raise DataError(f"{refusal}: run the same command again when it has ended") from None
