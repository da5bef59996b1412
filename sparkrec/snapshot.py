"""Tables of a lake as Arrow, read by delta-rs and pyarrow: no Spark, no JVM."""

import json
import re
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pyarrow as pa
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError, TableNotFoundError
from pyarrow import dataset as ds

from sparkrec.errors import DataError
from sparkrec.file_systems import open_file_system

Filter = tuple[str, str, Any]
"""A column, one of == != < <= > >= in, and a value (of ``in`` a collection of them)."""

_PLAIN = {
    "string": pa.string(),
    "long": pa.int64(),
    "integer": pa.int32(),
    "short": pa.int16(),
    "byte": pa.int8(),
    "float": pa.float32(),
    "double": pa.float64(),
    "boolean": pa.bool_(),
    "binary": pa.binary(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us", "UTC"),
    "timestamp_ntz": pa.timestamp("us"),
}
_DECIMAL = re.compile(r"decimal\((\d+),\s*(-?\d+)\)")
_PHYSICAL_NAME = "delta.columnMapping.physicalName"
# delta-rs takes them in the name of a folder for what they stand for in URLs.
_OF_URLS = re.compile(r"%[0-9A-Fa-f]{2}|\\")


@dataclass(frozen=True)
class Snapshot:
    """One version of a Delta table.

    Attributes:
        version: Its number.
        columns: Names of the columns, in the table's order.
        row_count: Its rows, as its log has them; None where the log does not say.
    """

    version: int
    columns: tuple[str, ...]
    row_count: int | None
    _stored_as: dict[str, str]
    _rows: ds.Dataset

    def read(self, columns: Sequence[str] | None = None, where: Sequence[Filter] = ()) -> pa.Table:
        """The rows that meet all conditions.

        Args:
            columns: Which columns, in this order; None stands for all.
            where: Conditions, all of which must hold; a row whose value is missing meets none.

        Raises:
            DataError: The table has no such column, or there is no such comparison.
        """
        return self._scanner(self.columns if columns is None else columns, where).to_table()

    def stream(self, columns: Sequence[str], where: Sequence[Filter] = ()) -> pa.RecordBatchReader:
        """As `read`, in batches of which few are in memory at once."""
        return self._scanner(columns, where).to_reader()

    def schema(self, columns: Sequence[str]) -> pa.Schema:
        """Names and types of these columns, as `read` and `stream` give them."""
        return pa.schema([(name, self._rows.schema.field(self._stored_as[name]).type) for name in columns])

    def _scanner(self, columns: Sequence[str], where: Sequence[Filter]) -> ds.Scanner:
        unknown = sorted({*columns, *(name for name, _, _ in where)} - {*self.columns})
        if unknown:
            raise DataError(f"no column {', '.join(unknown)}; the table has {', '.join(self.columns)}")
        condition = None
        for name, comparison, value in where:
            one = _compared(ds.field(self._stored_as[name]), comparison, value)
            condition = one if condition is None else condition & one
        wanted = {name: ds.field(self._stored_as[name]) for name in columns}
        return self._rows.scanner(columns=wanted, filter=condition)


def snapshot(path: str, version: int | None = None) -> Snapshot:
    """A version of the table at a path or URI; None takes the newest.

    Raises:
        DataError: There is no table, or not this version of it.
    """
    try:
        with open_table(path, version) as table:
            added = table.get_add_actions()
    except TableNotFoundError:
        raise DataError(f"there is no table at {path}") from None
    except DeltaError as error:
        raise DataError(f"{path} cannot be read at version {version}: {' '.join(str(error).split())}") from None
    fields = json.loads(table.schema().to_json())["fields"]
    stored_as = {one["name"]: str(one.get("metadata", {}).get(_PHYSICAL_NAME, one["name"])) for one in fields}
    schema = pa.schema([(stored_as[one["name"]], _arrow_type(one["type"])) for one in fields])
    parted = pa.schema([schema.field(stored_as[name]) for name in table.metadata().partition_columns])
    filesystem, folder = open_file_system(path)
    # The log has them as they stand in URLs.
    paths = sorted(f"{folder}/{unquote(file)}" for file in added.column("path").to_pylist())
    # Spark writes times as INT96 by default.
    parquet = ds.ParquetFileFormat(read_options=ds.ParquetReadOptions(coerce_int96_timestamp_unit="us"))
    partitioning = ds.partitioning(parted, flavor="hive") if len(parted) else None
    try:
        rows = (
            ds.dataset(paths, schema=schema, format=parquet, filesystem=filesystem, partitioning=partitioning)
            if paths
            else ds.dataset(schema.empty_table())
        )
    except FileNotFoundError as error:
        raise DataError(f"{path} lacks a file that its log names: {error}") from None
    counts = added.column("num_records").to_pylist()
    return Snapshot(table.version(), tuple(stored_as), None if None in counts else sum(counts), stored_as, rows)


@contextmanager
def open_table(path: str, version: int | None = None) -> Iterator[DeltaTable]:
    """The log of a version of the table at a path or URI, by delta-rs; None takes the newest.

    Raises:
        DeltaError: There is no table, or not this version of it.
    """
    if "://" in path or not _OF_URLS.search(str(Path(path).resolve())):
        yield DeltaTable(path.replace("s3a://", "s3://", 1), version=version)
        return
    with tempfile.TemporaryDirectory(prefix="sparkrec-") as folder:
        log = Path(path).resolve() / "_delta_log"
        if log.is_dir():
            (Path(folder) / "_delta_log").symlink_to(log, target_is_directory=True)
        yield DeltaTable(folder, version=version)


def _arrow_type(kind: Any) -> pa.DataType:
    if isinstance(kind, str):
        if found := _DECIMAL.fullmatch(kind):
            return pa.decimal128(int(found[1]), int(found[2]))
        return _PLAIN[kind]
    match kind["type"]:
        case "array":
            return pa.list_(_arrow_type(kind["elementType"]))
        case "map":
            return pa.map_(_arrow_type(kind["keyType"]), _arrow_type(kind["valueType"]))
        case _:
            return pa.struct([(one["name"], _arrow_type(one["type"])) for one in kind["fields"]])


def _compared(field: ds.Expression, comparison: str, value: Any) -> ds.Expression:
    match comparison:
        case "==":
            return field == value
        case "!=":
            return field != value
        case "<":
            return field < value
        case "<=":
            return field <= value
        case ">":
            return field > value
        case ">=":
            return field >= value
        case "in":
            return field.isin(list(value))
    raise DataError(f"no comparison {comparison!r}; one of ==, !=, <, <=, >, >=, in")
