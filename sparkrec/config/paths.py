"""Where the project's own files lie."""

import importlib.resources
import os
from pathlib import Path

PACKAGE = "package:"
"""What begins the name of a file that an installed Python package carries: package:NAME/PATH."""


def project_root() -> Path:
    """Folder that holds ``conf/`` and ``schemas/``.

    It is the folder above the package, or ``SPARKREC_HOME`` where the package was installed
    apart from them (a cluster's nodes).
    """
    home = os.environ.get("SPARKREC_HOME")
    return Path(home) if home else Path(__file__).resolve().parents[2]


def package_file(name: str) -> str:
    """Path of ``package:NAME/PATH`` on this machine.

    Raises:
        ModuleNotFoundError: The package is not installed.
    """
    package, _, path = name.removeprefix(PACKAGE).partition("/")
    return str(importlib.resources.files(package) / path)
