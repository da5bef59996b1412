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


@pytest.fixture(scope="session")
def filled() -> Callable[[Lake], Fill]:
    """Gives what fills the tables of a lake with rows that tell only what matters to the test."""

    def of(lake: Lake) -> Fill:
        def fill(table: str, rows: Sequence[dict[str, object]]) -> None:
            schema = struct_type(load_contract(table))
            for field in schema.fields:
                field.nullable = True
            values = [tuple(row.get(name) for name in schema.names) for row in rows]
            lake.replace(table, lake.spark.createDataFrame(values, schema))

        return fill

    return of


@pytest.fixture(scope="session")
def contexts() -> Callable[[Lake], ContextOf]:
    """Gives what makes that which a job of a name is handed with some settings, on a lake."""

    def of(lake: Lake) -> ContextOf:
        def context_of(job: str, *overrides: str) -> JobContext:
            settings = load_settings("test", "online_retail", lake=lake.root, overrides=list(overrides))
            spec = next(spec for spec in JOBS if spec.name == job)
            tables = JobTables(lake, spec, ["shop"])
            return JobContext(settings, lake.spark, tables, "run", date(2026, 1, 1), print, lambda jobs: [])

        return context_of

    return of


@pytest.fixture(scope="session")
def steps(contexts: Callable[[Lake], ContextOf]) -> Callable[[Lake], RunStep]:
    """Gives what runs the step of a module of sparkrec.steps with some settings on a lake, and tells what it counts."""

    def of(lake: Lake) -> RunStep:
        def run(step: ModuleType, *overrides: str) -> Counts:
            counts: Counts = step.run(contexts(lake)(step.__name__.rpartition(".")[2], *overrides))
            return counts

        return run

    return of


@pytest.fixture
def lake(spark: SparkSession, tmp_path: Path) -> Lake:
    return Lake(spark, str(tmp_path))


@pytest.fixture
def fill(lake: Lake, filled: Callable[[Lake], Fill]) -> Fill:
    return filled(lake)


@pytest.fixture
def context_of(lake: Lake, contexts: Callable[[Lake], ContextOf]) -> ContextOf:
    return contexts(lake)


@pytest.fixture
def run_step(lake: Lake, steps: Callable[[Lake], RunStep]) -> RunStep:
    return steps(lake)
