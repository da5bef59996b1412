"""The file system of a path or URI, by pyarrow."""

from pathlib import Path

import pyarrow_hotfix  # noqa: F401  closes CVE-2023-47248 of this pyarrow
from pyarrow import fs


def open_file_system(uri: str) -> tuple[fs.FileSystem, str]:
    """The file system of a path or URI, and the path in it."""
    # Spark says s3a where others say s3.
    uri = uri.replace("s3a://", "s3://", 1) if "://" in uri else str(Path(uri).resolve())
    filesystem, path = fs.FileSystem.from_uri(uri)
    return filesystem, path


def subfolders(uri: str) -> list[str]:
    """Names of the folders directly below, sorted."""
    filesystem, path = open_file_system(uri)
    found = filesystem.get_file_info(fs.FileSelector(path, allow_not_found=True))
    return sorted(info.base_name for info in found if info.type is fs.FileType.Directory)


def file_names(uri: str) -> list[str]:
    """Names of the files directly in a folder, sorted; none where there is no folder."""
    filesystem, path = open_file_system(uri)
    found = filesystem.get_file_info(fs.FileSelector(path, allow_not_found=True))
    return sorted(info.base_name for info in found if info.type is fs.FileType.File)


def storage_trouble(told: str) -> str | None:
    """What the storage refused, where an error tells of that: no mistake of the data or of the code."""
    refusals = ("No space left on device", "Disk quota exceeded", "Read-only file system", "Permission denied")
    return next((refusal for refusal in refusals if refusal in told), None)
