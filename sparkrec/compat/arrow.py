"""Of pyarrow: its exports of the C data interface, behind the protocol of capsules that newer ones have themselves."""

import ctypes
from collections.abc import Callable
from typing import Any

import pyarrow as pa

from sparkrec.compat import require

require("pyarrow", "12.0")

# Bytes of ArrowSchema and ArrowArrayStream (https://arrow.apache.org/docs/format/CDataInterface.html).
_SCHEMA, _STREAM = 72, 40

_new_capsule = ctypes.pythonapi.PyCapsule_New
_new_capsule.restype = ctypes.py_object
_new_capsule.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]


class ArrowStream:
    """Rows that can be read any number of times, as others take them (the Arrow PyCapsule interface).

    Args:
        schema: That of the rows.
        start: Gives them from the first one on.
    """

    def __init__(self, schema: pa.Schema, start: Callable[[], pa.RecordBatchReader]) -> None:
        self._schema = schema
        self._start = start
        # Who takes a capsule moves its content out, and leaves these behind.
        self._structs: list[Any] = []

    def __arrow_c_schema__(self) -> Any:
        """The schema."""
        return self._capsule(b"arrow_schema", _SCHEMA, self._schema)

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        """The rows; to be asked for other types is allowed to change nothing."""
        return self._capsule(b"arrow_array_stream", _STREAM, self._start())

    def _capsule(self, name: bytes, size: int, exported: pa.Schema | pa.RecordBatchReader) -> Any:
        struct = ctypes.create_string_buffer(size)
        self._structs.append(struct)
        address = ctypes.addressof(struct)
        exported._export_to_c(address)
        return _new_capsule(address, name, None)
