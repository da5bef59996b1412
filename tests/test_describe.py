"""The job describe over days, and the list of features that reads what it wrote."""

from collections.abc import Callable
from contextlib import nullcontext
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest
from deltalake import DeltaTable
from pyspark.sql import SparkSession
from typer.testing import CliRunner

from sparkrec.cli import app
from sparkrec.config import load_settings
from sparkrec.contracts import load_contract
from sparkrec.contracts.features import features
from sparkrec.contracts.spark import broken_rules, struct_type
from sparkrec.errors import DataError
from sparkrec.graph import JOBS
from sparkrec.lake import JobTables, Lake
from sparkrec.steps import describe
from sparkrec.steps.context import JobContext

PROFILES, STATISTICS = "gold.user_profiles", "gold.feature_statistics"
FRIDAY, SATURDAY, MONDAY = date(2026, 1, 2), date(2026, 1, 3), date(2026, 1, 5)
SOME = tuple(one for one in features(table=PROFILES) if one.column in ("purchases", "country"))
BLANK: dict[str, Any] = {"string": "", "date": FRIDAY, "timestamp": datetime(2026, 1, 1), "double": 0.0}
Write = Callable[[date, list[int]], None]


@pytest.fixture(scope="module")
def lake(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Lake:
    return Lake(spark, str(tmp_path_factory.mktemp("described")))


@pytest.fixture(scope="module")
def run(lake: Lake) -> Callable[[date, list[int]], dict[str, int]]:
    """Runs the job for a day on which users have made so many purchases; two features are described."""
    spec = next(job for job in JOBS if job.name == "describe")
    settings = load_settings("test", "online_retail", lake.root)

    def on(day: date, purchases: list[int]) -> dict[str, int]:
        contract = load_contract(PROFILES)
        blank = {
            name: None
            if column.nullable
            else []
            if "array" in column.type
            else {}
            if "map" in column.type
            else BLANK.get(column.type, 0)
            for name, column in contract.columns.items()
        }
        rows = [blank | {"user_id": f"u{place}", "purchases": number} for place, number in enumerate(purchases)]
        lake.replace(PROFILES, lake.spark.createDataFrame(rows, struct_type(contract)))
        tables = JobTables(lake, spec, ["online_retail"])
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(describe, "features", lambda: SOME)
            return describe.run(
                JobContext(settings, lake.spark, tables, "run", day, lambda line: None, lambda jobs: [])
            )

    return on


@pytest.fixture(scope="module")
def days(run: Callable[[date, list[int]], dict[str, int]], lake: Lake) -> dict[str, list[Any]]:
    """All statistics after each run: Friday, Monday, Friday again, then Saturday, which comes late."""
    after: dict[str, list[Any]] = {}
    for name, day, purchases in (
        ("friday", FRIDAY, [*range(1, 11)] * 10),
        ("monday", MONDAY, [*range(4, 14)] * 10),
        ("friday again", FRIDAY, [*range(1, 11)] * 10),
        ("saturday", SATURDAY, [1, *range(1, 11)] * 10),
    ):
        written = run(day, purchases)
        assert written == {"features": 2}
        after[name] = lake.read(STATISTICS).orderBy("run_date", "table", "feature").collect()
    return after


def purchases(rows: list[Any], day: date) -> Any:
    return next(row for row in rows if (row.run_date, row.feature) == (day, "purchases"))


def test_the_first_day_is_compared_with_nothing(days: dict[str, list[Any]]) -> None:
    row = purchases(days["friday"], FRIDAY)

    assert {row.run_date for row in days["friday"]} == {FRIDAY}
    assert (row.table, row.version, row.rows, row.fill_rate, row.mean) == (PROFILES, 1, 100, 1.0, 5.5)
    assert row.quantiles == [1, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]
    assert row.bin_shares == [0.1] * 10
    assert (row.compared_with, row.drift, row.drift_level) == (None, None, None)


def test_the_second_day_is_compared_with_the_first(days: dict[str, list[Any]]) -> None:
    row = purchases(days["monday"], MONDAY)

    # Three bins have lost their tenth, and the last one, above 9, has three tenths more.
    lost, won = 0.1 - 0.0001, 0.3
    assert (row.compared_with, row.drift_level) == (FRIDAY, "large")
    assert row.drift == pytest.approx(3 * lost * 6.907755278982137 + won * 1.3862943611198906, rel=1e-12)
    # Other days stay.
    assert purchases(days["monday"], FRIDAY) == purchases(days["friday"], FRIDAY)


def test_a_day_that_is_run_again_comes_out_the_same(days: dict[str, list[Any]]) -> None:
    assert days["friday again"] == days["monday"]


def test_a_day_is_compared_with_the_last_one_before_it(days: dict[str, list[Any]]) -> None:
    row = purchases(days["saturday"], SATURDAY)

    assert (row.compared_with, row.drift_level) == (FRIDAY, "none")
    assert 0 < row.drift < 0.1
    assert purchases(days["saturday"], MONDAY).compared_with == FRIDAY


@pytest.mark.usefixtures("days")
def test_the_table_meets_its_contract_but_for_what_has_drifted(lake: Lake) -> None:
    contract, rows = load_contract(STATISTICS), lake.read(STATISTICS)

    assert rows.columns == list(contract.columns)
    assert rows.where("feature = 'purchases'").select(broken_rules(contract, "fail")).distinct().collect() == [([],)]
    warned = rows.where("feature = 'purchases'").orderBy("run_date").select(broken_rules(contract, "warn")).collect()
    assert [row[0] for row in warned] == [[], [], ["drift_large"]]


@pytest.mark.usefixtures("days")
def test_duckdb_reads_the_table(lake: Lake) -> None:
    rows = duckdb.read_parquet(DeltaTable(lake.path(STATISTICS)).file_uris()).filter("feature = 'purchases'")
    found = rows.project("run_date, quantiles[6], frequent_values").order("run_date").fetchall()

    assert found == [(FRIDAY, 5.0, None), (SATURDAY, 5.0, None), (MONDAY, 8.0, None)]


@pytest.fixture
def shell(spark: SparkSession, monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    """The command line in this process and session, 80 columns wide."""
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr("sparkrec.lake.spark_session", lambda settings, name: nullcontext(spark))
    return CliRunner()


@pytest.mark.usefixtures("days")
def test_the_list_shows_the_newest_day(lake: Lake, shell: CliRunner) -> None:
    done = shell.invoke(app, ["features", "--lake", lake.root, "--env", "test"])

    lines = [line.split() for line in done.stdout.splitlines()]
    told = "purchases long 1 as_of 100% 8.5 4 8 12 large 2.5".split()
    assert told in lines
    assert "country string 1 as_of 0% none .00".split() in lines
    # What this lake has no statistics of.
    assert "popularity_rank int 1 as_of".split() in lines
    assert max(len(line) for line in done.stdout.splitlines()) <= 80
    assert "2026-01-05; fill: " in done.stdout


def test_without_a_lake_the_list_shows_meanings(shell: CliRunner) -> None:
    done = shell.invoke(app, ["features", "--tag", "two_tower"])

    assert "item_index            int      1 label        The item that was bought." in done.stdout
    assert "gold.user_profiles" not in done.stdout
    assert done.exit_code == 0


def test_a_lake_without_statistics_is_told(tmp_path: Path, shell: CliRunner) -> None:
    done = shell.invoke(app, ["features", "--lake", str(tmp_path), "--env", "test"])

    assert isinstance(done.exception, DataError)
    assert "has no gold.feature_statistics: run `sparkrec job describe` first" in str(done.exception)


def test_an_unknown_tag_is_answered_with_those_there_are(shell: CliRunner) -> None:
    done = shell.invoke(app, ["features", "--tag", "two_towers"])

    assert "no feature has the tag two_towers; tags there are: categorical, " in str(done.exception)
