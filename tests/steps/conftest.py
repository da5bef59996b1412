"""A step alone, on tables that are filled by hand."""

from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from types import ModuleType

import pytest
from pyspark.sql import SparkSession

from sparkrec.config import load_settings
from sparkrec.contracts import load_contract
from sparkrec.contracts.spark import struct_type
from sparkrec.graph import JOBS
from sparkrec.lake import JobTables, Lake
from sparkrec.steps.context import Counts, JobContext

Fill = Callable[[str, Sequence[dict[str, object]]], None]
ContextOf = Callable[..., JobContext]
RunStep = Callable[..., Counts]


@pytest.fixture
def lake(spark: SparkSession, tmp_path: Path) -> Lake:
    return Lake(spark, str(tmp_path))


@pytest.fixture
def fill(lake: Lake) -> Fill:
    """Fills a table with rows that tell only what matters to the test."""

    def fill(table: str, rows: Sequence[dict[str, object]]) -> None:
        schema = struct_type(load_contract(table))
        for field in schema.fields:
            field.nullable = True
        values = [tuple(row.get(name) for name in schema.names) for row in rows]
        lake.replace(table, lake.spark.createDataFrame(values, schema))

    return fill


@pytest.fixture
def context_of(lake: Lake) -> ContextOf:
    """What a job of this name is handed with these settings."""

    def context_of(job: str, *overrides: str) -> JobContext:
        settings = load_settings("test", "online_retail", lake=lake.root, overrides=list(overrides))
        spec = next(spec for spec in JOBS if spec.name == job)
        tables = JobTables(lake, spec, ["shop"])
        return JobContext(settings, lake.spark, tables, "run", date(2026, 1, 1), print, lambda jobs: [])

    return context_of


@pytest.fixture
def run_step(context_of: ContextOf) -> RunStep:
    """Runs the step of a module of sparkrec.steps with these settings; gives what it counts."""

    def run(step: ModuleType, *overrides: str) -> Counts:
        counts: Counts = step.run(context_of(step.__name__.rpartition(".")[2], *overrides))
        return counts

    return run
