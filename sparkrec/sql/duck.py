"""Queries in DuckDB, without Spark: it is given Arrow streams of the tables that a query names, and nothing else."""

import re
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import duckdb
import pyarrow as pa

from sparkrec.compat.arrow import ArrowStream
from sparkrec.errors import ConfigurationError, DataError
from sparkrec.scratch import scratch_folder
from sparkrec.sql.duck_statement import Statement, read_statement
from sparkrec.sql.result import Form, Result
from sparkrec.sql.tables import Table, Tables, named_hidden

_BATCH = 10_000
_SHOW_TABLES = re.compile(r"\s*show\s+(all\s+)?tables\s*;?\s*", re.IGNORECASE)
# No file, no extension, no variable of this process.
_SHUT = {
    "enable_external_access": "false",
    "autoload_known_extensions": "false",
    "autoinstall_known_extensions": "false",
    "allow_community_extensions": "false",
    "allow_persistent_secrets": "false",
    "python_enable_replacements": "false",
    "python_scan_all_frames": "false",
}
_MEMORY = "50%"
_EXPLAINED = ["explain_key", "explain_value"]
# DuckDB's errors of a query that is wrong, whatever the tables hold.
_WRONG = (duckdb.ParserException, duckdb.BinderException, duckdb.CatalogException, duckdb.SyntaxException)
_FIELDS = re.compile(r"(U?(TINY|SMALL|BIG)?INT(EGER)?|FLOAT|DOUBLE|BOOLEAN)")


@contextmanager
def duck_query(tables: Tables, text: str) -> Iterator[Result]:
    """The result of a query in DuckDB's SQL, to be read within.

    Raises:
        ConfigurationError: It does not parse, names what there is not or what it may not see, or is no query.
    """
    with shut_connection() as connection:
        if shows_tables(text):
            connection.register("tables", _listing(tables))
            text, named = 'from "tables"', []
        else:
            statement = _read(connection, text)
            named = [tables.find(name) for name in statement.tables]
            for table in named:
                _give(connection, table, statement)
        yield _DuckResult(_relation(connection, text, named))


@contextmanager
def shut_connection() -> Iterator[duckdb.DuckDBPyConnection]:
    """A DuckDB in memory that sees nothing but what is registered on it, and whose settings nothing can change."""
    with tempfile.TemporaryDirectory(dir=scratch_folder()) as spill:
        config: dict[str, str | bool | int | float | list[str]] = {
            **_SHUT,
            "temp_directory": spill,
            "memory_limit": _MEMORY,
        }
        with duckdb.connect(":memory:", config=config) as connection:
            connection.execute("set TimeZone = 'UTC'")
            connection.execute("set lock_configuration = true")
            yield connection


def shows_tables(text: str) -> bool:
    """Whether the statement asks which tables there are."""
    return _SHOW_TABLES.fullmatch(text) is not None


class _DuckResult:
    def __init__(self, relation: duckdb.DuckDBPyRelation) -> None:
        self._relation = relation
        self.columns: Sequence[str] = relation.columns

    def read(self, form: Form, most: int | None) -> pa.RecordBatchReader:
        """As `Result` says."""
        relation = self._relation if most is None else self._relation.limit(most)
        places = range(1, len(self.columns) + 1)
        types = [str(kind) for kind in relation.types]
        if form == "json":
            values = [_json_value(f"#{place}", kind) for place, kind in zip(places, relation.types, strict=True)]
            named = [f"{_quoted(name)} := {value}" for name, value in zip(self.columns, values, strict=True)]
            relation = relation.project(f"to_json(struct_pack({', '.join(named)}))::varchar as row")
        elif form != "typed":
            whole = [form == "fields" and _FIELDS.fullmatch(kind) is not None for kind in types]
            wanted = [
                f"#{place}{'' if as_it_is else '::varchar'} as c{place}"
                for place, as_it_is in zip(places, whole, strict=True)
            ]
            relation = relation.project(", ".join(wanted))
        return _guarded(relation)


def _guarded(relation: duckdb.DuckDBPyRelation) -> pa.RecordBatchReader:
    try:
        reader = relation.to_arrow_reader(_BATCH)
    except _WRONG as error:
        raise ConfigurationError(_line(error)) from None
    except duckdb.Error as error:
        raise DataError(f"the query fails: {_line(error)}") from None
    return pa.RecordBatchReader.from_batches(reader.schema, _batches(reader))


def _batches(reader: pa.RecordBatchReader) -> Iterator[pa.RecordBatch]:
    try:
        yield from reader
    except (duckdb.Error, OSError, pa.ArrowException) as error:
        raise DataError(f"the query fails: {_line(error)}") from None


def _read(connection: duckdb.DuckDBPyConnection, text: str) -> Statement:
    try:
        return read_statement(connection, text)
    except duckdb.Error as error:
        raise ConfigurationError(_line(error)) from None


def _give(connection: duckdb.DuckDBPyConnection, table: Table, statement: Statement) -> None:
    """Let the statement see the table by its name."""
    columns = statement.columns(table)
    stream = partial(table.rows.stream, columns, statement.filters(table))
    connection.register(table.name, ArrowStream(table.rows.schema(columns), stream))
    layer, _, name = table.name.partition(".")
    connection.execute(f"create schema if not exists {_quoted(layer)}")
    connection.execute(f"create view {_quoted(layer)}.{_quoted(name)} as from {_quoted(table.name)}")


def _relation(connection: duckdb.DuckDBPyConnection, text: str, named: Sequence[Table]) -> duckdb.DuckDBPyRelation:
    try:
        relation = connection.sql(text)
    except duckdb.Error as error:
        hidden = named_hidden(text, named)
        columns = "".join(f"; columns of {table.name}: {', '.join(table.columns)}" for table in named)
        raise ConfigurationError(hidden or f"{_line(error)}{columns}") from None
    assert relation is not None, "a query has rows"
    if relation.columns == _EXPLAINED:
        return relation.project("unnest(string_split(rtrim(#2, chr(10)), chr(10))) as plan")
    return relation


def _listing(tables: Tables) -> ArrowStream:
    found = []
    for name in tables.names:
        try:
            found.append(tables.find(name))
        except ConfigurationError:
            # Nothing of it may be seen.
            continue
    listed = pa.table(
        {
            "table": pa.array([each.name for each in found], pa.string()),
            "rows": pa.array([each.rows.row_count for each in found], pa.int64()),
            "hidden columns": pa.array([len(each.hidden) for each in found], pa.int64()),
        }
    )
    return ArrowStream(listed.schema, listed.to_reader)


def _json_value(value: str, kind: Any) -> str:
    """SQL of a value that JSON has: of NaN and infinities their names, as Spark has them."""
    if not re.search("FLOAT|DOUBLE", str(kind)):
        return value
    match kind.id:
        case "list" | "array":
            (_, inner), *_ = kind.children
            return f"list_transform({value}, lambda v: {_json_value('v', inner)})"
        case "struct":
            fields = [(name, f"struct_extract({value}, {_text(name)})", inner) for name, inner in kind.children]
            packed = ", ".join(f"{_quoted(name)} := {_json_value(field, inner)}" for name, field, inner in fields)
            return f"case when {value} is not null then struct_pack({packed}) end"
        case "map":
            (_, _), (_, inner) = kind.children
            return f"map(map_keys({value}), list_transform(map_values({value}), lambda v: {_json_value('v', inner)}))"
        case "float" | "double":
            odd = f"case when isnan({value}) then 'NaN' when {value} > 0 then 'Infinity' else '-Infinity' end"
            return f"case when isfinite({value}) then to_json({value}) when {value} is not null then to_json({odd}) end"
    return value


def _text(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _line(error: Exception) -> str:
    return next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
