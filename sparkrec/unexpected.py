"""What is said of an exception that has no message for people: one line, and a file with the rest."""

import os
import re
import tempfile
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

from sparkrec.errors import SparkrecError
from sparkrec.masking import mask

_LONGEST = 300
_UNDER_WAY = "under way: "


@contextmanager
def under_way(what: str) -> Iterator[None]:
    """Around work: an exception that comes out of it keeps what was under way; the innermost counts."""
    try:
        yield
    except SparkrecError:
        raise
    except Exception as error:
        error.add_note(_UNDER_WAY + what)
        raise


def headline(error: Exception) -> str:
    """What failed, on what, and why, in one line of bounded length."""
    what, first = "sparkrec", error
    earlier: BaseException | None = error
    while isinstance(earlier, Exception):
        # Where tidying up failed, too, what it tidied up after counts.
        notes = [note for note in getattr(earlier, "__notes__", ()) if note.startswith(_UNDER_WAY)]
        if notes:
            what, first = notes[0].removeprefix(_UNDER_WAY), earlier
        earlier = earlier.__context__
    return cut(f"{what} failed: {cause(first)}")


def cut(text: str) -> str:
    """The text in one line of bounded length, without secrets."""
    line = " ".join(mask(text).split())
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]}..."


def write_traceback(error: Exception) -> str:
    """Write the traceback into a new file of the temporary folder (``TMPDIR``) that its owner alone may read.

    It may hold data, but no secrets: it lies outside of the lake, and where systems tidy up by themselves.

    Returns:
        The file's path; where none can be written, why not.
    """
    told = "".join(traceback.format_exception(error))
    try:
        handle, path = tempfile.mkstemp(prefix="sparkrec-", suffix=".txt")
        with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(mask(f"{told}\n{_of_java(error)}"))
    except OSError as refused:
        return f"none, as the temporary folder cannot be written ({refused.strerror}): TMPDIR names another"
    return path


def _of_java(error: Exception) -> str:
    """The stack of the JVM, which PySpark keeps but does not print."""
    return str(getattr(error, "_stackTrace", None) or "")


def cause(error: Exception) -> str:
    """Class and first line of the message, in one line of bounded length.

    Of an exception of Spark's workers these are of the one that they died of.
    """
    # This, unlike str(), does not fail where the JVM is gone.
    lines = traceback.TracebackException(type(error), error, None).format_exception_only()
    told = "".join(line for line in lines if not line.startswith(_UNDER_WAY))
    stack = f"{told}\n{_of_java(error)}"
    by_python = re.findall(r"Traceback \(most recent call last\):\n(?:[ \t].*\n+)+(\S.*)", stack)
    if by_python:
        return cut(by_python[-1])
    by_java = re.findall(r"^Caused by: (.+)", stack, re.MULTILINE)
    if by_java and type(error).__name__ == "Py4JJavaError":
        return cut(by_java[-1])
    first = next((line for line in str(_message(told)).splitlines() if line.strip()), "")
    said = f"{type(error).__name__}: {first.removeprefix(': ')}"
    return cut(f"{said} (caused by {by_java[-1]})" if by_java and by_java[-1] not in said else said)


def _message(told: str) -> str:
    """What follows the class; py4j's own words in front of those of the JVM are passed over."""
    message = told.partition(": ")[2]
    words, _, of_java = message.partition("\n")
    return of_java if words.startswith("An error occurred while calling") and of_java.strip() else message
