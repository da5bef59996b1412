"""Files beside the tables, on any file system that pyarrow opens: a path, or a URI such as s3:// or hdfs://."""

import fnmatch
import hashlib
import io
import re
import uuid
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow_hotfix  # noqa: F401  closes CVE-2023-47248 of this pyarrow
from numpy.typing import NDArray
from pyarrow import fs
from pyarrow import parquet as pq
from pyspark.sql import DataFrame, SparkSession

from sparkrec.errors import DataError
from sparkrec.file_systems import open_file_system

Arrays = dict[str, NDArray[Any]]

_CHUNK = 1 << 20


def exists(uri: str) -> bool:
    """Whether a file or folder lies there."""
    filesystem, path = open_file_system(uri)
    return filesystem.get_file_info(path).type is not fs.FileType.NotFound


def read_bytes(uri: str) -> bytes:
    """The content of a file; FileNotFoundError where there is none."""
    filesystem, path = open_file_system(uri)
    with filesystem.open_input_stream(path, compression=None) as stream:
        return bytes(stream.read())


def write_bytes(uri: str, content: bytes) -> None:
    """Write a file so that a reader sees the old content or the new, never a part of it."""
    filesystem, path = open_file_system(uri)
    filesystem.create_dir(path.rpartition("/")[0], recursive=True)
    temporary = path + ".writing"
    with filesystem.open_output_stream(temporary, compression=None) as stream:
        stream.write(content)
    filesystem.move(temporary, path)


def check_writable(folder: str) -> None:
    """Make the folder if need be, and see whether files can be written there.

    Raises:
        DataError: They cannot; the message says why.
    """
    try:
        filesystem, path = open_file_system(folder)
        filesystem.create_dir(path, recursive=True)
        probe = f"{path}/.sparkrec-{uuid.uuid4().hex}"
        with filesystem.open_output_stream(probe) as stream:
            stream.write(b"sparkrec")
        filesystem.delete_file(probe)
    except OSError as error:
        raise DataError(
            f"{folder} cannot be written: {error}. Name another folder, or mend its rights or free some space"
        ) from None


def is_empty(folder: str) -> bool:
    """Whether nothing lies there, or a folder with nothing in it."""
    filesystem, path = open_file_system(folder)
    kind = filesystem.get_file_info(path).type
    if kind is fs.FileType.Directory:
        return not filesystem.get_file_info(fs.FileSelector(path))
    return bool(kind is fs.FileType.NotFound)


def move(uri: str, to: str) -> None:
    """Give a file another name or folder, which is made if need be."""
    filesystem, path = open_file_system(uri)
    _, target = open_file_system(to)
    filesystem.create_dir(target.rpartition("/")[0], recursive=True)
    filesystem.move(path, target)


def delete_folder(uri: str) -> None:
    """Remove a folder and all in it; nothing happens where there is none."""
    filesystem, path = open_file_system(uri)
    if filesystem.get_file_info(path).type is fs.FileType.Directory:
        filesystem.delete_dir(path)


def delete_file(uri: str) -> None:
    """Remove a file; nothing happens where there is none."""
    filesystem, path = open_file_system(uri)
    if filesystem.get_file_info(path).type is fs.FileType.File:
        filesystem.delete_file(path)


def delete_others(folder: str, names: Collection[str], besides: str) -> None:
    """Remove all files below a folder but those of these names, and those of one folder directly below it."""
    filesystem, path = open_file_system(folder)
    stays = f"{path.rstrip('/')}/{besides}/"
    for info in filesystem.get_file_info(fs.FileSelector(path, recursive=True)):
        if info.type is fs.FileType.File and info.base_name not in names and not info.path.startswith(stays):
            filesystem.delete_file(info.path)


def make_private_folder(uri: str) -> None:
    """Make a folder that, on this machine, its owner alone may look into."""
    filesystem, path = open_file_system(uri)
    filesystem.create_dir(path, recursive=True)
    if isinstance(filesystem, fs.LocalFileSystem):
        Path(path).chmod(0o700)


def size_of(folder: str, suffix: str) -> int:
    """Bytes of the files of this ending in a folder and those below it."""
    return sum(info.size or 0 for info in _files_below(folder, suffix))


def count_files(uri: str, suffix: str) -> int:
    """How many files of this ending lie in the folder of a table and those below it, but its log."""
    return sum("/_delta_log/" not in info.path for info in _files_below(uri, suffix))


def _files_below(folder: str, suffix: str) -> list[fs.FileInfo]:
    filesystem, path = open_file_system(folder)
    found = filesystem.get_file_info(fs.FileSelector(path, allow_not_found=True, recursive=True))
    return [info for info in found if info.type is fs.FileType.File and info.path.endswith(suffix)]


def write_arrays(uri: str, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write named arrays as one ``.npz`` file."""
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    write_bytes(uri, buffer.getvalue())


def write_table(uri: str, parts: Iterable[pa.Table]) -> None:
    """Write some tables of one schema as one Parquet file, a part in memory at a time, all or nothing."""
    filesystem, path = open_file_system(uri)
    filesystem.create_dir(path.rpartition("/")[0], recursive=True)
    # Readers pass over hidden files.
    folder, _, name = path.rpartition("/")
    temporary = f"{folder}/.{name}.writing"
    writer = None
    for part in parts:
        writer = writer or pq.ParquetWriter(temporary, part.schema, filesystem=filesystem)
        writer.write_table(part)
    if writer:
        writer.close()
        filesystem.move(temporary, path)


def read_arrays(uri: str) -> Arrays:
    """Read what `write_arrays` wrote."""
    with np.load(io.BytesIO(read_bytes(uri)), allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}


def read_table(uri: str) -> pa.Table:
    """Read a Parquet file."""
    filesystem, path = open_file_system(uri)
    with filesystem.open_input_file(path) as stream:
        return pq.ParquetFile(stream).read()


def read_tables(folder: str) -> pa.Table:
    """Read all Parquet files of a folder as one table, in the order of their names."""
    return pa.concat_tables(map(read_table, find_files(f"{folder}/*.parquet")))


def find_files(pattern: str) -> list[str]:
    """Files that a path, folder or glob names, sorted.

    A folder names all files below it. A glob's ``*`` stays within a folder, ``**`` crosses them. Files that are
    hidden or lie in a hidden folder (``.`` or ``_`` in front) are left out. What is on this machine by a name with
    the signs of a glob in it is meant by that name.
    """
    return sorted(find_paths(pattern))


def find_paths(pattern: str) -> dict[str, str]:
    """`find_files`, each with its path below the `fixed_folder` of the pattern; a path to a file with its name."""
    scheme, separator, _ = pattern.rpartition("://")
    folder, wanted = _base_and_glob(pattern)
    file_system, base = open_file_system(folder or ".")
    if file_system.get_file_info(base).type is fs.FileType.File:
        return {scheme + separator + base: base.rpartition("/")[2]}
    below = base.rstrip("/") + "/"
    listed = file_system.get_file_info(fs.FileSelector(base, recursive=True, allow_not_found=True))
    found = {info.path: info.path.removeprefix(below) for info in listed if info.type is fs.FileType.File}
    return {scheme + separator + path: name for path, name in found.items() if _names(wanted, name)}


def for_spark(path: str) -> str:
    """The path as Spark takes it, which reads paths as globs."""
    return re.sub(r"([\\*?\[\]{}])", r"\\\1", path)


def fixed_folder(pattern: str) -> str:
    """The folder or file in front of the first part of a pattern with a glob's signs."""
    return _base_and_glob(pattern)[0]


def _base_and_glob(pattern: str) -> tuple[str, str]:
    """`fixed_folder`, and the glob from there; ``**`` without one."""
    scheme, separator, path = pattern.rpartition("://")
    parts = path.split("/")
    for number, part in enumerate(parts):
        is_meant = not separator and exists("/".join(parts[: number + 1]))
        if any(sign in part for sign in "*?[") and not is_meant:
            folder = "".join(f"{before}/" for before in parts[:number])
            return scheme + separator + folder, "/".join(parts[number:])
    return pattern, "**"


def _names(glob: str, path: str) -> bool:
    """Whether the glob names the file; both are relative to the same folder."""
    if any(part.startswith((".", "_")) for part in path.split("/")):
        return False
    return fnmatch.fnmatchcase(path, glob) and ("**" in glob or glob.count("/") == path.count("/"))


def sha256_of_files(spark: SparkSession, uris: list[str]) -> dict[str, str]:
    """SHA-256 of each file's bytes, computed on the executors, a chunk in memory at a time."""

    def hashed(batches: Iterable[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        for batch in batches:
            yield pd.DataFrame({"uri": batch["uri"], "sha256": [_sha256(uri) for uri in batch["uri"]]})

    if not uris:
        return {}
    paths: DataFrame = spark.createDataFrame([(uri,) for uri in uris], "uri string").repartition(
        min(len(uris), spark.sparkContext.defaultParallelism)
    )
    return {row.uri: row.sha256 for row in paths.mapInPandas(hashed, "uri string, sha256 string").collect()}


def _sha256(uri: str) -> str:
    filesystem, path = open_file_system(uri)
    digest = hashlib.sha256()
    with filesystem.open_input_stream(path, compression=None) as stream:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def parquet_size(uri: str) -> tuple[int, int]:
    """Rows and row groups of a Parquet file, from its footer."""
    filesystem, path = open_file_system(uri)
    with filesystem.open_input_file(path) as stream:
        metadata = pq.ParquetFile(stream).metadata
        return metadata.num_rows, metadata.num_row_groups


def parquet_columns(uri: str) -> dict[str, str]:
    """Arrow types of a Parquet file's columns by name."""
    filesystem, path = open_file_system(uri)
    with filesystem.open_input_file(path) as stream:
        return {field.name: str(field.type) for field in pq.read_schema(stream)}
