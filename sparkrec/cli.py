"""The command line."""

import os
import sys
from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal, NoReturn

import typer
from rich.console import Console
from typer.core import TyperCommand

from sparkrec.config import Settings, load_settings
from sparkrec.config.paths import name_project
from sparkrec.errors import ConfigurationError, DataError, SparkrecError, UnfinishedError
from sparkrec.graph import ON_DEMAND, in_order, pipeline
from sparkrec.masking import mask
from sparkrec.steps.run import lake_held, run_jobs
from sparkrec.unexpected import headline, under_way, write_traceback
from sparkrec.version import __version__


class _Command(TyperCommand):
    """A command whose unexpected exceptions know what was asked for: of the options only those that name places."""

    def invoke(self, ctx: Any) -> Any:
        """Run it."""
        given = "".join(f" --{name} {ctx.params[name]}" for name in ("source", "lake") if ctx.params.get(name))
        with under_way(f"sparkrec {ctx.info_name}{given}"):
            return super().invoke(ctx)


app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

_PROJECT = "--project"

Env = Annotated[str, typer.Option(help="Name of a file in conf/env/.")]
Source = Annotated[str, typer.Option(help="A source file, or the name of one in conf/sources/.")]
LakeFolder = Annotated[str, typer.Option("--lake", help="Folder or URI of the lake.")]
RunDate = Annotated[
    datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Last day that the run knows; else the data's last day.")
]
FirstDay = Annotated[
    datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="Run for each day from this one, in order ...")
]
LastDay = Annotated[datetime | None, typer.Option("--to", formats=["%Y-%m-%d"], help="... to this one.")]
Overrides = Annotated[list[str] | None, typer.Option("--set", help="key=value, such as training.ranks=1; repeatable.")]
RunId = Annotated[
    str | None, typer.Option(help="Names the run in gold.pipeline_runs, for jobs that are started one by one.")
]
ReportFolder = Annotated[str | None, typer.Option("--report", help="Folder of the report; else <lake>/report.")]


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def every_command(
    project: Annotated[
        str | None, typer.Option(help="Folder of your own conf/, schemas/, jobs/ and sparkrec_extensions/.")
    ] = None,
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Batch features, training and published lists for e-commerce search and recommendation."""
    if project:
        name_project(project)


@app.command(cls=_Command)
def run(
    source: Source,
    lake: LakeFolder,
    env: Env = "local",
    run_date: RunDate = None,
    first_day: FirstDay = None,
    last_day: LastDay = None,
    overrides: Overrides = None,
    report: ReportFolder = None,
    retrain: Annotated[
        Literal["due", "yes", "no"],
        typer.Option(help="Whether it trains and chooses again: when it is due, the first time and every week."),
    ] = "due",
) -> None:
    """Run the jobs in the order of the graph, in one Spark session."""
    settings = _settings(env, source, lake, run_date, overrides, report)
    run_jobs(settings, None, _days(run_date, first_day, last_day), typer.echo, retrain=retrain)


@app.command(cls=_Command)
def job(
    name: Annotated[str, typer.Argument(help="A job that `sparkrec jobs` lists.")],
    source: Source,
    lake: LakeFolder,
    env: Env = "local",
    run_date: RunDate = None,
    first_day: FirstDay = None,
    last_day: LastDay = None,
    overrides: Overrides = None,
    report: ReportFolder = None,
    run_id: RunId = None,
) -> None:
    """Run one job."""
    settings = _settings(env, source, lake, run_date, overrides, report)
    run_jobs(settings, name, _days(run_date, first_day, last_day), typer.echo, run_id)


@app.command(cls=_Command)
def forget(
    source: Source,
    lake: LakeFolder,
    user: Annotated[
        list[str] | None,
        typer.Option(help="A user id as the source maps it, or an account; repeatable. Others may see command lines."),
    ] = None,
    users_file: Annotated[str | None, typer.Option(help="A file with such ids, one a line.")] = None,
    env: Env = "local",
    overrides: Overrides = None,
    report: ReportFolder = None,
) -> None:
    """Remove people from every table, its history, and what was made from them.

    Exit status 3: they are gone from the lake, but landing files still hold them; a list names the files.
    """
    settings = _settings(env, source, lake, None, overrides, report)
    users = _users(user or (), users_file)
    from sparkrec.lake import spark_session
    from sparkrec.steps import forget as step

    with lake_held(settings, None), spark_session(settings.spark, "sparkrec forget") as spark:
        done = step.forget(settings, spark, users)
    for table, rows in done.removed.items():
        typer.echo(f"{table}: {rows:,} rows removed")
    typer.echo("shards, models and report are removed; `sparkrec run` makes them again without the people")
    if done.landing:
        raise UnfinishedError(
            f"{len(done.landing):,} landing files still hold people who were forgotten, and the lake none: remove or "
            f"clean the files that {done.landing_list} names, then run the same command again"
        )


@app.command(cls=_Command)
def maintain(
    lake: LakeFolder,
    keep_days: Annotated[int, typer.Option(min=1, help="Versions of so many days stay readable.")] = 30,
    env: Env = "local",
) -> None:
    """Join small files, and remove those of versions that nobody names any more."""
    from datetime import timedelta

    from sparkrec.config.load import load_spark_settings
    from sparkrec.lake import files, spark_session
    from sparkrec.lake.lock import at_work
    from sparkrec.steps import maintain as step

    if not files.exists(lake):
        raise DataError(f"there is no lake at {lake}")
    files.check_writable(lake)
    with at_work(lake, None), spark_session(load_spark_settings(env), "sparkrec maintain") as spark:
        removed = step.maintain(lake, spark, timedelta(days=keep_days), _say)
    for table, number in removed.items():
        typer.echo(f"{table}: {number:,} files removed")
    typer.echo(f"versions of the last {keep_days} days, and those that the last runs name, can be read")


class Engine(StrEnum):
    """What runs a query."""

    duckdb = "duckdb"
    spark = "spark"


class Format(StrEnum):
    """How rows are written."""

    table = "table"
    csv = "csv"
    json = "json"
    parquet = "parquet"


@app.command(cls=_Command)
def search(
    query: Annotated[str, typer.Argument(help="What somebody might type into the shop's search.")],
    source: Source,
    lake: LakeFolder,
    most: Annotated[int, typer.Option("--top", min=1, help="Items.")] = 10,
    env: Env = "local",
    overrides: Overrides = None,
) -> None:
    """Answer a query from the lake's tables, as the published results of frequent ones are made."""
    from sparkrec.recommend.queries.live import LiveSearch

    found = LiveSearch.open(lake, load_settings(env, source, lake, overrides=overrides or ())).search(query, most)
    if found.empty:
        _say("nothing answers this query")
    for row in found.to_dict("records"):
        _say(f"{row['rank']:>3}  {row['item_id']}  {row['title'] or '(no title)'}: {row['reason']}")


@app.command(cls=_Command)
def sql(
    query: Annotated[str, typer.Argument(help="Tables by layer.table, as gold.recommendations; or: show tables.")],
    lake: LakeFolder,
    engine: Annotated[Engine, typer.Option(help="spark is for what does not fit one machine.")] = Engine.duckdb,
    personal: Annotated[
        bool,
        typer.Option(
            "--personal",
            help="Show personal data, too: bronze, private, silver.quarantine, the columns that schema files tag pii, "
            "and those that none describes.",
        ),
    ] = False,
    form: Annotated[Format, typer.Option("--format", help="parquet needs --output.")] = Format.table,
    output: Annotated[str | None, typer.Option(help="Write to this file.")] = None,
    rows: Annotated[
        int | None, typer.Option(min=0, help="At most this many rows; else 100 of a table, and all otherwise.")
    ] = None,
    env: Env = "local",
) -> None:
    """Query the lake's tables, in SQL that can only read."""
    from sparkrec.sql.present import new_file, write
    from sparkrec.sql.query import query_lake

    if form is Format.parquet and output is None:
        raise ConfigurationError("--format parquet needs --output FILE")
    with query_lake(lake, query, engine.value, personal, env) as result:
        if output is None:
            try:
                write(result, form.value, sys.stdout.buffer, rows)
                sys.stdout.buffer.flush()
            except BrokenPipeError:
                # Who reads has enough; Python would complain of what it still holds when it ends.
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        else:
            with new_file(output, lake, personal) as file:
                write(result, form.value, file, rows)


@app.command(cls=_Command)
def features(
    lake: Annotated[str | None, typer.Option(help="Also show how values lie and drift in this lake.")] = None,
    table: Annotated[str | None, typer.Option(help="Only those of this table, as gold.user_profiles.")] = None,
    tag: Annotated[str | None, typer.Option(help="Only those with this tag, such as two_tower.")] = None,
    env: Env = "local",
) -> None:
    """List the features that models choose from."""
    from sparkrec.config.load import load_spark_settings
    from sparkrec.contracts.features import features as registered
    from sparkrec.steps.feature_list import feature_tables, legend, newest_statistics

    found = registered(tag, table)
    statistics = newest_statistics(load_spark_settings(env), lake) if lake else None
    console = Console()
    for each in feature_tables(found, statistics):
        console.print(each)
        console.print()
    if statistics:
        typer.echo(legend(statistics))


@app.command(cls=_Command)
def jobs() -> None:
    """List the jobs in their order, with what they read and write."""
    for spec in (*in_order(pipeline()), *ON_DEMAND):
        typer.echo(f"{spec.name}: {spec.description}")
        typer.echo(f"    reads  {', '.join(spec.reads) or 'landing files'}")
        typer.echo(f"    writes {', '.join(spec.writes)}")


@app.command(cls=_Command)
def simulate(
    out: Annotated[str, typer.Option(help="A new or empty folder.")],
    events: Annotated[int | None, typer.Option(help="Good events, approximately.")] = None,
    users: Annotated[int | None, typer.Option(help="People; bots come on top.")] = None,
    items: Annotated[int | None, typer.Option(help="Items of the catalogue.")] = None,
    days: Annotated[int | None, typer.Option(help="Days of the log.")] = None,
    seed: Annotated[int | None, typer.Option(help="The same seed gives the same lines.")] = None,
    overrides: Annotated[list[str] | None, typer.Option("--set", help="key=value, such as bot_rate=0.1.")] = None,
    env: Env = "local",
) -> None:
    """Make up a shop's event log of any size, with the truth beside it."""
    from sparkrec.config.load import load_spark_settings
    from sparkrec.lake import files, spark_session
    from sparkrec.simulation import settings as simulation_settings
    from sparkrec.simulation import write

    named = {"events": events, "users": users, "items": items, "days": days, "seed": seed}
    given = {key: value for key, value in named.items() if value is not None}
    settings = simulation_settings.simulation_settings(given, overrides or ())
    spark_settings = load_spark_settings(env)
    write.check(settings, out)
    files.check_writable(out)
    with spark_session(spark_settings, "sparkrec simulate") as spark:
        write.simulate(spark, settings, out, _say)


def _say(line: str) -> None:
    """Print a line of progress, without secrets."""
    typer.echo(mask(line))


def main() -> NoReturn:
    """Entry point of ``sparkrec``."""
    _exit_well(lambda: app(_project_first(sys.argv[1:])))


def job_main(name: str) -> NoReturn:
    """Entry point of ``jobs/<name>.py`` for spark-submit: the same options as ``sparkrec job <name>``."""
    # Python puts the script's folder in front of everything; profile.py in it would pass for the standard library's.
    folder = Path(sys.argv[0]).resolve().parent
    sys.path[:] = [entry for entry in sys.path if Path(entry).resolve() != folder]
    _exit_well(lambda: app(_project_first(["job", name, *sys.argv[1:]]), prog_name=f"jobs/{name}.py"))


def _project_first(arguments: Sequence[str]) -> list[str]:
    """The arguments with ``--project DIR`` in front: it may stand anywhere, for it concerns every command."""
    for place, argument in enumerate(arguments):
        if argument == _PROJECT or argument.startswith(f"{_PROJECT}="):
            end = place + (2 if argument == _PROJECT else 1)
            return [*arguments[place:end], *arguments[:place], *arguments[end:]]
    return list(arguments)


def _exit_well(command: Callable[[], Any]) -> NoReturn:
    try:
        command()
    except SparkrecError as error:
        typer.echo(f"error: {error}", err=True)
        if hasattr(error, "__notes__"):
            typer.echo(f"traceback: {write_traceback(error)}", err=True)
        sys.exit(error.exit_status)
    except Exception as error:  # the last resort: nobody above would tell it better
        typer.echo(f"error: {headline(error)}", err=True)
        typer.echo(f"traceback: {write_traceback(error)}", err=True)
        sys.exit(1)
    sys.exit(0)


def _settings(
    env: str,
    source: str,
    lake: str,
    run_date: date | None,
    overrides: list[str] | None,
    report: str | None,
) -> Settings:
    given = list(overrides or ())
    if report:
        given.append(f"report.folder={report}")
    day = run_date.date() if isinstance(run_date, datetime) else run_date
    return load_settings(env, source, lake, day, given)


def _users(given: Sequence[str], file: str | None) -> dict[str, str]:
    """Ids of users by what messages call them, which is not the id.

    Raises:
        ConfigurationError: There are none, or the file cannot be read.
    """
    users = {f"--user number {number}": user for number, user in enumerate(given, 1)}
    if file is not None:
        try:
            lines = Path(file).read_text(encoding="utf-8-sig").splitlines()
        except OSError as error:
            raise ConfigurationError(f"--users-file {file} cannot be read: {error.strerror}") from None
        except UnicodeDecodeError:
            raise ConfigurationError(f"--users-file {file} is no text in UTF-8") from None
        users |= {f"line {number} of {file}": line.strip() for number, line in enumerate(lines, 1) if line.strip()}
    if not users:
        raise ConfigurationError("name people by --user ID or --users-file FILE, one id a line")
    return users


def _days(run_date: datetime | None, first: datetime | None, last: datetime | None) -> list[date]:
    """Days to run for in order; none where no first and last one are named."""
    if first is None and last is None:
        return []
    if first is None or last is None or run_date is not None or last < first:
        raise ConfigurationError("--from DAY --to DAY: name both, the earlier first, and no --run-date beside them")
    return [first.date() + timedelta(days=number) for number in range((last - first).days + 1)]
