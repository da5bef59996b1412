import gzip
import hashlib
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet as pq
from pyspark.sql import SparkSession

from sparkrec.errors import DataError
from sparkrec.file_systems import subfolders
from sparkrec.lake import files


@pytest.fixture
def landing(tmp_path: Path) -> Path:
    """A folder with files that are wanted and some that are not."""
    folder = tmp_path / "landing"
    for name in (
        "b.csv",
        "a.csv",
        "c.csv.gz",
        "plain (1).csv",
        ".hidden.csv",
        "_SUCCESS",
        "2011/d.csv",
        "2011/12/e.csv",
        "_temporary/f.csv",
        ".cache/g.csv",
    ):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    return folder


def found(pattern: Path | str, landing: Path) -> list[str]:
    """The files found, relative to the landing folder."""
    return [str(Path(uri).relative_to(landing)) for uri in files.find_files(str(pattern))]


def test_a_path_names_one_file_even_a_hidden_one(landing: Path) -> None:
    assert found(landing / "a.csv", landing) == ["a.csv"]
    assert found(landing / ".hidden.csv", landing) == [".hidden.csv"]


@pytest.mark.parametrize("end", ["", "/"])
def test_a_folder_names_all_files_below_it_but_hidden_ones(landing: Path, end: str) -> None:
    assert found(f"{landing}{end}", landing) == [
        "2011/12/e.csv",
        "2011/d.csv",
        "a.csv",
        "b.csv",
        "c.csv.gz",
        "plain (1).csv",
    ]


@pytest.mark.parametrize(
    ("glob", "names"),
    [
        ("*.csv", ["a.csv", "b.csv", "plain (1).csv"]),
        ("?.csv", ["a.csv", "b.csv"]),
        ("[ax].csv*", ["a.csv"]),
        ("*.csv*", ["a.csv", "b.csv", "c.csv.gz", "plain (1).csv"]),
        ("*/*.csv", ["2011/d.csv"]),
        ("20*/12/*", ["2011/12/e.csv"]),
        ("**/*.csv", ["2011/12/e.csv", "2011/d.csv"]),
        ("*.jsonl", []),
        ("nowhere/*.csv", []),
    ],
)
def test_a_glob_names_files_of_its_own_depth(landing: Path, glob: str, names: list[str]) -> None:
    assert found(landing / glob, landing) == names


def test_what_there_is_by_a_name_with_signs_of_a_glob_is_meant_by_it(tmp_path: Path) -> None:
    for name in ("2026 [new]*/a.csv", "2026 [new]*/b.csv", "2026 n/c.csv", "d[1].csv", "d1.csv"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    assert found(tmp_path / "2026 [new]*", tmp_path) == ["2026 [new]*/a.csv", "2026 [new]*/b.csv"]
    assert found(tmp_path / "2026 [new]*/b*", tmp_path) == ["2026 [new]*/b.csv"]
    assert found(tmp_path / "2026 [mn]/*", tmp_path) == ["2026 n/c.csv"]
    assert found(tmp_path / "d[1].csv", tmp_path) == ["d[1].csv"]


def test_a_glob_may_be_relative_or_a_uri(landing: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(landing)

    assert files.find_files("[ab].csv") == [str(landing / "a.csv"), str(landing / "b.csv")]
    assert files.find_files("2011/*.csv") == [str(landing / "2011/d.csv")]
    assert files.find_files(f"file://{landing}/[ab].csv") == [f"file://{landing}/a.csv", f"file://{landing}/b.csv"]


def test_nothing_is_found_where_there_is_nothing(tmp_path: Path) -> None:
    assert files.find_files(str(tmp_path / "nothing")) == []


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    uri = str(tmp_path / "models" / "current.json")
    files.write_bytes(uri, b"old")
    assert (files.exists(uri), files.read_bytes(uri)) == (True, b"old")

    class Killed(Exception):
        pass

    def killed(*_: object) -> None:
        raise Killed

    class Filesystem:
        """Everything works but the last step."""

        def __init__(self, real: object) -> None:
            self.real = real
            self.move = killed

        def __getattr__(self, name: str) -> object:
            return getattr(self.real, name)

    opened = files.open_file_system
    with monkeypatch.context() as patch:
        patch.setattr(files, "open_file_system", lambda uri: (Filesystem(opened(uri)[0]), opened(uri)[1]))
        with pytest.raises(Killed):
            files.write_bytes(uri, b"newer and longer")
    assert files.read_bytes(uri) == b"old"

    files.write_bytes(uri, b"new")
    assert files.read_bytes(uri) == b"new"
    assert [path.name for path in tmp_path.glob("models/*")] == ["current.json"]


def test_what_is_missing_does_not_exist_and_cannot_be_read(tmp_path: Path) -> None:
    assert not files.exists(str(tmp_path / "missing"))
    with pytest.raises(FileNotFoundError):
        files.read_bytes(str(tmp_path / "missing"))


def test_bytes_stay_as_they_are_whatever_the_files_name_says(tmp_path: Path) -> None:
    uri = str(tmp_path / "lines.csv.gz")

    files.write_bytes(uri, gzip.compress(b"a,b\n"))

    assert (tmp_path / "lines.csv.gz").read_bytes() == gzip.compress(b"a,b\n") == files.read_bytes(uri)


def test_folders_are_listed_and_deleted(tmp_path: Path) -> None:
    for name in ("b/x.txt", "a/y.txt", "file.txt"):
        files.write_bytes(str(tmp_path / name), b"")

    assert subfolders(str(tmp_path)) == ["a", "b"]
    files.delete_folder(str(tmp_path / "a"))
    files.delete_folder(str(tmp_path / "a"))
    assert subfolders(str(tmp_path)) == ["b"]
    assert subfolders(str(tmp_path / "missing")) == []


def test_arrays_come_back_as_they_were_written(tmp_path: Path) -> None:
    uri = str(tmp_path / "vectors.npz")
    arrays = {
        "items": np.array([[0.1, -2.5], [np.nan, np.inf]], dtype=np.float32),
        "ids": np.array(["85123A", "ä"]),
        "empty": np.zeros((0, 3), dtype=np.int64),
    }

    files.write_arrays(uri, arrays)

    read = files.read_arrays(uri)
    assert read.keys() == arrays.keys()
    for name, array in arrays.items():
        assert read[name].dtype == array.dtype
        np.testing.assert_array_equal(read[name], array)


def test_hashes_are_those_of_the_files_bytes_compressed_ones_too(spark: SparkSession, tmp_path: Path) -> None:
    contents = {"empty": b"", "large": b"0123456789" * 250_000, "lines.csv.gz": gzip.compress(b"a,b\n")}
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)

    hashes = files.sha256_of_files(spark, [str(tmp_path / name) for name in contents])

    assert hashes == {str(tmp_path / name): hashlib.sha256(content).hexdigest() for name, content in contents.items()}
    assert files.sha256_of_files(spark, []) == {}


def test_the_size_of_a_parquet_file_is_in_its_footer(tmp_path: Path) -> None:
    pq.write_table(pa.table({"number": range(25)}), tmp_path / "numbers.parquet", row_group_size=10)

    assert files.parquet_size(str(tmp_path / "numbers.parquet")) == (25, 3)


def test_a_folder_that_can_be_written_is_made_and_left_empty(tmp_path: Path) -> None:
    files.check_writable(f"{tmp_path}/shop/lake")
    assert list((tmp_path / "shop" / "lake").iterdir()) == []


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match=r"file/lake cannot be written: .*Name another folder"):
        files.check_writable(f"{tmp_path}/file/lake")


def test_a_folder_is_empty_until_something_lies_in_it(tmp_path: Path) -> None:
    assert files.is_empty(str(tmp_path / "not there"))
    assert files.is_empty(str(tmp_path))
    (tmp_path / "file").write_text("content")
    assert not files.is_empty(str(tmp_path))
    assert not files.is_empty(str(tmp_path / "file"))


def test_a_file_is_moved_into_a_folder_that_is_made_for_it(tmp_path: Path) -> None:
    (tmp_path / "old").write_text("content")
    files.move(str(tmp_path / "old"), str(tmp_path / "a" / "b" / "new"))
    assert (tmp_path / "a" / "b" / "new").read_text() == "content"
    assert not (tmp_path / "old").exists()
