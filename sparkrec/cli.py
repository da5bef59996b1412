"""The command line."""

import sys
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
import yaml
from rich.console import Console
from rich.table import Table

from sparkrec import __version__
from sparkrec.config import Settings, load_settings
from sparkrec.errors import ConfigurationError, SparkrecError
from sparkrec.graph import JOBS, in_order

app = typer.Typer(
    help="Batch features, training and published lists for e-commerce search and recommendation.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

Env = Annotated[str, typer.Option(help="Name of a file in conf/env/.")]
Source = Annotated[str, typer.Option(help="A source file, or the name of one in conf/sources/.")]
LakeFolder = Annotated[str, typer.Option("--lake", help="Folder or URI of the lake.")]
RunDate = Annotated[
    datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Last day that the run knows; else the data's last day.")
]
Overrides = Annotated[list[str] | None, typer.Option("--set", help="key=value, such as training.ranks=1; repeatable.")]
ReportFolder = Annotated[str | None, typer.Option("--report", help="Folder of the report; else <lake>/report.")]


@app.command()
def run(
    source: Source,
    lake: LakeFolder,
    env: Env = "local",
    run_date: RunDate = None,
    overrides: Overrides = None,
    report: ReportFolder = None,
) -> None:
    """Run every job in the order of the graph, in one Spark session."""
    settings = _settings(env, source, lake, run_date, overrides, report)
    _run(settings, None)


@app.command()
def job(
    name: Annotated[str, typer.Argument(help="One of: " + ", ".join(spec.name for spec in JOBS))],
    source: Source,
    lake: LakeFolder,
    env: Env = "local",
    run_date: RunDate = None,
    overrides: Overrides = None,
    report: ReportFolder = None,
) -> None:
    """Run one job."""
    settings = _settings(env, source, lake, run_date, overrides, report)
    _run(settings, name)


@app.command()
def sql(
    query: Annotated[str, typer.Argument(help="Tables by layer.table, as gold.recommendations.")],
    lake: LakeFolder,
    env: Env = "local",
    rows: Annotated[int, typer.Option(help="Show at most this many rows.")] = 100,
) -> None:
    """Query the lake's tables with Spark SQL."""
    from sparkrec.config.load import load_spark_settings
    from sparkrec.lake.query import query_lake

    found = query_lake(load_spark_settings(env), lake, query, rows)
    table = Table(*found.columns)
    for row in found.rows:
        table.add_row(*["" if value is None else str(value) for value in row])
    Console().print(table)
    if found.more:
        typer.echo(f"first {rows} rows; --rows shows more")


@app.command()
def jobs() -> None:
    """List the jobs in their order, with what they read and write."""
    for spec in in_order(JOBS):
        typer.echo(f"{spec.name}: {spec.description}")
        typer.echo(f"    reads  {', '.join(spec.reads) or 'landing files'}")
        typer.echo(f"    writes {', '.join(spec.writes)}")


@app.command()
def version() -> None:
    """Print the version."""
    typer.echo(__version__)


def main() -> NoReturn:
    """Entry point of ``sparkrec``."""
    _exit_well(lambda: app())


def job_main(name: str) -> NoReturn:
    """Entry point of ``jobs/<name>.py`` for spark-submit: the same options as ``sparkrec job <name>``."""
    # Python puts the script's folder in front of everything; profile.py in it would pass for the standard library's.
    folder = Path(sys.argv[0]).resolve().parent
    sys.path[:] = [entry for entry in sys.path if Path(entry).resolve() != folder]
    _exit_well(lambda: app(["job", name, *sys.argv[1:]], prog_name=f"jobs/{name}.py"))


def _exit_well(command: Callable[[], Any]) -> NoReturn:
    try:
        command()
    except SparkrecError as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(error.exit_status)
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


def _run(settings: Settings, only: str | None) -> None:
    """Run the whole graph or one job, and print what came of it."""
    specs = [spec for spec in in_order(JOBS) if only in (None, spec.name)]
    if not specs:
        raise ConfigurationError(f"no job {only}; one of: {', '.join(spec.name for spec in in_order(JOBS))}")
    # pyarrow, too, takes a moment to import.
    from sparkrec.lake.files import check_writable

    check_writable(settings.lake)
    typer.echo("# settings of this run")
    typer.echo(yaml.safe_dump(settings.model_dump(mode="json", exclude_unset=True), sort_keys=False).strip())

    # Spark takes seconds to import: help and mistakes of use answer without it.
    from sparkrec.lake import spark_session
    from sparkrec.steps.runner import Runner
    from sparkrec.steps.summary import summary

    spark = spark_session(settings.spark, f"sparkrec {only or 'run'}")
    try:
        runner = Runner.start(settings, spark, typer.echo)
        runner.run(specs)
        if only is None:
            typer.echo(summary(runner.lake, settings))
    finally:
        spark.stop()
