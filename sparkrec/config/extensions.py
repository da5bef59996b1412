"""What one's own project adds in code: modules of its package ``sparkrec_extensions``."""

import importlib
import importlib.util
import os
import sys
from pathlib import Path
from typing import Any

from sparkrec.config.paths import own_project
from sparkrec.errors import ConfigurationError

PACKAGE = "sparkrec_extensions"
"""The package, a folder of this name in the project's."""


def declared(module: str, name: str, kind: type) -> tuple[Any, ...]:
    """What a module of one's own project declares; nothing where there is no project, or no such module in it.

    Args:
        module: The module, without the package.
        name: The sequence that it declares.
        kind: What stands in it.

    Raises:
        ConfigurationError: The module cannot be imported, has no such sequence, or something else stands in it.
    """
    folder = own_project()
    file = folder / PACKAGE / f"{module}.py" if folder else None
    if folder is None or file is None or not file.is_file():
        return ()
    make_importable(folder)
    try:
        found = tuple(getattr(importlib.import_module(f"{PACKAGE}.{module}"), name))
    except Exception as error:  # whatever its own code raises
        raise ConfigurationError(f"{file}: {name} cannot be had: {type(error).__name__}: {error}") from error
    for one in found:
        if not isinstance(one, kind):
            raise ConfigurationError(f"{file}: {name} holds {one!r}, which is no {kind.__name__}")
    return found


def make_importable(folder: Path) -> None:
    """Let this process, and those that it starts, import the project's package."""
    if str(folder) in sys.path:
        return
    # Behind everything else: a file of the project's does not stand for a library.
    sys.path.append(str(folder))
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = f"{before}{os.pathsep}{folder}" if before else str(folder)
