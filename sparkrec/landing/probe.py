"""What a landing file is, found on the executors before Spark reads it."""

import bz2
import codecs
import csv
import gzip
import io
import json
import lzma
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from typing import Any, Self

import pandas as pd
import pyarrow as pa
import pyarrow_hotfix  # noqa: F401  closes CVE-2023-47248 of this pyarrow
from pyarrow import parquet as pq
from pyspark.sql import SparkSession

from sparkrec.config.settings import LandingSettings, SourceSettings
from sparkrec.errors import ConfigurationError
from sparkrec.file_systems import open_file_system
from sparkrec.landing.bounded_lines import TOO_LONG, BoundedLines, GrowthError
from sparkrec.landing.columns import listed
from sparkrec.landing.parquet_values import trouble_of_values

_HEAD = 1 << 12
_REPLACEMENT = "\ufffd"
_MAGIC = {
    b"\x1f\x8b": "gzip",
    b"BZh": "bzip2",
    b"\xfd7zXZ\x00": "xz",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"\x04\x22\x4d\x18": "lz4",
    b"PK\x03\x04": "zip",
    b"PAR1": "Parquet",
    b"\xff\x06\x00\x00sNaPpY": "snappy",
    b"Rar!": "rar",
    b"7z\xbc\xaf\x27\x1c": "7z",
    b"Obj\x01": "Avro",
    b"ORC": "ORC",
    b"SQLite format 3": "SQLite",
    b"\xd0\xcf\x11\xe0": "an old Excel file",
    b"%PDF": "PDF",
}
_UNPACKED_BY_SPARK = {"gzip": ".gz", "bzip2": ".bz2"}
_UNPACKED_HERE = ("gzip", "bzip2", "xz", "zstd", "lz4", "zip")
_COMPRESSED = (".snappy", ".lzo", ".deflate", ".br", ".z", ".rar", ".7z", ".lz4", ".zst", ".xz", ".zip")
_BOMS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}


@dataclass(frozen=True)
class Probe:
    """What was found of a file.

    Attributes:
        trouble: Why it cannot be read; None if it can.
        empty: Whether it holds nothing, or nothing but white space.
        columns: Of CSV the names in its first record, of Parquet those of its schema; None of JSON lines.
        multiline: Whether a quoted value of CSV, or an object of JSON, goes on over a line's end.
        restaged: Whether a copy must be made that Spark reads: unpacked, and in UTF-8.
        too_long: Lines that are longer than they may be.
        first_too_long: The number of the first of them, from 1.
        undecodable: Lines with bytes that are not of the file's encoding.
        first_undecodable: The number of the first of them, from 1.
        schema: Of Parquet, what its columns are; files of one schema are read together.
        nanoseconds: Of Parquet, columns of times in nanoseconds, which Spark reads as numbers.
    """

    trouble: str | None = None
    empty: bool = False
    columns: tuple[str, ...] | None = None
    multiline: bool = False
    restaged: bool = False
    too_long: int = 0
    first_too_long: int = 0
    undecodable: int = 0
    first_undecodable: int = 0
    schema: str = ""
    nanoseconds: tuple[str, ...] = ()


def probe_files(spark: SparkSession, files: LandingSettings, uris: list[str]) -> dict[str, Probe]:
    """What each file is, found on the executors, a chunk of a file in memory at a time."""

    def probed(batches: Iterable[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        for batch in batches:
            found = [json.dumps(asdict(probe(uri, files))) for uri in batch["uri"]]
            yield pd.DataFrame({"uri": batch["uri"], "found": found})

    if not uris:
        return {}
    slices = min(len(uris), spark.sparkContext.defaultParallelism)
    paths = spark.createDataFrame([(uri,) for uri in uris], "uri string").repartition(slices)
    rows = paths.mapInPandas(probed, "uri string, found string").collect()
    return {row.uri: _from_json(row.found) for row in rows}


def _from_json(text: str) -> Probe:
    found: dict[str, Any] = json.loads(text)
    return Probe(**found | {name: tuple(value) for name, value in found.items() if isinstance(value, list)})


def probe(uri: str, files: LandingSettings) -> Probe:
    """What one file is."""
    try:
        if files.format == "parquet":
            return _probe_parquet(uri, files)
        return _probe_text(uri, files)
    except GrowthError as error:
        return Probe(trouble=f"{error}: deliver it plain, or raise `largest_unpacked` or `max_growth`")
    # A zip archive with a password, or packed in an uncommon way, gives a RuntimeError.
    except (
        OSError,
        EOFError,
        RuntimeError,
        zlib.error,
        lzma.LZMAError,
        zipfile.BadZipFile,
        pa.ArrowException,
    ) as error:
        return Probe(trouble=f"it cannot be read: {_one_line(error)}")


def text_option(options: Mapping[str, str], *names: str) -> str | None:
    """An option of Spark's reader by any of its names; Spark does not tell upper from lower case."""
    lowered = {name.lower(): value for name, value in options.items()}
    return next((lowered[name.lower()] for name in names if name.lower() in lowered), None)


def check_encoding(source: SourceSettings) -> None:
    """See whether there is an encoding of the name that the source gives.

    Raises:
        ConfigurationError: There is none.
    """
    encoding = encoding_of(source.options)
    if encoding is not None:
        try:
            # Not by codecs.lookup: it finds some that are no encodings of text.
            "".encode(encoding)
        except LookupError:
            raise ConfigurationError(
                f"source {source.name}: options.encoding: {encoding} is no encoding; such are utf-8, utf-16, latin-1, "
                "windows-1252, shift_jis, gb18030"
            ) from None


def is_set(options: Mapping[str, str], name: str) -> bool:
    """Whether an option of Spark's reader is true."""
    return (text_option(options, name) or "").lower() == "true"


def encoding_of(options: Mapping[str, str]) -> str | None:
    """The encoding that the source names."""
    return text_option(options, "encoding", "charset")


# Text


def _probe_text(uri: str, files: LandingSettings) -> Probe:
    with unpacked(uri, None) as stream:
        head = stream.read(_HEAD)
    packed = packing(head)
    if packed is not None and packed not in _UNPACKED_HERE:
        return Probe(trouble=f"it is {packed}, not {files.format}: deliver it as text")
    by_suffix = next((name for name, suffix in _UNPACKED_BY_SPARK.items() if uri.endswith(suffix)), None)
    if by_suffix and head and packed != by_suffix:
        return Probe(trouble=f"its name says {by_suffix}, but it does not begin as such a file does")
    if packed is None and uri.lower().endswith(_COMPRESSED):
        return Probe(trouble="its compression is not known here: deliver it plain, or as .gz, .bz2, .xz, .zst or .zip")
    with unpacked(uri, packed) as stream:
        start = stream.read(_HEAD)
    encoding = encoding_of(files.options) or bom_of(start) or "utf-8"
    if _is_binary(start, encoding):
        return Probe(
            trouble=f"it holds bytes that are no text: remove it, or name the `encoding` of {files.format} files"
        )
    restaged = packed != by_suffix or not _is_utf8(encoding)
    found = (_probe_json if files.format == "jsonl" else _probe_csv)(uri, packed, encoding, files)
    return replace(found, restaged=restaged or found.too_long > 0)


def _probe_json(uri: str, packed: str | None, encoding: str, files: LandingSettings) -> Probe:
    with decoded(uri, packed, encoding) as text:
        first = " "
        while first and not first.strip():
            first = text.readline(files.longest_line + 1)
    is_cut = len(first.rstrip("\r\n")) > files.longest_line
    first = first.strip()
    with bounded_lines(uri, packed, encoding, files) as lines:
        lines.measure()
    is_small = lines.characters <= files.largest_document
    # A long line that begins an array may be a whole document, or one line among others.
    if is_set(files.options, "multiLine") or (_goes_on(first) and (is_small or not is_cut)):
        if is_small:
            return Probe(empty=not first, multiline=True)
        return Probe(
            trouble=f"it is read as a whole and has {lines.characters:,} characters, more than `largest_document`, "
            f"{files.largest_document:,}: deliver an object a line"
        )
    return Probe(empty=not first, too_long=lines.too_long, first_too_long=lines.first_too_long)


def _goes_on(first: str) -> bool:
    """Whether the first line of a file of JSON is the beginning of an array, or of an object alone on its line."""
    if not first.startswith("["):
        return first == "{"
    try:
        # As texts: Python reads numbers of few thousand digits alone.
        json.loads(first, parse_int=str, parse_float=str)
    except ValueError:
        return True
    except RecursionError:
        # Nested deeper than anybody reads: its own line is refused.
        return False
    return False


def packing(head: bytes) -> str | None:
    """How a file is compressed, or what else it is, by its first bytes; None for one that may be text."""
    return next((name for magic, name in _MAGIC.items() if head.startswith(magic)), None)


def bom_of(head: bytes) -> str | None:
    """The encoding that a byte order mark names."""
    return next((name for mark, name in _BOMS.items() if head.startswith(mark)), None)


@contextmanager
def unpacked(uri: str, packed: str | None) -> Iterator[Any]:
    """The bytes of a file, unpacked.

    Raises:
        OSError: It is a zip archive of several files, or its bytes are broken.
    """
    file_system, path = open_file_system(uri)
    with file_system.open_input_file(path) as stream:
        match packed:
            case "gzip":
                yield gzip.GzipFile(fileobj=stream)
            case "bzip2":
                yield bz2.BZ2File(stream)
            case "xz":
                yield lzma.LZMAFile(stream)  # noqa: SIM115  it closes nothing but itself
            case "zip":
                with zipfile.ZipFile(stream) as archive:
                    names = [name for name in archive.namelist() if not name.endswith("/") and "__MACOSX" not in name]
                    if len(names) != 1:
                        raise OSError(f"the archive holds {len(names)} files: unpack it")
                    with archive.open(names[0]) as member:
                        yield member
            case None:
                yield stream
            case _:
                yield pa.CompressedInputStream(stream, packed)


@contextmanager
def decoded(uri: str, packed: str | None, encoding: str) -> Iterator[io.TextIOWrapper]:
    """The text of a file, its line ends as they are; bytes that are not of the encoding become U+FFFD."""
    # A byte order mark is no part of the text.
    codec = "utf-8-sig" if _is_utf8(encoding) else encoding
    with unpacked(uri, packed) as stream, io.TextIOWrapper(stream, codec, errors="replace", newline="") as text:
        yield text


@contextmanager
def bounded_lines(
    uri: str, packed: str | None, encoding: str, files: LandingSettings, columns: int = 0
) -> Iterator[BoundedLines]:
    """The lines of a file, in the place of each that is too long one that is refused.

    Args:
        uri: The file.
        packed: How it is compressed.
        encoding: Its encoding.
        files: How the files are written, and how long a line may be.
        columns: Of CSV, the columns of the file.
    """
    file_system, path = open_file_system(uri)
    most = max(files.largest_unpacked, files.max_growth * file_system.get_file_info(path).size) if packed else None
    separator = text_option(files.options, "linesep")
    ends = (separator.replace("\\n", "\n").replace("\\r", "\r"),) if separator else ("\n", "\r")
    stand_in = _Dialect.of(files.options).refused(columns) if files.format == "csv" else str
    with decoded(uri, packed, encoding) as text:
        yield BoundedLines(text, files.longest_line, ends, stand_in, most)


def _is_utf8(encoding: str) -> bool:
    return codecs.lookup(encoding).name in ("utf-8", "utf-8-sig", "ascii")


def _is_binary(head: bytes, encoding: str) -> bool:
    if codecs.lookup(encoding).name.startswith(("utf-16", "utf-32")):
        return False
    # Text has few control characters besides white space.
    controls = sum(byte < 9 or 13 < byte < 32 for byte in head)
    return controls > max(2, len(head) // 50)


def _probe_csv(uri: str, packed: str | None, encoding: str, files: LandingSettings) -> Probe:
    dialect, longest = _Dialect.of(files.options), files.longest_line
    inside = crosses = False
    blank, lines, undecodable, first = True, 0, 0, 0
    with bounded_lines(uri, packed, encoding, files) as pieces:
        for text in pieces:
            blank = blank and not text.strip()
            if _REPLACEMENT in text:
                damaged = [number for number, line in enumerate(text.split("\n"), lines + 1) if _REPLACEMENT in line]
                undecodable, first = undecodable + len(damaged), first or damaged[0]
            lines += text.count("\n")
            # Between quotes that open and those that close, if every quote does one of both.
            parts = text.split(dialect.quote) if dialect.quote else [text]
            crosses = crosses or any("\n" in part for part in parts[1 - inside :: 2])
            inside ^= len(parts) % 2 == 0
    if blank:
        return Probe(empty=True)
    with bounded_lines(uri, packed, encoding, files) as again:
        columns = dialect.header(again.lines(), longest)
    if len(columns) > files.max_columns:
        return _too_wide(len(columns), files)
    if not columns:
        return Probe(trouble="it has no line of column names: remove or mend it")
    if columns[0].startswith(TOO_LONG):
        return Probe(trouble=f"its line of column names is longer than `longest_line`, {longest:,}: mend it")
    multiline = is_set(files.options, "multiLine")
    if crosses and not multiline:
        with bounded_lines(uri, packed, encoding, files) as again:
            multiline = dialect.has_record_over_lines(again.lines(), len(columns), longest)
    if multiline and pieces.too_long:
        return Probe(
            trouble=f"line {pieces.first_too_long} is longer than `longest_line`, {longest:,}, and records go on over "
            "lines, so that nobody can tell where its own ends: mend it"
        )
    return Probe(
        columns=columns,
        multiline=multiline,
        too_long=pieces.too_long,
        first_too_long=pieces.first_too_long,
        undecodable=undecodable,
        first_undecodable=first,
    )


@dataclass(frozen=True)
class _Dialect:
    """How a CSV is written, by the options of Spark's reader."""

    separator: str
    quote: str
    escape: str
    comment: str
    has_header: bool

    @classmethod
    def of(cls, options: Mapping[str, str]) -> Self:
        separator = text_option(options, "sep", "delimiter") or ","
        quote = text_option(options, "quote")
        return cls(
            separator=separator.replace("\\t", "\t"),
            quote='"' if quote is None else quote,
            escape=text_option(options, "escape") or '"',
            comment=text_option(options, "comment") or "",
            has_header=(text_option(options, "header") or "true").lower() == "true",
        )

    def refused(self, columns: int) -> Callable[[str], str]:
        """What makes a line of a text that a file of so many columns does not have."""
        special = {*self.separator, *self.quote, *self.escape, "\r", "\n"}
        rest = self.separator * (columns + 1)
        return lambda told: "".join(sign for sign in told if sign not in special) + rest

    def header(self, text: Iterable[str], longest: int) -> tuple[str, ...]:
        """The values of the first record; none of them is longer."""
        first = next(
            (record for record, _ in self._records(text, longest) if any(value.strip() for value in record)), []
        )
        return tuple(first) if self.has_header else ("",) * len(first)

    def has_record_over_lines(self, text: Iterable[str], columns: int, longest: int) -> bool:
        """Whether a record of so many values goes on over a line's end.

        One with more or fewer values is a broken quote, which should spoil its own line and not those after it.
        """
        before = 0
        for record, line in self._records(text, longest):
            if line - before > 1 and len(record) == columns:
                return True
            before = line
        return False

    def _records(self, text: Iterable[str], longest: int) -> Iterator[tuple[list[str], int]]:
        """The values of each record, and the number of lines up to its end."""
        lines = (line for line in text if not (self.comment and line.startswith(self.comment)))
        if len(self.separator) != 1 or len(self.quote) != 1:
            yield from ((line.rstrip("\r\n").split(self.separator), number) for number, line in enumerate(lines, 1))
            return
        doubled = self.escape == self.quote
        reader = csv.reader(
            lines,
            delimiter=self.separator,
            quotechar=self.quote,
            doublequote=doubled,
            escapechar=None if doubled else self.escape,
        )
        csv.field_size_limit(longest)
        try:
            for record in reader:
                yield record, reader.line_num
        except csv.Error:
            # A value that is too long, which no quote ends.
            return


# Parquet


def _probe_parquet(uri: str, files: LandingSettings) -> Probe:
    file_system, path = open_file_system(uri)
    with file_system.open_input_file(path) as stream:
        if stream.size() == 0:
            return Probe(empty=True)
        file = pq.ParquetFile(stream)
        schema = file.schema_arrow.remove_metadata()
        if trouble := trouble_of_values(stream, files):
            return Probe(trouble=trouble)
        physical = {leaf.path: leaf.physical_type for leaf in (file.schema.column(i) for i in range(len(file.schema)))}
    columns = tuple(schema.names)
    if len(columns) > files.max_columns:
        return _too_wide(len(columns), files)
    lowered = [name.lower() for name in columns]
    if alike := [name for name in columns if lowered.count(name.lower()) > 1]:
        return Probe(trouble=f"its columns {listed(alike)} differ in upper and lower case alone: rename one")
    return Probe(
        columns=columns,
        schema=schema.to_string(),
        nanoseconds=tuple(
            field.name
            for field in schema
            if pa.types.is_timestamp(field.type) and field.type.unit == "ns" and physical.get(field.name) == "INT64"
        ),
    )


def _too_wide(columns: int, files: LandingSettings) -> Probe:
    return Probe(trouble=f"it has {columns:,} columns, more than `max_columns`, {files.max_columns:,}")


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
