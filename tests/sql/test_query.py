"""`sparkrec sql`: what it finds, and how it is shown."""

import csv
import io
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
from pyarrow import parquet
from pyspark.sql import SparkSession
from small_lake import state_of, write_small_lake

from sparkrec.cli import main
from sparkrec.errors import ConfigurationError, DataError
from sparkrec.sql.duck import duck_query
from sparkrec.sql.duck_statement import Statement, read_statement
from sparkrec.sql.present import Format, new_file, write
from sparkrec.sql.spark import spark_result
from sparkrec.sql.tables import Tables

Sql = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_small_lake(tmp_path_factory.mktemp("lake"))


@pytest.fixture
def sql(lake: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]) -> Sql:
    """Runs the command in this process; gives exit status, output and errors."""

    def run(query: str, *options: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["sparkrec", "sql", query, "--lake", str(lake), *options])
        with pytest.raises(SystemExit) as ended:
            main()
        told = capfdbinary.readouterr()
        assert isinstance(ended.value.code, int)
        return ended.value.code, told.out.decode(), told.err.decode()

    return run


def test_a_table_shows_cells_as_they_are_escapes_what_has_no_print_and_tells_nulls(sql: Sql) -> None:
    cells = "item_id as \"[b]\", rank as n, rank as n, chr(10) || chr(27) || '🛒' as c, '' as e"
    query = f"select {cells} from gold.recommendations"
    code, out, err = sql(f"{query} where shelf = 'discover' and rank = 2 union all {query} where item_id is null")
    assert (code, err) == (0, "")
    lines = [[cell.strip() for cell in line.strip("┃│").replace("┃", "│").split("│")] for line in out.splitlines()]
    assert lines[1] == ["[b]", "n", "n", "c", "e"]
    assert lines[3:6] == [
        ["i2", "2", "2", r"\n\x1b🛒", ""],
        ["[red]i3[/b]", "2", "2", r"\n\x1b🛒", ""],
        ["NULL", "1", "1", r"\n\x1b🛒", ""],
    ]


def test_a_table_fits_80_columns_or_shows_blocks(sql: Sql, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "80")
    wide = "a" * 79
    assert sql(f"select '[b]{wide}' as title, null as n")[1] == f"-- row 1\ntitle: [b]{wide}\nn: NULL\n"
    assert sql(f"values ('{wide}')")[1] == f"col0\n{wide}\n"
    plan = sql("explain select item_id from gold.recommendations where user_id = 'u1'")[1]
    assert max(map(len, plan.splitlines())) <= 80
    assert "user_id = 'u1'" in plan


def test_show_tables_shows_those_that_queries_see(sql: Sql) -> None:
    listed = [
        {"table": "silver.interactions", "rows": 2, "hidden columns": 2},
        {"table": "gold.recommendations", "rows": 6, "hidden columns": 1},
    ]
    assert json.loads(sql("SHOW TABLES;", "--format", "json")[1]) == listed
    assert json.loads(sql("show tables", "--format", "json", "--engine", "spark")[1]) == listed
    everything = json.loads(sql("show tables", "--format", "json", "--personal")[1])
    assert [(one["table"], one["hidden columns"]) for one in everything] == [
        ("private.identities", 0),
        ("bronze.shop", 0),
        ("silver.interactions", 0),
        ("silver.quarantine", 0),
        ("features.of_ones_own", 0),
        ("gold.recommendations", 0),
    ]


def test_rows_are_bounded_in_a_table_and_on_demand(sql: Sql) -> None:
    assert sql("from range(101)")[1].endswith("\nfirst 100 rows; --rows shows more\n")
    assert "first" not in sql("from range(100)")[1]
    assert sql("from range(7)", "--rows", "2")[1].endswith("first 2 rows; --rows shows more\n")
    assert sql("from range(101)", "--format", "csv")[1].splitlines() == ['"range"', *map(str, range(101))]
    assert sql("from range(101)", "--format", "csv", "--rows", "1")[1] == '"range"\n0\n'
    assert sql("from range(0)", "--format", "json")[1] == "[]\n"
    assert sql("from range(0)", "--format", "csv")[1] == '"range"\n'


@pytest.mark.parametrize("engine", ["duckdb", "spark"])
def test_both_engines_write_the_same_in_every_format(engine: str, spark_alone: SparkSession, lake: Path) -> None:
    query = (
        "select rank as rank, item_id, score, sources, cast(run_date as date) as day, cast(null as int) as nothing, "
        "cast(1.50 as decimal(10, 2)) as price, ',\"\n' as odd "
        "from gold.recommendations where user_id = 'u2' order by 1, 2"
    )

    def written(form: Format) -> bytes:
        tables = Tables(str(lake), personal=False)
        out = io.BytesIO()
        if engine == "duckdb":
            with duck_query(tables, query) as result:
                write(result, form, out, None)
        else:
            write(spark_result(spark_alone, tables, query), form, out, None)
        return out.getvalue()

    found = json.loads(written("json"))
    assert list(found[0]) == ["rank", "item_id", "score", "sources", "day", "nothing", "price", "odd"]
    assert [*found[0].values()] == [1, "i1", 2.0, ["als"], "2026-01-01", None, 1.5, ',"\n']
    assert [one["score"] for one in found] == [2.0, 0.5, "NaN"]
    rows = list(csv.reader(io.StringIO(written("csv").decode())))
    assert rows[1] == ["1", "i1", "2", "[als]", "2026-01-01", "", "1.50", ',"\n']
    assert len(rows) == 4
    table = parquet.read_table(io.BytesIO(written("parquet")))
    assert table.schema.field("rank").type == "int32"
    assert table.column("sources").to_pylist() == [["als"], [], None]
    assert "│ 1    │ i1          │ 2.0   │ [als]" in written("table").decode()


def test_an_empty_text_and_a_null_differ_in_csv_and_json(sql: Sql) -> None:
    assert sql("select '' as a, null as b", "--format", "csv")[1] == '"a","b"\n"",\n'
    assert json.loads(sql("select '' as a, null as b", "--format", "json")[1]) == [{"a": "", "b": None}]


def test_numbers_that_json_does_not_have_are_texts(sql: Sql) -> None:
    query = (
        "select 'nan'::double as a, ['-inf'::float, 1.5, null] as b, {'x y''s': 'inf'::float, 'd': 'é'} as c, "
        "map{'k': 'nan'::double} as d, null::double[] as e, null::struct(a double) as f, [['nan'::double]] as g"
    )
    (row,) = json.loads(sql(query, "--format", "json")[1], parse_constant=pytest.fail)
    values = ["NaN", ["-Infinity", 1.5, None], {"x y's": "Infinity", "d": "é"}, {"k": "NaN"}, None, None, [["NaN"]]]
    assert [*row.values()] == values


def test_a_file_takes_its_name_when_all_is_written_and_lies_outside_the_lake(
    sql: Sql, lake: Path, tmp_path: Path
) -> None:
    file = tmp_path / "rows.parquet"
    assert sql("select user_id from gold.recommendations", "--format", "parquet", "--output", str(file)) == (0, "", "")
    assert parquet.read_table(file).num_rows == 6
    file.write_text("earlier", encoding="utf-8")
    code, _, err = sql(
        "select cast(item_id as int) from gold.recommendations", "--format", "csv", "--output", str(file)
    )
    assert (code, len(err.splitlines())) == (1, 1)
    assert [(one.name, one.read_text(encoding="utf-8")) for one in tmp_path.iterdir()] == [("rows.parquet", "earlier")]
    sql("select 1", "--personal", "--output", str(tmp_path / "personal.txt"))
    assert (tmp_path / "personal.txt").stat().st_mode & 0o077 == 0

    before = state_of(lake)
    (tmp_path / "link").symlink_to(lake / "gold", target_is_directory=True)
    for inside in (lake / "rows.csv", lake / "gold" / "new.csv", tmp_path / "link" / "rows.csv"):
        assert sql("select 1", "--output", str(inside))[0] == 2
    assert state_of(lake) == before
    assert sql("select 1", "--output", str(tmp_path))[0] == 2
    assert sql("select 1", "--output", str(tmp_path / "none" / "rows.csv"))[0] == 2
    assert sql("select 1", "--format", "parquet") == (2, "", "error: --format parquet needs --output FILE\n")


def test_a_broken_run_leaves_no_file(lake: Path, tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), new_file(str(tmp_path / "rows"), str(lake), for_owner=False) as file:
        file.write(b"half")
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("query", "options", "status", "told"),
    [
        ("select error('boom')", [], 1, "error: the query fails: Invalid Input Error: boom"),
        ("select cast(item_id as int) from gold.recommendations", [], 1, "error: the query fails: Conversion Error: "),
        ("selec 1", [], 2, 'error: Parser Error: syntax error at or near "selec"'),
        ("select none from gold.recommendations", [], 2, 'error: Binder Error: Referenced column "none" not found'),
        (
            "select * from gold.none",
            [],
            2,
            "error: there is no table gold.none; tables: silver.interactions, features.",
        ),
        ("select nothing(1)", [], 2, "error: Catalog Error: Scalar Function with name nothing does not exist!"),
        ("select 1 as a, 2 as A", ["--format", "json"], 2, 'error: --format json: two columns are named "a"'),
        ("select 1", ["--lake", "/nowhere"], 1, "error: /nowhere holds no tables"),
    ],
)
def test_a_query_that_fails_says_why_in_one_line(
    sql: Sql, query: str, options: list[str], status: int, told: str
) -> None:
    code, out, err = sql(query, *options)
    assert (code, out, len(err.splitlines())) == (status, "", 1)
    assert err.startswith(told)


@pytest.mark.parametrize(
    ("query", "error", "told"),
    [
        ("selec 1", ConfigurationError, "ParseException: [PARSE_SYNTAX_ERROR] Syntax error at or near 'selec'"),
        ("select none from gold.recommendations", ConfigurationError, "AnalysisException: [UNRESOLVED_COLUMN."),
        ("select none(1)", ConfigurationError, "queries may not use the function none"),
        ("select raise_error('boom')", DataError, "the query fails: "),
    ],
)
def test_a_query_that_fails_in_spark_says_why_in_one_line(
    spark_alone: SparkSession, lake: Path, query: str, error: type[Exception], told: str
) -> None:
    with pytest.raises(error) as failed:
        spark_result(spark_alone, Tables(str(lake), personal=False), query).read("texts", 1).read_all()
    assert str(failed.value).startswith(told)
    assert len(str(failed.value).splitlines()) == 1


# What is read for a query is less than its tables; what it finds is the same as of all of them.
_NEEDS = [
    ("select item_id from gold.recommendations where user_id = 'u1' and 2 > rank", "user_id rank item_id", 2),
    ("select item_id from gold.recommendations where run_date >= '2026-01-02' or rank = 1", "run_date rank item_id", 0),
    ("select count(*) from gold.recommendations where run_date >= '2026-01-01'", "run_date", 1),
    ("select count(*) from gold.recommendations", "run_date", 0),
    ("select * exclude (run_date) from gold.recommendations where shelf = 'reorder'", None, 1),
    ("select recommendations from gold.recommendations where rank = 2", None, 1),
    ("select r.rank, r from gold.recommendations r where r.rank = 2", None, 0),
    ("select a, b from gold.recommendations as r(a, b) where a = '2026-01-01' and rank = 1", None, 0),
    ("select #3 from gold.recommendations where rank = 2", None, 1),
    ("select columns('_id') from gold.recommendations where rank = 2", None, 1),
    (
        "select a.item_id from gold.recommendations a join gold.recommendations b using (score) where b.rank = 1",
        "rank item_id score",
        0,
    ),
    ("select i.item_id, rank from silver.interactions i natural join gold.recommendations where rank = 1", None, 0),
    ("select * from gold.recommendations tablesample 100% where rank = 1", None, 0),
    ("select rank + 1 as rank from gold.recommendations where rank = 2", "rank", 1),
    ("select 5 as shelf, item_id from gold.recommendations where shelf = 'reorder'", "shelf item_id", 1),
    ("select max(rank) from gold.recommendations where rank = '2' and score < 1", "rank score", 0),
    ("select (select max(score) from gold.recommendations where rank = i) from range(3) t(i)", "rank score", 0),
    ("from (unpivot gold.recommendations on rank, score) where name = 'rank' and shelf = 'reorder'", None, 0),
    ("summarize select rank from gold.recommendations where rank = 2", None, 1),
    ("select RANK from GOLD.RECOMMENDATIONS where Rank = 2 and 'a' < USER_ID", "user_id rank", 2),
]


@pytest.mark.parametrize(("query", "columns", "filters"), _NEEDS)
def test_what_is_not_read_is_not_missed(
    lake: Path, monkeypatch: pytest.MonkeyPatch, query: str, columns: str | None, filters: int
) -> None:
    tables = Tables(str(lake), personal=False)
    table = tables.find("gold.recommendations")
    with duckdb.connect() as connection:
        statement = read_statement(connection, query)
    assert statement.columns(table) == (columns.split() if columns else list(table.columns))
    assert len(statement.filters(table)) == filters

    def rows() -> list[str]:
        with duck_query(tables, query) as result:
            return sorted(result.read("json", None).read_all().column(0).to_pylist())

    found = rows()
    monkeypatch.setattr(Statement, "columns", lambda self, table: list(table.columns))
    monkeypatch.setattr(Statement, "filters", lambda self, table: [])
    assert rows() == found


def test_a_table_without_one_of_its_files_is_named(tmp_path: Path) -> None:
    damaged = write_small_lake(tmp_path)
    (damaged / "gold" / "recommendations" / "1.parquet").unlink()
    with pytest.raises(DataError, match=r"gold/recommendations lacks a file that its log names: .*1\.parquet$"):
        Tables(str(damaged), personal=False).find("gold.recommendations")


def test_a_query_needs_no_spark(lake: Path) -> None:
    code = (
        "import sys; from sparkrec.cli import main\ntry: main()\nfinally: "
        "print([name for name in ('pyspark', 'tensorflow', 'great_expectations', 'mlflow') if name in sys.modules])"
    )
    query = "select count(*) as n from gold.recommendations"
    done = subprocess.run(
        [sys.executable, "-c", code, "sql", query, "--lake", str(lake), "--format", "csv"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.stderr, done.returncode) == ('"n"\n6\n[]\n', "", 0)
