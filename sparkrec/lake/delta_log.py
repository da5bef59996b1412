"""Facts of a Delta table that its log says without a Spark job."""

import json
from datetime import UTC, datetime
from typing import Any

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


def committed_at(table: str, version: int) -> datetime:
    """When a version was committed; the beginning of time where the log does not reach back to it."""
    try:
        milliseconds = _commit_info(table, version).get("timestamp", 0)
    except FileNotFoundError:
        milliseconds = 0
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def _commit_info(table: str, version: int) -> dict[str, Any]:
    for line in files.read_bytes(f"{table}/_delta_log/{version:020d}.json").splitlines():
        action = json.loads(line)
        if "commitInfo" in action:
            return dict(action["commitInfo"])
    return {}
