"""Files that would fill a machine: what is too much of one is refused, with its place, before it is in memory."""

import bz2
import gzip
import io
import json
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet as pq

from sparkrec.config.settings import LandingSettings
from sparkrec.landing.probe import Probe, probe

GOOD = '{"user":"u1","item":"i1"}\n'
MEGABYTE = 1_000_000
Look = Callable[..., Probe]


@pytest.fixture
def look(tmp_path: Path) -> Look:
    """Gives what is found of a file of a name and content, by settings of its source."""

    def of(name: str, content: bytes | pa.Table, **settings: Any) -> Probe:
        path = tmp_path / name
        if isinstance(content, pa.Table):
            pq.write_table(content, path, compression="zstd", row_group_size=settings.pop("rows", None))
        else:
            path.write_bytes(content)
        kind = path.suffixes[0].removeprefix(".")
        return probe(str(path), LandingSettings(landing=str(path), format=kind, **settings))

    return of


def zipped(content: bytes) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("lines.jsonl", content)
    return held.getvalue()


PACKERS = [
    ("jsonl", bytes),
    ("jsonl.gz", gzip.compress),
    ("jsonl.bz2", bz2.compress),
    ("jsonl.zst", lambda content: pa.compress(content, "zstd", asbytes=True)),
    ("jsonl.zip", zipped),
]


@pytest.mark.parametrize(("name", "pack"), PACKERS)
def test_a_line_that_is_too_long_is_found_with_a_chunk_in_memory(look: Look, name: str, pack: Any) -> None:
    content = (GOOD * 2 + '{"user":"' + "x" * 20 * MEGABYTE + '"}\n' + GOOD).encode()
    packed = pack(content)
    del content
    tracemalloc.start()
    found = look(f"a.{name}", packed, longest_line=MEGABYTE)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert (found.trouble, found.too_long, found.first_too_long, found.restaged) == (None, 1, 3, True)
    assert peak - len(packed) < 12 * MEGABYTE


@pytest.mark.parametrize(("name", "pack"), PACKERS[1:])
def test_a_packed_file_that_grows_out_of_proportion_is_bad(look: Look, name: str, pack: Any) -> None:
    found = look(f"a.{name}", pack(GOOD.encode() * 40_000), largest_unpacked=MEGABYTE, max_growth=10)
    allowed = "deliver it plain, or raise `largest_unpacked` or `max_growth`"
    assert found.trouble == f"it unpacks to more than 1,000,000 characters: {allowed}"
    assert look(f"b.{name}", pack(GOOD.encode() * 40_000), max_growth=10).trouble is None


def test_a_file_read_as_a_whole_has_a_bound_of_its_own(look: Look) -> None:
    pretty = json.dumps([json.loads(GOOD)] * 5_000, indent=1).encode()
    assert look("a.jsonl", pretty) == Probe(multiline=True)
    found = look("b.jsonl", pretty, largest_document=100_000)
    assert found.trouble == (
        f"it is read as a whole and has {len(pretty):,} characters, more than `largest_document`, 100,000: deliver an "
        "object a line"
    )
    # An array on one line is a document, too, as long as it is small enough; else it is a line among others.
    array = json.dumps([json.loads(GOOD)] * 5_000).encode()
    assert look("c.jsonl", array, longest_line=10_000) == Probe(multiline=True)
    found = look("d.jsonl", array + b"\n" + GOOD.encode(), longest_line=10_000, largest_document=100_000)
    assert found == Probe(too_long=1, first_too_long=1, restaged=True)


@pytest.mark.parametrize(
    "line",
    ["[" * 100_000 + "]" * 100_000, "[" * 100_000, '{"a":' * 100_000 + "1" + "}" * 100_000, f"[{'1' * 100_000}]"],
)
def test_json_nested_without_end_is_a_line_like_others(look: Look, line: str) -> None:
    assert look("a.jsonl", f"{line}\n{GOOD}".encode()).trouble is None


def test_a_csv_says_what_of_it_is_too_long(look: Look) -> None:
    def found(text: str, **options: str) -> Probe:
        return look("a.csv", text.encode(), longest_line=MEGABYTE, options=options)

    long_ = "x" * 20 * MEGABYTE
    assert found(f"user,item\nu1,i1\nu2,{long_}\nu3,i3\n") == Probe(
        columns=("user", "item"), too_long=1, first_too_long=3, restaged=True
    )
    assert found(f"user,{long_}\nu1,i1\n").trouble == (
        "its line of column names is longer than `longest_line`, 1,000,000: mend it"
    )
    assert found(f'user,item\nu1,"a\nb"\nu2,{long_}\n').trouble == (
        "line 4 is longer than `longest_line`, 1,000,000, and records go on over lines, so that nobody can tell where "
        "its own ends: mend it"
    )
    # A value of more than the 128 kB that Python takes by itself.
    assert found(f'user,item\nu1,"{long_[:500_000]}\nb"\n').multiline
    assert found(f"user item\nu1 {long_}\n", sep=" ").too_long == 1


def test_parquet_says_where_a_value_is_too_long(look: Look) -> None:
    texts = ["a"] * 5 + ["x" * 2 * MEGABYTE] + ["b"] * 4
    table = pa.table({"user": [str(n) for n in range(10)], "title": texts})
    where = "column title of row group 2 has a value of more than `longest_line`, 1,000,000 bytes: mend it, or raise it"
    assert look("a.parquet", table, rows=5, longest_line=MEGABYTE).trouble == where
    assert look("b.parquet", table, rows=5).trouble is None
    nested = pa.table({"lines": [[{"sku": text}] for text in texts]})
    found = look("c.parquet", nested, rows=5, longest_line=MEGABYTE)
    assert found.trouble == where.replace("title", "lines.list.item.sku")


def test_parquet_that_grows_out_of_proportion_is_bad(look: Look) -> None:
    # A dictionary of one text, which all rows have.
    rows = 200_000
    table = pa.table({"title": pa.DictionaryArray.from_arrays(pa.array([0] * rows, pa.int32()), ["x" * 10_000])})
    found = look("a.parquet", table, largest_unpacked=MEGABYTE, max_growth=10)
    assert found.trouble is not None
    assert "its texts up to column title of row group 1 have more than" in found.trouble
    numbers = pa.table({"a": pa.array([7] * MEGABYTE)})
    held = io.BytesIO()
    pq.write_table(numbers, held, use_dictionary=False, compression="zstd")
    found = look("b.parquet", held.getvalue(), largest_unpacked=MEGABYTE, max_growth=10)
    assert found.trouble is not None
    assert found.trouble.startswith("column a of row group 1 unpacks to 8,000,")


def test_a_zip_that_nobody_can_open_is_bad_in_one_line(look: Look) -> None:
    locked = bytearray(zipped(GOOD.encode()))
    # The flag that says that there is a password, in both headers.
    locked[6] |= 1
    locked[locked.index(b"PK\x01\x02") + 8] |= 1
    found = look("a.jsonl.zip", bytes(locked))
    assert found.trouble is not None
    assert found.trouble.startswith("it cannot be read: ")
    assert "password" in found.trouble
