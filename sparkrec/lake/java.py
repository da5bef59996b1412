"""A Java that Spark runs on, found among those of this machine."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from sparkrec.errors import ConfigurationError

SUPPORTED = (17, 21)
"""What Spark 4.0 says it runs on; it does not start on 24 or newer."""

_USUAL = ("/usr/lib/jvm/*", "/usr/java/*", "/opt/java/*", "/opt/jdk*", "~/.sdkman/candidates/java/*", "~/.jdks/*")
_SECONDS = 20


def java_home() -> str:
    """The folder of the first Java that Spark runs on: JAVA_HOME's, PATH's, or one in a usual place.

    Raises:
        ConfigurationError: There is none; the message names those that were found.
    """
    found: dict[Path, int | None] = {}
    for home in _homes():
        if home not in found:
            found[home] = _version(home)
            if found[home] in SUPPORTED:
                return str(home)
    told = ", ".join(f"{version or 'one of no known version'} in {home}" for home, version in found.items())
    wanted = " or ".join(map(str, SUPPORTED))
    raise ConfigurationError(
        f"Spark needs Java {wanted}; found: {told or 'none'}. Install one, such as openjdk-{SUPPORTED[0]}-jre-headless "
        "of Debian, or name its folder in JAVA_HOME"
    )


def _homes() -> Iterator[Path]:
    """Folders with a Java in them, links followed."""
    if named := os.environ.get("JAVA_HOME"):
        yield from _home_of(Path(named) / "bin" / "java")
    if on_path := shutil.which("java"):
        yield from _home_of(Path(on_path))
    for pattern in _USUAL:
        folder, _, name = pattern.rpartition("/")
        for home in sorted(Path(folder).expanduser().glob(name)):
            yield from _home_of(home / "bin" / "java")


def _home_of(java: Path) -> Iterator[Path]:
    if java.is_file() and os.access(java, os.X_OK):
        yield java.resolve().parent.parent


def _version(home: Path) -> int | None:
    """The feature version of the Java in a folder; None where it does not say.

    A JDK says it in a file; to ask the program itself takes a tenth of a second.
    """
    try:
        told = (home / "release").read_text(encoding="utf-8", errors="replace")
        found = re.search(r'^JAVA_VERSION="(\d+)', told, re.MULTILINE)
    except OSError:
        found = None
    if found is None:
        asked = [str(home / "bin" / "java"), "-version"]
        try:
            done = subprocess.run(asked, capture_output=True, text=True, timeout=_SECONDS, check=False)
        except (OSError, subprocess.TimeoutExpired):
            return None
        found = re.search(r'version "(\d+)', done.stdout + done.stderr)
    # Java 8 calls itself 1.8.
    return int(found[1]) if found else None
