"""What a run writes down of its jobs."""

from datetime import date

import pytest
from pyspark.sql import SparkSession

from sparkrec.config import load_settings
from sparkrec.errors import DataError
from sparkrec.graph import JOBS
from sparkrec.lake import Lake
from sparkrec.steps.context import JobContext
from sparkrec.steps.runner import Runner


def test_the_row_of_a_failed_job_names_the_cause_and_no_value(
    spark: SparkSession, lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(context: JobContext) -> None:
        raise ValueError("could not convert 'ann@example.org' to a number\nof pieces")

    monkeypatch.setattr("sparkrec.steps.tag.run", breaks)
    settings = load_settings("test", "online_retail", lake.root, date(2026, 1, 1))
    runner = Runner.start(settings, spark, lambda line: None, "manual__1")

    with pytest.raises(ValueError, match="ann"):
        runner.run([spec for spec in JOBS if spec.name == "tag"])

    row = lake.read("gold.pipeline_runs").first()
    assert row is not None
    assert (row.run_id, row.job, row.outcome, row.run_date) == ("manual__1", "tag", "failed", date(2026, 1, 1))
    assert row.message == "ValueError: could not convert '...' to a number"


def test_a_disk_that_is_full_when_the_row_is_written_is_named(
    spark: SparkSession, lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    def is_full(lake: Lake, *given: object) -> None:
        raise OSError("java.io.IOException: No space left on device")

    monkeypatch.setattr("sparkrec.steps.tag.run", lambda context: {"done": 1})
    monkeypatch.setattr(Lake, "append", is_full)
    settings = load_settings("test", "online_retail", lake.root, date(2026, 1, 1))

    with pytest.raises(DataError, match=r"^tag: No space left on device: its tables are done, but its row of gold\."):
        Runner.start(settings, spark, lambda line: None).run([spec for spec in JOBS if spec.name == "tag"])
