"""Rows of a query as a person or a program wants them."""

import json
import os
import re
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Literal

import pyarrow as pa
from pyarrow import csv, fs, parquet
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from sparkrec.errors import ConfigurationError, DataError
from sparkrec.file_systems import open_file_system
from sparkrec.sql.result import Result

Format = Literal["table", "csv", "json", "parquet"]

_ROWS_OF_A_TABLE = 100
_ANY_WIDTH = 1_000_000
_NULL = "NULL"
# Control characters, ends of lines, what turns the direction of writing, and halves of characters.
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def write(result: Result, form: Format, out: IO[bytes], most: int | None) -> None:
    """Write the rows of a query.

    Args:
        result: The query.
        form: table: for people, fits the terminal; csv: a line with the names first, texts in quotes and nulls without;
            json: a list of objects, one a line; parquet.
        out: Where to.
        most: Rows that are written at most; None: 100 in a table, all in the others.

    Raises:
        ConfigurationError: The columns do not fit the form.
        DataError: The query fails on what the tables hold.
    """
    if form == "table":
        _write_table(result, out, _ROWS_OF_A_TABLE if most is None else most)
    elif form == "csv":
        _write_csv(result, out, most)
    else:
        _check_names(result.columns, form)
        (_write_json if form == "json" else _write_parquet)(result, out, most)


@contextmanager
def new_file(path: str, lake: str, for_owner: bool) -> Iterator[IO[bytes]]:
    """A file that takes its name only when all is written.

    Args:
        path: Its name; an earlier file of the name is replaced.
        lake: Folder or URI of a lake that it must not lie in.
        for_owner: Whether nobody else may read it.

    Raises:
        ConfigurationError: It would lie in the lake, or cannot be written.
    """
    target = Path(path).resolve()
    filesystem, root = open_file_system(lake)
    if isinstance(filesystem, fs.LocalFileSystem) and any(
        folder.exists() and folder.samefile(root) for folder in target.parents
    ):
        raise ConfigurationError(f"--output {path} lies in the lake {lake}: name a file outside of it")
    if target.is_dir():
        raise ConfigurationError(f"--output {path} is a folder: name a file")
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    try:
        handle = os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600 if for_owner else 0o666)
    except OSError as error:
        raise ConfigurationError(f"--output {path} cannot be written: {error.strerror}") from None
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
        temporary.replace(target)
    except OSError as error:
        raise DataError(f"--output {path} cannot be written: {error.strerror or error}") from None
    finally:
        temporary.unlink(missing_ok=True)


def _write_table(result: Result, out: IO[bytes], most: int) -> None:
    read = result.read("texts", most + 1).read_all()
    columns = [_printable(name) for name in result.columns]
    rows = list(zip(*[[_cell(value) for value in column.to_pylist()] for column in read.columns], strict=True))
    lines = _table(columns, rows[:most])
    if read.num_rows > most:
        lines += f"first {most} rows; --rows shows more\n"
    out.write(lines.encode())


def _table(columns: Sequence[str], rows: Sequence[Sequence[Text]]) -> str:
    """A table, uncut; where it is too wide, as a block of lines each row."""
    console = Console()
    table = Table()
    for column in columns:
        table.add_column(Text(column))
    for row in rows:
        table.add_row(*row)
    if Measurement.get(console, console.options.update(max_width=_ANY_WIDTH), table).maximum <= console.width:
        with console.capture() as printed:
            console.print(table)
        return printed.get()
    if len(columns) == 1:
        return "".join(f"{line}\n" for line in [columns[0], *[row[0].plain for row in rows]])
    blocks = [
        "".join([f"-- row {number}\n", *[f"{name}: {cell}\n" for name, cell in zip(columns, row, strict=True)]])
        for number, row in enumerate(rows, 1)
    ]
    return "".join(blocks)


def _cell(value: str | None) -> Text:
    return Text(_NULL, style="dim italic") if value is None else Text(_printable(value))


def _printable(text: str) -> str:
    return _UNPRINTABLE.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def _write_csv(result: Result, out: IO[bytes], most: int | None) -> None:
    reader = result.read("fields", most)
    schema = pa.schema([(name, kind) for name, kind in zip(result.columns, reader.schema.types, strict=True)])
    sink = pa.PythonFile(out, "w")
    writer = csv.CSVWriter(sink, schema)
    for batch in reader:
        writer.write_batch(pa.RecordBatch.from_arrays(batch.columns, schema=schema))
    sink.flush()


def _write_json(result: Result, out: IO[bytes], most: int | None) -> None:
    before = b"["
    for batch in result.read("json", most):
        if batch.num_rows:
            out.write(before + ",\n".join(batch.column(0).to_pylist()).encode())
            before = b",\n"
    out.write(b"[]\n" if before == b"[" else b"]\n")


def _write_parquet(result: Result, out: IO[bytes], most: int | None) -> None:
    reader = result.read("typed", most)
    try:
        with parquet.ParquetWriter(out, reader.schema) as writer:
            for batch in reader:
                writer.write_batch(batch)
    except pa.ArrowNotImplementedError as error:
        raise ConfigurationError(f"Parquet has no such type ({error}): cast it to varchar") from None


def _check_names(columns: Sequence[str], form: Format) -> None:
    names = [name.casefold() for name in columns]
    twice = [name for name in columns if names.count(name.casefold()) > 1]
    if twice:
        raise ConfigurationError(f"--format {form}: two columns are named {json.dumps(twice[0])}: name one by `as`")
