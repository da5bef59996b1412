"""Where the tables of a lake lie, and which there are."""

from collections.abc import Sequence
from pathlib import Path

from sparkrec.contracts.load import LAYERS
from sparkrec.file_systems import file_names, subfolders


def table_path(root: str, table: str) -> str:
    """Folder of a table by its name as ``layer.table``."""
    return f"{root}/{table.replace('.', '/', 1)}"


def absolute(path: str) -> str:
    """A path or URI as those need it who do not know the working directory."""
    return path if "://" in path else str(Path(path).resolve())


def table_names(root: str, layers: Sequence[str] = LAYERS) -> list[str]:
    """Names of the tables of these layers that have a version to read, in the layers' order."""
    names = [f"{layer}.{name}" for layer in layers for name in subfolders(f"{root}/{layer}")]
    return [name for name in names if newest_version(table_path(root, name)) is not None]


def newest_version(table: str) -> int | None:
    """The newest version of the table at this path; None where there is no table."""
    commits = [name.removesuffix(".json") for name in file_names(f"{table}/_delta_log")]
    versions = [int(name) for name in commits if name.isdigit()]
    return max(versions) if versions else None
