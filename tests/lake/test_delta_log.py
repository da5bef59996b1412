import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet as pq

from sparkrec.errors import DataError
from sparkrec.lake.delta_log import active_files, check_commit, metric_of_commit, newest_version


def commit(table: Path, version: int, *actions: dict[str, Any]) -> None:
    """A commit in the table's log."""
    log = table / "_delta_log"
    log.mkdir(parents=True, exist_ok=True)
    (log / f"{version:020d}.json").write_text("\n".join(map(json.dumps, actions)))


def test_the_newest_version_is_the_highest_commit_whatever_else_lies_in_the_log(tmp_path: Path) -> None:
    for version in (8, 9, 10, 11):
        commit(tmp_path, version, {"commitInfo": {}})
    for name in ("00000000000000000012.checkpoint.parquet", "00000000000000000013.crc", "_last_checkpoint"):
        (tmp_path / "_delta_log" / name).touch()
    (tmp_path / "_delta_log" / "_commits").mkdir()

    assert newest_version(str(tmp_path)) == 11


def test_a_folder_without_commits_is_no_table(tmp_path: Path) -> None:
    (tmp_path / "empty" / "_delta_log").mkdir(parents=True)

    assert newest_version(str(tmp_path / "empty")) is None
    assert newest_version(str(tmp_path / "missing")) is None


def test_a_commits_rows_are_those_of_its_own_metrics(tmp_path: Path) -> None:
    commit(
        tmp_path, 0, {"protocol": {}}, {"commitInfo": {"operationMetrics": {"numOutputRows": "1234", "numFiles": "1"}}}
    )
    commit(tmp_path, 1, {"commitInfo": {"operation": "RESTORE", "operationMetrics": {"numRestoredFiles": "1"}}})

    assert metric_of_commit(str(tmp_path), 0, "numOutputRows") == 1234
    assert metric_of_commit(str(tmp_path), 1, "numOutputRows") == 0


def test_active_files_are_those_of_the_checkpoint_and_the_commits_behind_it(tmp_path: Path) -> None:
    for version, action in enumerate([{"add": {"path": "day=1/a"}}, {"add": {"path": "b%20c"}}]):
        commit(tmp_path, version, {"commitInfo": {}}, action)
    assert active_files(str(tmp_path)) == {"a", "b c"}
    checkpoint = pa.table(
        {"add": [{"path": "day=1/a"}, {"path": "b%20c"}, None], "remove": [None, None, {"path": "d"}]}
    )
    pq.write_table(checkpoint, tmp_path / "_delta_log" / f"{1:020d}.checkpoint.parquet")
    (tmp_path / "_delta_log" / f"{0:020d}.json").unlink()
    commit(tmp_path, 2, {"remove": {"path": "day=1/a"}}, {"add": {"path": "day=1/e"}})

    assert active_files(str(tmp_path)) == {"b c", "e"}

    # Else files that are needed would be taken for others.
    (tmp_path / "_delta_log" / f"{1:020d}.checkpoint.parquet").unlink()
    with pytest.raises(DataError, match="no commit 0 and no checkpoint behind it"):
        active_files(str(tmp_path))


@pytest.mark.parametrize("lost", ["remove", "add", "commitInfo", "half of a line"], ids=lambda lost: f"without {lost}")
def test_a_commit_that_lacks_a_part_is_no_commit(tmp_path: Path, lost: str) -> None:
    metrics = {"numOutputRows": "2", "numRemovedFiles": "1"}
    added = {"path": "new.parquet", "stats": json.dumps({"numRecords": 2})}
    actions = [
        {"commitInfo": {"operation": "WRITE", "operationMetrics": metrics}},
        {"add": added},
        {"remove": {"path": "old.parquet"}},
    ]
    log = tmp_path / "_delta_log"
    log.mkdir()
    entry = log / f"{0:020d}.json"
    entry.write_text("\n".join(map(json.dumps, actions)), encoding="utf-8")
    check_commit(str(tmp_path), 0)
    kept = [json.dumps(action) for action in actions if lost not in action]
    entry.write_text("\n".join(kept)[: -9 if len(kept) == 3 else None], encoding="utf-8")

    with pytest.raises(DataError, match="a part of this commit is missing"):
        check_commit(str(tmp_path), 0)
