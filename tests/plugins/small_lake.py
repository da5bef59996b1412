"""A lake of a few rows in tables of all layers, made without Spark, in a folder of an odd name."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import convert_to_deltalake
from odd_name import ODD_NAME
from pyarrow import parquet
from pyspark.sql import SparkSession

_LISTS = pa.table(
    {
        "run_date": pa.array([date(2026, 1, 1)] * 6),
        "shelf": ["discover"] * 4 + ["reorder"] * 2,
        "user_id": ["u1", "u1", "u2", "u2", "u1", "u2"],
        "rank": pa.array([1, 2, 1, 2, 1, 1], pa.int32()),
        "item_id": ["i1", "i2", "i2", "[red]i3[/b]", None, "i1"],
        "score": [0.5, 0.25, 0.5, float("nan"), 1.0, 2.0],
        "sources": [["als"], ["als", "ease"], [], None, ["als"], ["als"]],
        "further": ["not in the contract"] * 6,
    }
)
_EVENTS = pa.table(
    {
        "visitor_id": ["v1", "v2"],
        "user_id": ["u1", "u2"],
        "item_id": ["i1", "i2"],
        "event_time": pa.array([datetime(2026, 1, 1, 12, tzinfo=UTC)] * 2, pa.timestamp("us", "UTC")),
    }
)
_TABLES = {
    "gold.recommendations": _LISTS,
    "silver.interactions": _EVENTS,
    "silver.quarantine": pa.table({"row": ["a landed line"], "status": ["refused"]}),
    "features.of_ones_own": pa.table({"secret": ["of no contract"]}),
    "bronze.shop": pa.table({"customer": ["a person"]}),
    "private.identities": pa.table({"user_id": ["u1"], "landed_user_id": ["a person"]}),
}


def write_small_lake(folder: Path) -> Path:
    """Make it in a new folder below this one."""
    plain = folder / "plain"
    for name, rows in _TABLES.items():
        path = plain / name.replace(".", "/")
        path.mkdir(parents=True)
        parquet.write_table(rows, path / "1.parquet")
        convert_to_deltalake(str(path))
    # delta-rs would not write to a folder of that name.
    return plain.rename(folder / ODD_NAME)


def state_of(lake: Path) -> list[tuple[str, int, int]]:
    """All that lies in a lake, with sizes and times."""
    stats = [(str(path.relative_to(lake)), path.stat()) for path in sorted(lake.rglob("*"))]
    return [(name, stat.st_size, stat.st_mtime_ns) for name, stat in stats]


@pytest.fixture(scope="module")
def spark_alone(spark: SparkSession) -> Iterator[SparkSession]:
    """A session whose settings and tables no other test sees."""
    yield spark.newSession()
    for (schema,) in spark.sql("show schemas").collect():
        if schema != "default":
            spark.sql(f"drop schema `{schema}` cascade")
