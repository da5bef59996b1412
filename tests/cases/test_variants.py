"""What one delivery of many files comes to, each written another way by a program's own writer: a line a file."""

import bz2
import csv
import gzip
import io
import json
import lzma
import re
import zipfile
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import yaml
from pyarrow import parquet as pq
from pyspark.sql import Row, SparkSession

from sparkrec.config import load_settings, shipped_root
from sparkrec.graph import JOBS
from sparkrec.lake import Lake
from sparkrec.steps.runner import Runner

AT = "2024-03-05 06:07:08"
MAPPING = {"user_id": "user", "item_id": "item", "event_time": "at", "quantity": "qty", "unit_price": "price"}


def line(user: str, **changes: Any) -> dict[str, Any]:
    return {"user": user, "item": "i1", "at": AT, "qty": 2, "price": 1.5, "title": "Red mug"} | changes


def table(user: str, end: str = "\n", sep: str = ",", quoting: Any = csv.QUOTE_MINIMAL, **changes: Any) -> str:
    """A CSV of one line, as the csv module writes it."""
    text = io.StringIO()
    values = line(user, **changes)
    writer = csv.writer(text, delimiter=sep, lineterminator=end, quoting=quoting)
    writer.writerows([list(values), list(values.values())])
    return text.getvalue()


def zipped(content: str, *names: str) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        for name in names:
            file.writestr(name, content)
    return archive.getvalue()


LONG = "x" * 200_000
# By user: the file's name and its bytes or text. Each gives the same event, of that user.
CSV: dict[str, tuple[str, str | bytes]] = {
    "plain": ("plain.csv", table("plain")),
    "crlf": ("crlf.csv", table("crlf", end="\r\n")),
    "unended": ("unended.csv", table("unended").rstrip("\n")),
    "bom": ("bom.csv", table("bom").encode("utf-8-sig")),
    "utf16": ("utf16.csv", table("utf16").encode("utf-16")),
    "utf16be": ("utf16be.csv", b"\xfe\xff" + table("utf16be").encode("utf-16-be")),
    "utf32": ("utf32.csv", table("utf32").encode("utf-32")),
    "all_quoted": ("all_quoted.csv", table("all_quoted", quoting=csv.QUOTE_ALL)),
    "comma_inside": ("comma_inside.csv", table("comma_inside", title="Red, mug")),
    "quote_inside": ("quote_inside.csv", table("quote_inside", title='The "red" mug')),
    "line_inside": ("line_inside.csv", table("line_inside", title="Red\nmug")),
    "crlf_inside": ("crlf_inside.csv", table("crlf_inside", title="Red\r\nmug", end="\r\n")),
    "long": ("long.csv", table("long", title=LONG)),
    "emoji": ("emoji.csv", table("emoji", title="\U0001f381 mug")),
    "further": ("further.csv", table("further", colour="red")),
    "reordered": ("reordered.csv", "title,price,qty,at,item,user\nRed mug,1.5,2,2024-03-05 06:07:08,i1,reordered\n"),
    "padded": ("padded.csv", table("padded").replace("user,item", " user ,\titem")),
    "capital": ("capital.csv", table("capital").replace("user,item", "User,ITEM")),
    "blank_lines": ("blank_lines.csv", table("blank_lines") + "\n\n"),
    "twice_named": (
        "twice_named.csv",
        table("twice_named").replace("title\n", "title,note,note\n").replace("mug\n", "mug,a,b\n"),
    ),
    "unnamed": ("unnamed.csv", table("unnamed").replace("title\n", "title,\n").replace("mug\n", "mug,a\n")),
    "lakes_own": ("lakes_own.csv", table("lakes_own", _batch_id="b", _ingested_at="x")),
    "gzip": ("gzip.csv.gz", gzip.compress(table("gzip").encode())),
    "gzip_unnamed": ("gzip_unnamed.csv", gzip.compress(table("gzip_unnamed").encode())),
    "gzip_members": (
        "members.csv.gz",
        gzip.compress(table("gzip_members").encode()[:20]) + gzip.compress(table("gzip_members").encode()[20:]),
    ),
    "bzip2": ("bzip2.csv.bz2", bz2.compress(table("bzip2").encode())),
    "xz": ("xz.csv.xz", lzma.compress(table("xz").encode())),
    "zstd": ("zstd.csv.zst", pa.compress(table("zstd").encode(), "zstd", asbytes=True)),
    "lz4": ("lz4.csv.lz4", pa.compress(table("lz4").encode(), "lz4", asbytes=True)),
    "zip": ("zip.zip", zipped(table("zip"), "inner.csv")),
    "folder": ("dt=2024-03-05/folder.csv", table("folder")),
    "odd_name": ("an odd [name] 100% #1.csv", table("odd_name")),
    "padded_id": ("padded_id.csv", table("\u00a0padded_id\u200b\t")),
    "fraction": ("fraction.csv", table("fraction", qty="2.000")),
}
JSON: dict[str, tuple[str, str | bytes]] = {
    "object": ("object.jsonl", json.dumps(line("object"))),
    "blank": ("blank.jsonl", "\n\n" + json.dumps(line("blank")) + "\n\n"),
    "bom": ("bom.jsonl", json.dumps(line("bom")).encode("utf-8-sig")),
    "crlf": ("crlf.jsonl", json.dumps(line("crlf")) + "\r\n"),
    "utf16": ("utf16.jsonl", json.dumps(line("utf16")).encode("utf-16")),
    "gzip": ("gzip.jsonl.gz", gzip.compress(json.dumps(line("gzip")).encode())),
    "array": ("array.jsonl", json.dumps([line("array")])),
    "pretty": ("pretty.json", json.dumps([line("pretty")], indent=2)),
    "pretty_object": ("pretty_object.json", json.dumps(line("pretty_object"), indent=4)),
    "array_of_lines": ("array_of_lines.json", "[" + json.dumps(line("array_of_lines")) + "\n]"),
    "escaped": ("escaped.jsonl", json.dumps(line("escaped", title="\u00e9\U0001f381"), ensure_ascii=True)),
    "nested": ("nested.jsonl", json.dumps(line("nested", extra={"b": [1, {"c": None}], "a": "x"}))),
    "as_text": ("as_text.jsonl", json.dumps(line("as_text", qty="2", price="1.50"))),
    "float": ("float.jsonl", json.dumps(line("float", qty=2.0))),
}


def columns(user: str, **changes: Any) -> pa.Table:
    """A table of one line; of these columns the given array or value."""
    values = {name: [value] for name, value in line(user).items()}
    return pa.table(
        values | {name: value if isinstance(value, pa.Array) else [value] for name, value in changes.items()}
    )


MOMENT = datetime(2024, 3, 5, 6, 7, 8)
PARQUET: dict[str, pa.Table] = {
    "int8": columns("int8", qty=pa.array([2], pa.int8())),
    "uint64": columns("uint64", qty=pa.array([2], pa.uint64())),
    "float32": columns("float32", qty=pa.array([2], pa.float32()), price=pa.array([1.5], pa.float32())),
    "double": columns("double", qty=2.0),
    "decimal": columns("decimal", price=Decimal("1.5000"), qty=Decimal("2.00")),
    "large": columns("large", at=pa.array([AT], pa.large_string())),
    "dictionary": columns("dictionary", item=pa.array(["i1"]).dictionary_encode()),
    "nothing": columns("nothing", none=pa.nulls(1)),
    "millis": columns("millis", at=pa.array([MOMENT], pa.timestamp("ms"))),
    "micros": columns("micros", at=MOMENT),
    "nanos": columns("nanos", at=pa.array([MOMENT], pa.timestamp("ns"))),
    "utc": columns("utc", at=MOMENT.replace(tzinfo=UTC)),
    "list": columns("list", tags=["a", "b"]),
    "struct": columns("struct", made={"on": date(2024, 1, 1), "by": Decimal("1.5")}),
}
# By file: its bytes, and what is said of it.
BAD: dict[str, tuple[str | bytes, str]] = {
    "paper.csv": (b"%PDF-1.7 \x00\x01", "it is PDF, not csv"),
    "table.csv": (b"PAR1\x15\x04", "it is Parquet, not csv"),
    "archive.csv": (b"7z\xbc\xaf\x27\x1c\x00", "it is 7z, not csv"),
    "sheet.csv": (b"\xd0\xcf\x11\xe0\xa1\xb1", "it is an old Excel file, not csv"),
    "base.csv": (b"SQLite format 3\x00", "it is SQLite, not csv"),
    "noise.csv": (bytes(range(256)) * 8, "it holds bytes that are no text"),
    "plain.csv.gz": (table("u"), "its name says gzip, but it does not begin as such a file does"),
    "cut.csv.gz": (gzip.compress(table("u", title=LONG).encode())[:60], "it cannot be read"),
    "two.zip": (zipped(table("u"), "a.csv", "b.csv"), "the archive holds 2 files: unpack it"),
    "packed.csv.snappy": (b"abc", "its compression is not known here"),
    "headless.csv": ("u1,i1\nu2,i2\n", "it has no at, item, price, qty, title, user, which the source file uses"),
}


class Shop:
    """A shop with a folder of files, each ingested and cleaned once."""

    def __init__(
        self, spark: SparkSession, folder: Path, format_: str, files: dict[str, str | bytes | pa.Table]
    ) -> None:
        for name, content in files.items():
            path = folder / "landing" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(content, pa.Table):
                pq.write_table(content, path)
            else:
                path.write_bytes(content if isinstance(content, bytes) else content.encode())
        source = {"name": "shop", "landing": "landing", "format": format_, "on_bad_file": "skip"}
        (folder / "shop.yaml").write_text(
            yaml.safe_dump(source | {"interactions": MAPPING, "items": {"title": "title"}})
        )
        self.said: list[str] = []
        settings = load_settings("test", str(folder / "shop.yaml"), str(folder / "lake"))
        runner = Runner.start(settings, spark, self.said.append)
        runner.run([job for job in JOBS if job.name in ("ingest", "clean")])
        lake = Lake(spark, settings.lake)
        self.events = {row.user_id: row for row in lake.read("silver.interactions").collect()}
        self.refused = lake.read("silver.quarantine").count()


@pytest.fixture(scope="module")
def of_csv(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Shop:
    bad = {name: content for name, (content, _) in BAD.items()}
    return Shop(spark, tmp_path_factory.mktemp("csv"), "csv", dict(CSV.values()) | bad)


@pytest.fixture(scope="module")
def of_json(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Shop:
    return Shop(spark, tmp_path_factory.mktemp("json"), "jsonl", dict(JSON.values()))


@pytest.fixture(scope="module")
def of_parquet(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Shop:
    return Shop(
        spark, tmp_path_factory.mktemp("pq"), "parquet", {f"{name}.parquet": table for name, table in PARQUET.items()}
    )


def check(event: Row | None) -> None:
    assert event is not None
    assert (event.item_id, str(event.event_time), event.quantity, event.unit_price) == ("i1", AT, 2.0, 1.5)


@pytest.mark.parametrize("user", CSV)
def test_a_csv_gives_its_event(of_csv: Shop, user: str) -> None:
    check(of_csv.events.get(user))


@pytest.mark.parametrize("user", JSON)
def test_a_file_of_json_gives_its_event(of_json: Shop, user: str) -> None:
    check(of_json.events.get(user))


@pytest.mark.parametrize("user", PARQUET)
def test_a_parquet_file_gives_its_event(of_parquet: Shop, user: str) -> None:
    check(of_parquet.events.get(user))


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_is_named_and_set_aside(of_csv: Shop, name: str) -> None:
    told = " ".join(" ".join(of_csv.said).split())

    assert f"skipped {name}: " in told
    assert BAD[name][1] in told.split(f"skipped {name}: ")[1]


def test_nothing_else_lands(of_csv: Shop, of_json: Shop, of_parquet: Shop) -> None:
    for shop, files in ((of_csv, CSV), (of_json, JSON), (of_parquet, PARQUET)):
        assert shop.events.keys() == files.keys()
        assert shop.refused == 0


def test_compressions_that_the_document_names_are_read() -> None:
    text = (shipped_root() / "docs" / "formats.md").read_text(encoding="utf-8")
    found = re.search(r"packed as ([\w, \n]+) or a (\w+) archive", text)

    assert found
    assert {*re.findall(r"\w+", " ".join(found.groups()))} == {"gzip", "bzip2", "xz", "zstd", "lz4", "zip"}
    assert {*re.findall(r"\w+", " ".join(found.groups()))} <= {*CSV}
