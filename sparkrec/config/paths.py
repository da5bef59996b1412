"""Where the project's own files lie."""

import importlib.resources
import os
import types
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, Field

from sparkrec.errors import ConfigurationError

PACKAGE = "package:"
"""What begins the name of a file that an installed Python package carries: package:NAME/PATH."""

_PATH = object()

PathSetting = Annotated[str, Field(min_length=1), _PATH]
"""A setting that is a path, folder, glob or URI, or a file of a Python package. See `anchored`."""


_PROJECT_VARIABLE = "SPARKREC_PROJECT"


def shipped_root() -> Path:
    """Folder of the ``conf/``, ``schemas/`` and ``jobs/`` that sparkrec ships: within the package, or its checkout."""
    package = Path(__file__).resolve().parents[1]
    within = package / "shipped"
    return within if within.is_dir() else package.parent


def name_project(folder: str) -> None:
    """Name the folder of one's own project for this process, and by its environment for executors and ranks."""
    os.environ[_PROJECT_VARIABLE] = str(Path(folder).absolute())


def own_project() -> Path | None:
    """Folder of one's own ``conf/``, ``schemas/``, ``jobs/`` and ``sparkrec_extensions/``; None where there is none.

    Raises:
        ConfigurationError: It is named, and there is no such folder.
    """
    named = os.environ.get(_PROJECT_VARIABLE)
    if not named:
        return None
    folder = Path(named).absolute()
    if not folder.is_dir():
        raise ConfigurationError(f"--project {named}: there is no such folder")
    return folder


def roots() -> list[Path]:
    """The folders that hold ``conf/``, ``schemas/`` and ``jobs/``: first one's own project's, then sparkrec's."""
    own = own_project()
    return [*([own] if own else []), shipped_root()]


def package_file(name: str) -> str:
    """Path of ``package:NAME/PATH`` on this machine.

    Raises:
        ModuleNotFoundError: The package is not installed.
    """
    package, _, path = name.removeprefix(PACKAGE).partition("/")
    return str(importlib.resources.files(package) / path)


def anchored(kind: Any, value: Any, folder: Path) -> Any:
    """The value with its relative paths made absolute.

    Args:
        kind: A type; what is a `PathSetting` in it is a path, at any depth of models, mappings, lists and choices.
        value: What a file says, which need not fit the type: what does not stays as it is.
        folder: Where relative paths start. ``..`` leads to the folder above by name, links not looked at.
    """
    origin, parts = typing.get_origin(kind), typing.get_args(kind)
    if origin is Annotated:
        is_path = _PATH in parts[1:] and isinstance(value, str)
        return _absolute(value, folder) if is_path else anchored(parts[0], value, folder)
    if origin in (typing.Union, types.UnionType):
        # An absolute path stays, so that each choice may have a look.
        for part in parts:
            value = anchored(part, value, folder)
        return value
    if isinstance(value, Mapping):
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            kinds = typing.get_type_hints(kind, include_extras=True)
            return {key: anchored(kinds.get(key), each, folder) for key, each in value.items()}
        return {key: anchored(parts[1], each, folder) for key, each in value.items()} if origin is dict else value
    if origin in (list, tuple):
        # Where a list may stand one may, too.
        is_one = not isinstance(value, list)
        return anchored(parts[0], value, folder) if is_one else [anchored(parts[0], each, folder) for each in value]
    return value


def _absolute(path: str, folder: Path) -> str:
    # An empty one is left to be refused.
    is_elsewhere = not path or path.startswith(PACKAGE) or "://" in path
    return path if is_elsewhere else os.path.normpath(folder.absolute() / path)
