"""Facts of a Delta table that its log says without a Spark job."""

import io
import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

import pyarrow_hotfix  # noqa: F401  closes CVE-2023-47248 of this pyarrow
from pyarrow import compute as pc
from pyarrow import parquet as pq

from sparkrec.errors import DataError
from sparkrec.file_systems import file_names
from sparkrec.lake import files
from sparkrec.layout import newest_version


def has_commit(table: str, version: int) -> bool:
    """Whether the log still has this version's commit."""
    return f"{version:020d}.json" in file_names(f"{table}/_delta_log")


def metric_of_commit(table: str, version: int, name: str) -> int:
    """What a commit says of itself, such as numOutputRows, the rows that it wrote; 0 where it does not."""
    return int(_commit_info(table, version).get("operationMetrics", {}).get(name, 0))


# Commits that leave a table's rows as they are.
_HOUSEKEEPING = ("OPTIMIZE", "VACUUM START", "VACUUM END")


def newest_version_of_rows(table: str) -> int | None:
    """The newest version that may have changed the table's rows; None where there is no table."""
    version = newest_version(table)
    while version and keeps_rows(table, version):
        version -= 1
    return version


def keeps_rows(table: str, version: int) -> bool:
    """Whether a commit left the table's rows as they were."""
    try:
        return _commit_info(table, version).get("operation") in _HOUSEKEEPING
    except FileNotFoundError:
        return False


def note_of_commit(table: str, version: int) -> str | None:
    """What the writer noted beside a commit; None where it did not, or the log does not reach back to it."""
    try:
        note = _commit_info(table, version).get("userMetadata")
    except FileNotFoundError:
        return None
    return None if note is None else str(note)


def active_files(table: str) -> set[str]:
    """Names of the data files of the table's newest version, as its log says; they are unlike in all folders of it.

    Raises:
        DataError: The log cannot be followed: a commit is missing, or stands in a checkpoint of several files.
    """
    log = file_names(f"{table}/_delta_log")
    checkpoints = [name for name in log if name.endswith(".checkpoint.parquet")]
    at, found = -1, set()
    if checkpoints:
        at = int(checkpoints[-1].partition(".")[0])
        packed = pq.ParquetFile(io.BytesIO(files.read_bytes(f"{table}/_delta_log/{checkpoints[-1]}")))
        added = packed.read(columns=["add.path"])["add"].combine_chunks()
        found = {path for path in pc.struct_field(added, "path").to_pylist() if path}
    newest = newest_version(table)
    for version in range(at + 1, -1 if newest is None else newest + 1):
        try:
            actions = _actions(table, version)
        except FileNotFoundError:
            raise DataError(f"{table}: its log has no commit {version} and no checkpoint behind it") from None
        for action in actions:
            found -= {action["remove"]["path"]} if "remove" in action else set()
            found |= {action["add"]["path"]} if "add" in action else set()
    return {unquote(path).rpartition("/")[2] for path in found}


def removes_with_values(table: str, version: int) -> bool:
    """Whether a commit repeats values of files that it removed."""
    lines = files.read_bytes(_commit(table, version)).splitlines()
    return any(line.startswith(b'{"remove"') and b"minValues" in line for line in lines)


def committed_at(table: str, version: int) -> datetime:
    """When a version was committed; the beginning of time where the log does not reach back to it."""
    try:
        milliseconds = _commit_info(table, version).get("timestamp", 0)
    except FileNotFoundError:
        milliseconds = 0
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def check_commit(table: str, version: int) -> None:
    """Refuse a commit that lacks a part: Delta would take one without its last lines, or an empty one.

    Raises:
        DataError: It does; the message names the file.
    """
    _commit_info(table, version)


def _commit_info(table: str, version: int) -> dict[str, Any]:
    """What a commit says of itself.

    Raises:
        DataError: A part of the commit is missing.
        FileNotFoundError: The log does not reach back to it.
    """
    try:
        actions = _actions(table, version)
        info: dict[str, Any] = next(action["commitInfo"] for action in actions if "commitInfo" in action)
        removed = sum("remove" in action for action in actions)
        is_whole = _has_all(info, [action["add"] for action in actions if "add" in action], removed)
    except (ValueError, StopIteration):
        is_whole = False
    if not is_whole:
        raise DataError(
            f"{_commit(table, version)} is damaged: a part of this commit is missing. If it is the newest of its "
            "folder, remove the files there whose names begin with its number, which undoes the commit, and run "
            "`sparkrec run` again; else bring it back from a backup"
        )
    return info


def _actions(table: str, version: int) -> list[dict[str, Any]]:
    return [json.loads(line) for line in files.read_bytes(_commit(table, version)).splitlines()]


def _commit(table: str, version: int) -> str:
    return f"{table}/_delta_log/{version:020d}.json"


def _has_all(info: dict[str, Any], added: list[dict[str, Any]], removed: int) -> bool:
    """Whether a write added as many rows, and removed as many files, as it says that it did."""
    metrics = info.get("operationMetrics", {})
    written = metrics.get("numOutputRows")
    if info.get("operation") != "WRITE" or written is None:
        return True
    if removed != int(metrics.get("numRemovedFiles", removed)):
        return False
    held: int = sum(json.loads(one["stats"])["numRecords"] for one in added if one.get("stats"))
    return int(written) == held
