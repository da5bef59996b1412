"""Damaged files of a lake, looked for where a job has failed for no reason that it could name."""

import io
import json
import zipfile
from collections.abc import Collection, Iterator
from urllib.parse import unquote

import pyarrow as pa
from deltalake.exceptions import DeltaError
from pyarrow import fs
from pyarrow import parquet as pq

from sparkrec.file_systems import open_file_system
from sparkrec.layout import table_path
from sparkrec.snapshot import open_table


def damage_of_tables(root: str, tables: Collection[str]) -> Iterator[str]:
    """Files that are missing, or of another size than the table's log says, each with what to do about it.

    Args:
        root: The lake.
        tables: Names as ``layer.table``.
    """
    for table in tables:
        path = table_path(root, table)
        try:
            with open_table(path) as log:
                added = log.get_add_actions(flatten=True)
        except DeltaError:
            continue
        filesystem, folder = open_file_system(path)
        names = [unquote(name) for name in added.column("path").to_pylist()]
        sizes = added.column("size_bytes").to_pylist()
        infos = filesystem.get_file_info([f"{folder}/{name}" for name in names])
        for name, size, found in zip(names, sizes, infos, strict=True):
            if found.type is fs.FileType.NotFound or found.size != size:
                state = "is missing" if found.type is fs.FileType.NotFound else f"has {found.size:,} of {size:,} bytes"
                landed = " from the landing folder" if table.startswith("bronze.") else ""
                yield (
                    f"{path}/{name} {state}: bring it back from a backup, or remove the folder {path} and run "
                    f"`sparkrec run` again, which makes {table} again{landed}"
                )


def damage_of_files(folder: str) -> Iterator[str]:
    """Archives of arrays, Parquet and JSON files below a folder that cannot be read, each with what to do about it."""
    filesystem, base = open_file_system(folder)
    for info in filesystem.get_file_info(fs.FileSelector(base, allow_not_found=True, recursive=True)):
        is_whole = next((check for ending, check in _CHECKS.items() if info.path.endswith(ending)), None)
        if is_whole is None:
            continue
        with filesystem.open_input_stream(info.path, compression=None) as stream:
            content = stream.read()
        if not is_whole(content):
            uri = folder.rstrip("/") + info.path.removeprefix(base.rstrip("/"))
            # A part of a table goes with all that its model is at that fold: what is left of it would pass for whole.
            is_of_model = info.path.endswith(".parquet") and "/models/" in f"{uri}/"
            what = f"the folder {uri.rsplit('/', 2)[0]}" if is_of_model else "it"
            yield f"{uri} is damaged: remove {what} and run `sparkrec run` again, which makes what it held again"


def _is_archive(content: bytes) -> bool:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return archive.testzip() is None
    except zipfile.BadZipFile:
        return False


def _is_json(content: bytes) -> bool:
    try:
        json.loads(content)
    except ValueError:
        return False
    return True


def _is_parquet(content: bytes) -> bool:
    try:
        pq.ParquetFile(io.BytesIO(content)).read()
    except (pa.ArrowInvalid, OSError):
        return False
    return True


_CHECKS = {".npz": _is_archive, ".parquet": _is_parquet, ".json": _is_json}
