"""Folders for what is gone with the process: its user's alone, and removed at the next start where a kill left them."""

import atexit
import fcntl
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

from sparkrec.errors import ConfigurationError

_held: list[int] = []
"""Descriptors whose locks say that this process is alive; the system takes them back, however it ends."""


@cache
def scratch_folder(root: str | None = None) -> str:
    """A new folder of this process's own, which nobody but its user can read; the same at each call.

    Before, those that processes of this user have left there are removed.

    Args:
        root: Where it is made; None takes the temporary folder (``TMPDIR``).

    Raises:
        ConfigurationError: The folder cannot be made, or somebody else has made it.
    """
    own = Path(root or tempfile.gettempdir()) / f"sparkrec-{os.getuid()}"
    try:
        own.mkdir(mode=stat.S_IRWXU, parents=True, exist_ok=True)
        found = own.lstat()
    except OSError as error:
        raise ConfigurationError(f"{own} cannot be made: {error.strerror}; TMPDIR names another place") from None
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or stat.S_IMODE(found.st_mode) != stat.S_IRWXU:
        raise ConfigurationError(f"{own} is no folder of this user alone: remove it, or name another place in TMPDIR")
    with _alone(own):
        for left in own.iterdir():
            _remove_if_left(left)
        folder = tempfile.mkdtemp(prefix=f"{os.getpid()}-", dir=own)
        _held.append(_locked(folder))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """While another process makes its folder and is about to lock it, none looks for those that are not locked."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _locked(folder: str) -> int:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return descriptor


def _remove_if_left(folder: Path) -> None:
    with suppress(OSError):  # among them that a living process holds it
        descriptor = _locked(str(folder))
        try:
            shutil.rmtree(folder, ignore_errors=True)
        finally:
            os.close(descriptor)
