"""`sparkrec sql`: what it shows, and what it refuses."""

import sys
from collections.abc import Callable, Iterator
from datetime import date

import pytest
from pyspark.sql import SparkSession

from sparkrec.cli import main
from sparkrec.lake import Lake

Sql = Callable[[str], tuple[int, str, str]]


@pytest.fixture(scope="module")
def lake(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """A lake whose path holds all kinds of signs."""
    lake = Lake(spark, str(tmp_path_factory.mktemp("lake") / "it's my läke %20 #1"))
    rows = spark.createDataFrame([("a" * 90, date(2026, 1, 1), 1), ("[/b]", None, 2)], "title string, day date, n int")
    lake.replace("gold.shown", rows)
    lake.replace("private.identities", rows)
    return lake


@pytest.fixture
def sql(
    spark: SparkSession, lake: Lake, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Sql]:
    """Runs the command on this process's session, which outlives it."""
    on_files = spark.conf.get("spark.sql.runSQLOnFiles")
    monkeypatch.setattr(SparkSession, "__exit__", lambda *_: None)

    def run(query: str) -> tuple[int, str, str]:
        for schema in ("bronze", "silver", "features", "gold"):
            spark.sql(f"drop schema if exists {schema} cascade")
        monkeypatch.setattr(sys, "argv", ["sparkrec", "sql", query, "--lake", lake.root, "--env", "test"])
        with pytest.raises(SystemExit) as ended:
            main()
        told = capsys.readouterr()
        assert isinstance(ended.value.code, int)
        return ended.value.code, told.out, told.err

    yield run
    for schema in ("bronze", "silver", "features", "gold"):
        spark.sql(f"drop schema if exists {schema} cascade")
    spark.conf.set("spark.sql.runSQLOnFiles", str(on_files))


def test_cells_are_printed_as_they_are_and_whole(sql: Sql) -> None:
    query = "select *, '[red]x[/red]' as `[b]`, n, timestamp_seconds(1704103200000) as far from gold.shown order by n"
    code, out, err = sql(query)
    assert (code, err) == (0, "")
    lines = [[cell.strip() for cell in line.strip("┃│").replace("┃", "│").split("│")] for line in out.splitlines()]
    assert lines[1] == ["title", "day", "n", "[b]", "n", "far"]
    assert lines[3] == ["a" * 90, "2026-01-01", "1", "[red]x[/red]", "1", "+55970-11-18 16:00:00"]
    assert lines[4][:4] == ["[/b]", "", "2", "[red]x[/red]"]


def test_show_tables_shows_those_of_the_lake_but_private_ones(sql: Sql) -> None:
    _, out, _ = sql("show tables")
    assert "shown" in out
    assert "identities" not in out
    assert "shown" not in sql("show tables like 'other*'")[1]


@pytest.mark.parametrize(
    "statement",
    [
        "delete from gold.shown where true",
        "with x as (select 1) insert into gold.shown select 'a', null, 1 from x",
        "from gold.shown insert into gold.shown select * insert into gold.shown select *",
        "update gold.shown set n = 3",
        "drop table gold.shown",
        "alter table gold.shown add column m int",
        "restore gold.shown to version as of 0",
        "execute immediate 'delete from gold.shown'",
        "insert overwrite directory '/nowhere' using csv select 1",
        "set a = b",
    ],
)
def test_what_is_no_query_is_refused(sql: Sql, lake: Lake, statement: str) -> None:
    assert sql(statement) == (2, "", "error: only queries are allowed: this statement is none\n")
    assert (lake.version("gold.shown"), lake.read("gold.shown").count()) == (0, 2)


@pytest.mark.parametrize(
    ("query", "status", "told"),
    [
        ("select raise_error('boom')", 1, "the query fails: SparkRuntimeException: [USER_RAISED_EXCEPTION] boom"),
        ("select to_timestamp('2024', 'YYYY')", 1, "the query fails: SparkUpgradeException: "),
        ("selec 1", 2, "ParseException: [PARSE_SYNTAX_ERROR] Syntax error at or near 'selec'"),
        ("begin delete from gold.shown; end", 2, "[UNSUPPORTED_FEATURE.SQL_SCRIPTING]"),
        ("select none from gold.shown", 2, "[UNRESOLVED_COLUMN.WITH_SUGGESTION]"),
        ("select * from delta.`{root}/private/identities`", 2, "[TABLE_OR_VIEW_NOT_FOUND]"),
    ],
)
def test_a_query_that_fails_says_why_in_one_line(sql: Sql, lake: Lake, query: str, status: int, told: str) -> None:
    code, out, err = sql(query.format(root=lake.root))
    assert (code, out, len(err.splitlines())) == (status, "", 1)
    assert err.startswith("error: ")
    assert told in err


def test_a_terminal_that_is_too_narrow_shows_blocks(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from sparkrec.cli import _show

    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "40")
    _show(["title", "n"], [["[b]" + "a" * 40, None], ["c", "2"]])
    assert capsys.readouterr().out == f"-- row 1\ntitle: [b]{'a' * 40}\nn: \n-- row 2\ntitle: c\nn: 2\n"
