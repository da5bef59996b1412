"""How large the values of a Parquet file are, found from its footer and, where that does not say, column by column."""

from collections.abc import Iterator

import pyarrow as pa
import pyarrow_hotfix  # noqa: F401  closes CVE-2023-47248 of this pyarrow
from pyarrow import compute as pc
from pyarrow import parquet as pq

from sparkrec.config.settings import LandingSettings

_AT_ONCE = 1 << 16
_HELD = 1 << 28
_TEXTS = ("BYTE_ARRAY", "FIXED_LEN_BYTE_ARRAY")


def trouble_of_values(stream: pa.NativeFile, files: LandingSettings) -> str | None:
    """Why the values of a file are too large to be read; None if they are not.

    Texts of a dictionary are looked at once, however many rows have them. What is read is no more than a column of a
    row group at a time.
    """
    file = pq.ParquetFile(stream)
    most = max(files.largest_unpacked, files.max_growth * stream.size())
    doubtful: dict[str, list[int]] = {}
    delta: set[str] = set()
    for group in range(file.metadata.num_row_groups):
        chunks = file.metadata.row_group(group)
        for place in range(chunks.num_columns):
            chunk = chunks.column(place)
            unpacked, where = chunk.total_uncompressed_size, _where(chunk.path_in_schema, group)
            if unpacked > most:
                return f"{where} unpacks to {unpacked:,} bytes, more than `largest_unpacked` and `max_growth` allow"
            if chunk.physical_type not in _TEXTS:
                continue
            if unpacked > chunk.num_values * (files.longest_line + 4) + _HELD:
                return _too_long(where, files)
            repeats = any("DICTIONARY" in encoding or encoding == "DELTA_BYTE_ARRAY" for encoding in chunk.encodings)
            if unpacked > files.longest_line or (repeats and chunk.num_values * unpacked > files.largest_unpacked):
                doubtful.setdefault(chunk.path_in_schema, []).append(group)
            if "DELTA_BYTE_ARRAY" in chunk.encodings:
                delta.add(chunk.path_in_schema)
    total = 0
    for column, groups in doubtful.items():
        dictionaries = pq.ParquetFile(stream, read_dictionary=[column])
        for group in groups:
            unpacked = max(1, _chunk_size(file, group, column))
            # A value may have all bytes of the chunk so far, where each says how much it shares with the one before.
            rows = max(1, min(_AT_ONCE, _HELD // unpacked)) if column in delta else _AT_ONCE
            for batch in dictionaries.iter_batches(rows, row_groups=[group], columns=[column]):
                for longest, sum_ in _lengths(batch.columns):
                    total += sum_
                    if longest > files.longest_line:
                        return _too_long(_where(column, group), files)
                    if total > most:
                        return (
                            f"its texts up to {_where(column, group)} have more than {most:,} bytes, more than "
                            "`largest_unpacked` and `max_growth` allow"
                        )
    return None


def _where(column: str, group: int) -> str:
    return f"column {column} of row group {group + 1}"


def _too_long(where: str, files: LandingSettings) -> str:
    return f"{where} has a value of more than `longest_line`, {files.longest_line:,} bytes: mend it, or raise it"


def _chunk_size(file: pq.ParquetFile, group: int, column: str) -> int:
    chunks = file.metadata.row_group(group)
    named = (chunks.column(place) for place in range(chunks.num_columns))
    return int(next(chunk.total_uncompressed_size for chunk in named if chunk.path_in_schema == column))


def _lengths(arrays: list[pa.Array]) -> Iterator[tuple[int, int]]:
    """Of each array of texts, nested ones too: the bytes of its longest, and of all of them."""
    for array in arrays:
        kind = array.type
        if pa.types.is_dictionary(kind):
            each = pc.binary_length(array.dictionary)
            yield pc.max(each).as_py() or 0, pc.sum(pc.take(each, array.indices)).as_py() or 0
        elif pa.types.is_struct(kind):
            yield from _lengths(array.flatten())
        elif pa.types.is_map(kind):
            yield from _lengths([array.keys, array.items])
        elif pa.types.is_list(kind) or pa.types.is_large_list(kind):
            yield from _lengths([array.values])
        elif pa.types.is_string(kind) or pa.types.is_binary(kind) or pa.types.is_fixed_size_binary(kind):
            each = pc.binary_length(array)
            yield pc.max(each).as_py() or 0, pc.sum(each).as_py() or 0
