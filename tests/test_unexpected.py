"""What is said of exceptions that have no message for people."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from pyspark.sql import SparkSession

from sparkrec.errors import DataError
from sparkrec.unexpected import cut, headline, under_way, write_traceback


def broken(batches: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
    for batch in batches:
        yield batch.assign(id=batch["no such column"])


def in_worker(spark: SparkSession) -> None:
    spark.range(1).mapInPandas(broken, "id long").collect()


def in_worker_of_write(spark: SparkSession) -> None:
    spark.range(1).mapInPandas(broken, "id long").write.format("noop").mode("overwrite").save()


def in_java(spark: SparkSession) -> None:
    spark._jvm.java.lang.Integer.parseInt("a\nb")  # type: ignore[union-attr]


def in_query(spark: SparkSession) -> None:
    spark.range(1).selectExpr("raise_error('bad day')").collect()


def in_plan(spark: SparkSession) -> None:
    spark.range(1).selectExpr("nothing")


@pytest.mark.parametrize(
    ("work", "told"),
    [
        (in_worker, "KeyError: 'no such column'"),
        (in_worker_of_write, "KeyError: 'no such column'"),
        (in_java, 'NumberFormatException: For input string: "a'),
        (in_query, "SparkRuntimeException: [USER_RAISED_EXCEPTION] bad day"),
        (in_plan, "AnalysisException: [UNRESOLVED_COLUMN"),
    ],
)
def test_the_line_says_what_the_work_died_of_and_no_plan(
    spark: SparkSession, work: object, told: str, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(Exception) as failed, under_way("sparkrec run"), under_way("job clean"):
        work(spark)  # type: ignore[operator]

    line = headline(failed.value)
    assert line.startswith("job clean failed: ")
    assert told in line
    assert "\n" not in line
    assert "Project" not in line
    assert capfd.readouterr().err == ""


def test_a_long_message_is_cut_and_the_first_failure_counts() -> None:
    with pytest.raises(ValueError, match="tidying") as failed, under_way("sparkrec run"):
        try:
            with under_way("job clean"):
                raise KeyError("x" * 1000)
        except KeyError:
            raise ValueError("tidying up") from None

    assert headline(failed.value) == f"job clean failed: KeyError: '{'x' * 1000}"[:300] + "..."
    assert cut("a\n b\t c") == "a b c"


def test_a_message_for_people_is_left_as_it_is() -> None:
    with pytest.raises(DataError) as failed, under_way("job clean"):
        raise DataError("no rows")
    assert not hasattr(failed.value, "__notes__")


def test_the_file_is_its_owners_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with pytest.raises(KeyError) as failed, under_way("job clean"):
        raise KeyError("missing")

    file = Path(write_traceback(failed.value))
    assert (file.parent, file.stat().st_mode & 0o777) == (tmp_path, 0o600)
    told = file.read_text(encoding="utf-8")
    assert "test_unexpected.py" in told
    assert told.rstrip().endswith("KeyError: 'missing'\nunder way: job clean")

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    assert write_traceback(failed.value) == (
        "none, as the temporary folder cannot be written (No such file or directory): TMPDIR names another"
    )
