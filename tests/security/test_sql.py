"""`sparkrec sql` answers queries over the tables that it shows, and does nothing else, whatever it is told."""

import os
import sys
from collections.abc import Callable
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
from pyspark.sql import SparkSession
from small_lake import state_of, write_small_lake

from sparkrec.cli import main
from sparkrec.errors import ConfigurationError, SparkrecError
from sparkrec.sql.duck import duck_query, shut_connection
from sparkrec.sql.spark import spark_result
from sparkrec.sql.spark_statement import check_analysed
from sparkrec.sql.tables import Tables

Ask = Callable[..., list[tuple[str | None, ...]]]

# {lake}, {canary} and {elsewhere} stand for the lake, a file that must not come to be, and a folder with a file.
BOTH = [
    "delete from gold.recommendations where true",
    "update gold.recommendations set rank = 3",
    "insert into gold.recommendations select * from gold.recommendations",
    "with x as (select 1) insert into gold.recommendations select * from x",
    "merge into gold.recommendations t using silver.interactions s on true when matched then delete",
    "drop table gold.recommendations",
    "drop view gold.recommendations",
    "drop schema gold cascade",
    "truncate table gold.recommendations",
    "alter table gold.recommendations add column m int",
    "alter table gold.recommendations rename to gold.other",
    "create table gold.copy as select * from gold.recommendations",
    "create view gold.v as select * from private.identities",
    "create or replace temporary view v as select 1",
    "create schema s",
    "vacuum gold.recommendations",
    "analyze gold.recommendations",
    "set a = b",
    "set variable a = 1",
    "reset",
    "use gold",
    "call system.clear()",
    "select 1; select 2",
    "select 1; drop table gold.recommendations",
    "select 1 /* ; */; -- x\n delete from gold.recommendations",
    "explain delete from gold.recommendations",
    "explain analyze delete from gold.recommendations",
    "",
    "-- nothing",
    # Tables that are not shown, by whatever way.
    "select * from private.identities",
    "select * from PRIVATE.Identities",
    'select * from /* gold. */ "private"."identities"',
    "with identities as (select * from private.identities) select * from identities",
    "with gold as (select 1) select * from (select * from (select * from private.identities) a) b",
    "select (select max(landed_user_id) from private.identities)",
    "select * from gold.recommendations where exists (select 1 from private.identities)",
    "select * from gold.recommendations union all select * from bronze.shop",
    "select * from bronze.shop",
    "select * from silver.quarantine",
    "select * from features.of_ones_own",
    "describe private.identities",
    "explain select * from private.identities",
    # Columns that are not shown.
    "select user_id from silver.interactions",
    "select i.visitor_id from silver.interactions i",
    "select count(*) from silver.interactions where user_id = 'u1'",
    "select * from gold.recommendations join silver.interactions using (user_id)",
    "select further from gold.recommendations",
    # Files.
    "select * from '{elsewhere}/file.csv'",
    'select * from "{elsewhere}/file.csv"',
    "select * from `{elsewhere}/file.csv`",
    "select * from text.`/etc/passwd`",
    "select * from csv.`{elsewhere}/file.csv`",
    "select * from delta.`{lake}/private/identities`",
    "select * from parquet.`{lake}/private/identities`",
    "select * from read_csv('{elsewhere}/file.csv')",
    "select * from read_files('{elsewhere}/file.csv')",
    "select * from information_schema.tables",
    "select * from system.information_schema.tables",
    # Functions that reach out.
    "select reflect('java.lang.System', 'getenv', 'CANARY')",
    "select getenv('CANARY')",
    "select getvariable('CANARY')",
    "select current_setting('temp_directory')",
    "load '{elsewhere}/file.so'",
    "install httpfs",
    "copy gold.recommendations to '{canary}'",
    "copy (select 1) to '{canary}' (format csv)",
    "execute immediate 'delete from gold.recommendations'",
    "prepare p as select 1",
    "grant all on gold.recommendations to public",
    "show schemas",
    "show functions",
]
DUCKDB = [
    "attach '{canary}' as a",
    "attach ':memory:' as a",
    "attach '{lake}/gold' as a (type delta)",
    "detach memory",
    "export database '{canary}'",
    "import database '{elsewhere}'",
    "checkpoint",
    "pragma database_list",
    "pragma enable_profiling = 'json'",
    "pragma profiling_output = '{canary}'",
    "call enable_logging()",
    "call duckdb_settings()",
    "set enable_external_access = true",
    "set lock_configuration = false",
    "reset enable_external_access",
    "set global temp_directory = '{elsewhere}'",
    "create macro m() as 1",
    "create temp macro m() as table select * from read_text('/etc/passwd')",
    "create function f(a) as a",
    "create sequence s",
    "create type t as enum ('a')",
    "create secret (type s3, key_id 'a', secret 'b')",
    "create persistent secret (type http)",
    "comment on view gold.recommendations is 'x'",
    "begin",
    "with x as (delete from gold.recommendations returning *) select * from x",
    "with x as (insert into gold.recommendations select 1 returning *) select * from x",
    "from read_text('/etc/passwd')",
    "from read_blob('/etc/passwd')",
    "from read_csv_auto('{elsewhere}/file.csv')",
    "from read_json('{elsewhere}/file.csv')",
    "from read_parquet('{lake}/private/identities/*.parquet')",
    "from parquet_scan('{lake}/private/identities/1.parquet')",
    "from parquet_metadata('{lake}/private/identities/1.parquet')",
    "from delta_scan('{lake}/private/identities')",
    "from read_duckdb('{elsewhere}/file.csv')",
    "from sniff_csv('{elsewhere}/file.csv')",
    "from glob('/etc/*')",
    "from 'https://localhost:1/x.csv'",
    "from query('select 1')",
    "from query('delete from gold.recommendations')",
    "from query_table('gold.recommendations')",
    "from json_execute_serialized_sql(json_serialize_sql('select 1'))",
    "select json_serialize_plan('select 1')",
    "from histogram('gold.recommendations', rank), gold.recommendations",
    "from duckdb_settings()",
    "from duckdb_secrets()",
    "from duckdb_functions()",
    "from duckdb_extensions()",
    "from duckdb_temporary_files()",
    "from duckdb_logs",
    "from pragma_version()",
    "from pragma_table_info('gold.recommendations')",
    "from arrow_scan(1, 2, 3)",
    "from python_map_function(1)",
    "from pandas_scan(1)",
    "from test_all_types()",
    "select * from range(3), lateral (select * from read_text('/etc/passwd'))",
    "with recursive r as (select 1 union all select * from glob('/*')) select * from r",
    "select * from gold.recommendations where item_id in (select content from read_text('/etc/passwd'))",
    "select unnest((select list(file) from glob('/etc/*')))",
    "select list_transform([1], lambda x: getvariable('a'))",
    "describe from read_text('/etc/passwd')",
    "summarize from read_text('/etc/passwd')",
    "explain analyze copy (select 1) to '{canary}'",
    "from sqlite_master",
    "from pg_catalog.pg_settings",
    "from memory.gold.recommendations",
    "from os",
    "from duckdb_views",
    "select * from (with duckdb_views as (select 1) select 1), duckdb_views",
    "from sys.modules",
    "from DUCKDB",
    "select write_log('x')",
    "select nextval('s')",
    "select sleep_ms(1)",
    "select pg_sleep(0)",
    "select pg_get_viewdef(1)",
    "select get_block_size('memory')",
    "select current_query()",
    "select main.getvariable('a')",
    "select system.main.current_setting('threads')",
    "select __internal_decompress_string(1)",
    "select $1",
    "execute p",
    "deallocate p",
    "show databases",
    "show all",
    "show variables",
    "show tables from gold",
    "pivot gold.recommendations on shelf",
]
SPARK = [
    "select transform(item_id) using 'sh -c \"touch {canary}\"' as (x) from gold.recommendations",
    "from gold.recommendations select transform(item_id) using 'cat'",
    "from (select 1 a) map a using 'cat' as b",
    "with t as (select transform(item_id) using 'cat' from gold.recommendations) select * from t",
    "select java_method('java.lang.System', 'getenv', 'CANARY')",
    "select try_reflect('java.lang.System', 'getenv', 'CANARY')",
    "select REFLECT('java.lang.System', 'exit', 1)",
    "select system.builtin.reflect('java.lang.System', 'getenv', 'CANARY')",
    "select `reflect`('java.lang.System', 'getenv', 'CANARY')",
    "select /* x */ reflect/**/('java.lang.System', 'getenv', 'CANARY')",
    "select identifier('reflect')('java.lang.System', 'getenv', 'CANARY')",
    "select * from identifier('private.identities')",
    "select transform(array(1), x -> reflect('java.lang.Math', 'abs', x))",
    "select case when false then reflect('java.lang.System', 'getenv', 'CANARY') end",
    "select * from gold.recommendations order by reflect('java.lang.System', 'getenv', 'CANARY')",
    "select sum(rank) over w from gold.recommendations window w as (order by reflect('java.lang.Math', 'random'))",
    "select sum(rank) from gold.recommendations having max(reflect('java.lang.System', 'getenv', 'CANARY')) is null",
    "select * from gold.recommendations where rank in (select reflect('java.lang.System', 'getenv', 'CANARY'))",
    "select * from gold.recommendations lateral view explode(array(reflect('java.lang.System', 'getenv', 'CANARY'))) t",
    "select * from values (reflect('java.lang.System', 'getenv', 'CANARY'))",
    "select * from gold.recommendations pivot (max(reflect('java.lang.Math', 'random')) for shelf in ('discover'))",
    "with a as (select 1 x), b as (select reflect('java.lang.System', 'getenv', 'CANARY') from a) select * from b",
    "explain select reflect('java.lang.System', 'getenv', 'CANARY')",
    "select input_file_name() from gold.recommendations",
    "select current_user",
    "select current_user()",
    "select session_user()",
    "select from_protobuf(x'00', 'm', '/etc/passwd')",
    "select from_avro(x'00', '\"int\"', map('avroSchemaUrl', '/etc/passwd'))",
    "select from_xml('<a/>', 'a int', map('rowValidationXSDPath', '/etc/passwd'))",
    "select xpath_string('<a/>', 'document(\"/etc/passwd\")')",
    "select _metadata.file_path from gold.recommendations",
    "select * from gold.recommendations version as of 0",
    "select * from gold.recommendations timestamp as of '2026-01-01'",
    "select * from gold.recommendations with ('path' = '/etc')",
    "select * from stream(gold.recommendations)",
    "select * from spark_catalog.gold.recommendations",
    "select * from delta.`{lake}/private/identities@v0`",
    "select * from table_changes('gold.recommendations', 0)",
    "select * from sql_keywords()",
    "select * from (with t as (select 1) select 1), t",
    "select a.* from range(1) b, lateral (select * from private.identities) a",
    "restore table gold.recommendations to version as of 0",
    "restore delta.`{lake}/gold/recommendations` to version as of 0",
    "vacuum delta.`{lake}/gold/recommendations` retain 0 hours",
    "optimize gold.recommendations",
    "describe history gold.recommendations",
    "describe detail gold.recommendations",
    "describe extended gold.recommendations",
    "describe formatted gold.recommendations",
    "describe schema extended gold",
    "show create table gold.recommendations",
    "show tables in gold",
    "show views",
    "show columns in private.identities",
    "show tblproperties gold.recommendations",
    "insert overwrite directory '{canary}' using csv select 1",
    "insert overwrite local directory '{canary}' using csv select 1",
    "from gold.recommendations insert into gold.recommendations select * insert into gold.recommendations select *",
    "load data inpath '{elsewhere}/file.csv' into table gold.recommendations",
    "set spark.databricks.delta.retentionDurationCheck.enabled = false",
    "set spark.sql.runSQLOnFiles = true",
    "create temporary function f as 'java.lang.Math'",
    "create function f(a int) returns int return a",
    "create table t using csv options (path '{elsewhere}')",
    "convert to delta parquet.`{elsewhere}`",
    "cache table gold.recommendations",
    "refresh '{elsewhere}'",
    "add jar '{elsewhere}/file.jar'",
    "add file '/etc/passwd'",
    "list files",
    "dfs -ls /",
    "!ls",
    "msck repair table gold.recommendations",
    "declare v int",
    "begin delete from gold.recommendations; end",
    "begin select 1; end",
    "explain codegen select * from private.identities",
]
ATTACKS = [(engine, attack) for engine, own in (("duckdb", DUCKDB), ("spark", SPARK)) for attack in (*BOTH, *own)]


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_small_lake(tmp_path_factory.mktemp("lake"))


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("elsewhere")
    (folder / "file.csv").write_text("secret\n1\n", encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def ask(spark_alone: SparkSession, lake: Path) -> Ask:
    """Rows of a query in one of the engines, as texts."""

    def rows(engine: str, query: str, personal: bool = False) -> list[tuple[str | None, ...]]:
        tables = Tables(str(lake), personal)
        if engine == "duckdb":
            with duck_query(tables, query) as result:
                read = result.read("texts", None).read_all()
        else:
            read = spark_result(spark_alone, tables, query).read("texts", None).read_all()
        return list(zip(*[column.to_pylist() for column in read.columns], strict=True))

    return rows


@pytest.mark.parametrize(("engine", "attack"), ATTACKS)
def test_what_is_no_query_over_what_is_shown_is_refused_in_one_line_and_changes_nothing(
    ask: Ask, lake: Path, elsewhere: Path, engine: str, attack: str
) -> None:
    before, canary = state_of(lake), elsewhere / "canary"

    with pytest.raises(SparkrecError) as refused:
        ask(engine, attack.format(lake=lake, elsewhere=elsewhere, canary=canary))

    assert len(str(refused.value).splitlines()) == 1
    assert "a person" not in str(refused.value)
    assert state_of(lake) == before
    assert [path.name for path in elsewhere.iterdir()] == ["file.csv"]


@pytest.mark.parametrize("engine", ["duckdb", "spark"])
@pytest.mark.parametrize(
    ("query", "flag"),
    [
        ("select * from private.identities", "private.identities holds personal data: --personal shows it"),
        ("select * from bronze.shop", "bronze.shop holds personal data: --personal shows it"),
        ("select row from silver.quarantine", "silver.quarantine holds personal data: --personal shows it"),
        (
            "select visitor_id from silver.interactions",
            "visitor_id of silver.interactions holds personal data: --personal",
        ),
        (
            "select * from features.of_ones_own",
            "features.of_ones_own may hold personal data, for no schema file",
        ),
    ],
)
def test_who_names_what_is_hidden_learns_which_flag_shows_it(ask: Ask, engine: str, query: str, flag: str) -> None:
    with pytest.raises(SparkrecError) as refused:
        ask(engine, query)
    assert str(refused.value).startswith(flag)
    assert ask(engine, query, personal=True)


@pytest.mark.parametrize("engine", ["duckdb", "spark"])
def test_a_star_leaves_personal_columns_out(ask: Ask, engine: str) -> None:
    query = "select * from silver.interactions where item_id = 'i1'"
    assert [row[0] for row in ask(engine, query)] == ["i1"]
    assert [row[:3] for row in ask(engine, query, personal=True)] == [("v1", "u1", "i1")]


# Whatever the parser's tree may hide.
@pytest.mark.parametrize(
    "statement",
    [
        "from read_text('/etc/passwd')",
        "from read_csv('{elsewhere}/file.csv')",
        "from '{elsewhere}/file.csv'",
        "from glob('/etc/*')",
        "copy (select 1) to '{canary}'",
        "attach '{canary}' as a",
        "export database '{canary}'",
        "install httpfs",
        "load httpfs",
        "load '{elsewhere}/file.so'",
        "set enable_external_access = true",
        "set lock_configuration = false",
        "set threads = 1",
        "reset temp_directory",
        "pragma enable_profiling = 'json'",
        "call enable_logging()",
        "create persistent secret (type http)",
        "from rows",
        "from elsewhere",
    ],
)
def test_the_engine_itself_reaches_nothing(elsewhere: Path, statement: str) -> None:
    rows = pa.table({"a": [1]})
    with shut_connection() as connection, pytest.raises(duckdb.Error):
        connection.execute(statement.format(elsewhere=elsewhere, canary=elsewhere / "canary")).fetchall()
    assert rows.num_rows == 1
    assert [path.name for path in elsewhere.iterdir()] == ["file.csv"]


@pytest.mark.parametrize(
    "query",
    [
        "select reflect('java.lang.System', 'getenv', 'CANARY')",
        "select try_reflect('java.lang.System', 'getenv', 'CANARY')",
        "select sum(id) over w from range(1) window w as (order by reflect('java.lang.Math', 'random'))",
        "select (select java_method('java.lang.Math', 'random') from range(1))",
        "with a as (select input_file_name() f) select * from a",
        "select current_user()",
        "select from_xml('<a/>', 'a int')",
        "select xpath_string('<a/>', 'a')",
        "select * from delta.`{lake}/private/identities`",
        "select * from text.`{elsewhere}/file.csv`",
        "select * from range(1) lateral view explode(array(reflect('java.lang.Math', 'random'))) t",
        "select transform(array(1), x -> reflect('java.lang.Math', 'abs', x))",
    ],
)
def test_an_analysed_plan_is_looked_through_whatever_was_parsed(
    spark: SparkSession, lake: Path, elsewhere: Path, query: str
) -> None:
    frame = spark.sql(query.format(lake=str(lake).replace("`", "``"), elsewhere=elsewhere))
    with pytest.raises(ConfigurationError):
        check_analysed(frame, ["hidden"])


def test_what_looks_like_a_variable_is_a_text(ask: Ask) -> None:
    query = "select '${env:PATH}', '${system:user.home}', '${spark.app.name}'"
    assert ask("spark", query) == [("${env:PATH}", "${system:user.home}", "${spark.app.name}")]


def test_a_refused_statement_ends_the_command_with_status_2(
    lake: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(os.environ, "SPARKREC_PRIVACY_KEY", "canary")
    for query in ("delete from gold.recommendations", "select getenv('SPARKREC_PRIVACY_KEY')", "from glob('/*')"):
        monkeypatch.setattr(sys, "argv", ["sparkrec", "sql", query, "--lake", str(lake)])
        with pytest.raises(SystemExit) as ended:
            main()
        told = capsys.readouterr()
        assert (ended.value.code, told.out, len(told.err.splitlines())) == (2, "", 1)
        assert "canary" not in told.err
