"""Petastorm's reader gives the row groups of files as they are, in the files' order."""

from pathlib import Path

import pyarrow as pa
from odd_name import ODD_NAME
from pyarrow import parquet as pq

from sparkrec.compat.petastorm import row_groups


def test_more_files_than_the_pool_is_told_of_at_once_come_in_order(tmp_path: Path) -> None:
    files = []
    (tmp_path / ODD_NAME).mkdir()
    for number in range(6):
        file = tmp_path / ODD_NAME / f"{number}.parquet"
        pq.write_table(pa.table({"x": [number, number + 10]}), file)
        files.append(str(file))
    with row_groups(files) as groups:
        assert [table.column("x").to_pylist() for table in groups] == [[n, n + 10] for n in range(6)]


def test_no_files_have_no_row_groups() -> None:
    with row_groups([]) as groups:
        assert list(groups) == []
