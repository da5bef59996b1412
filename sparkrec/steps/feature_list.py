"""The registry of features as tables for a terminal, with what is known of their values."""

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

from rich.table import Table
from rich.text import Text

from sparkrec.config.settings import SparkSettings
from sparkrec.contracts.features import Feature
from sparkrec.errors import DataError
from sparkrec.report import wording

Statistics = Mapping[tuple[str, str, int], Mapping[str, Any]]
"""Rows of gold.feature_statistics by table, feature and version."""

# So many signs that all of them fit into 80.
_WIDTHS = {"feature": 21, "type": 8, "v": 1}
_FIGURES = {"fill": 4, "mean": 6, "p10": 5, "p50": 5, "p90": 6, "drift": 9}
_STYLES = {"none": "green", "small": "yellow", "large": "bold red"}
_P10, _P50, _P90 = 1, 5, 9


def newest_statistics(spark: SparkSettings, root: str) -> Statistics:
    """The newest day of a lake's gold.feature_statistics, read in a session of its own.

    Raises:
        DataError: The lake has none.
    """
    # Spark takes seconds to import: the registry alone is listed without it.
    from pyspark.sql import functions as F

    from sparkrec.lake import Lake, spark_session
    from sparkrec.steps.describe import STATISTICS

    with spark_session(spark, "sparkrec features") as session:
        lake = Lake(session, root)
        if not lake.exists(STATISTICS):
            raise DataError(f"{root} has no {STATISTICS}: run `sparkrec job describe` first, or mend --lake")
        rows = lake.read(STATISTICS)
        newest = F.broadcast(rows.agg(F.max("run_date").alias("run_date")))
        found = rows.join(newest, "run_date", "left_semi").collect()
    return {(row.table, row.feature, row.version): row.asDict() for row in found}


def feature_tables(features: Sequence[Feature], statistics: Statistics | None) -> list[Table]:
    """A table for each table that owns features.

    Args:
        features: By name.
        statistics: What is known of their values; None shows what they mean instead.
    """
    return [_table(table, list(own), statistics) for table, own in groupby(features, key=lambda one: one.table)]


def legend(statistics: Statistics) -> str:
    """Of what day the statistics are, and what the drift is from."""
    rows = list(statistics.values())
    earlier = max((row["compared_with"] for row in rows if row["compared_with"]), default=None)
    against = f"from {earlier}" if earlier else "is not known on the first day"
    days = ", ".join(sorted({str(row["run_date"]) for row in rows}))
    return f"{days}; fill: rows with a value; drift: population stability index,\n{against}"


def _table(name: str, features: Sequence[Feature], statistics: Statistics | None) -> Table:
    title = Text(name, style="bold")
    table = Table(title=title, title_justify="left", box=None, padding=(0, 1, 0, 0), pad_edge=False)
    for column, width in _WIDTHS.items():
        table.add_column(column, width=width, no_wrap=True)
    if statistics is None:
        table.add_column("leakage", width=12)
        table.add_column("meaning")
    else:
        table.add_column("leak", width=6)
        for column, width in _FIGURES.items():
            table.add_column(column, width=width, justify="left" if column == "drift" else "right", no_wrap=True)
    for feature in features:
        told = [feature.column, _short(feature.type), str(feature.version)]
        if statistics is None:
            tags = f" ({', '.join(feature.tags)})" if feature.tags else ""
            table.add_row(*told, feature.leakage, Text(feature.meaning).append(tags, style="dim"))
        else:
            row = statistics.get((feature.table, feature.column, feature.version), {})
            table.add_row(*told, feature.leakage.removesuffix("_event"), *_figures(row))
    return table


def _figures(row: Mapping[str, Any]) -> list[str | Text]:
    fill, quantiles = row.get("fill_rate"), row.get("quantiles") or [None] * 11
    values = [row.get("mean"), quantiles[_P10], quantiles[_P50], quantiles[_P90]]
    return [
        "" if fill is None else f"{_floor(fill)}%",
        *["" if value is None else wording.compact(value) for value in values],
        _drift(row.get("drift"), row.get("drift_level")),
    ]


def _floor(share: float) -> int:
    """Whole per cents; only what is full reads as 100, and only what is empty as 0."""
    return 100 if share == 1 else 0 if share == 0 else min(99, max(1, round(100 * share)))


def _drift(index: float | None, level: str | None) -> Text:
    if index is None or level is None:
        return Text("")
    told = f"{index:.2f}".removeprefix("0") if index < 0.995 else f"{min(index, 9.9):.1f}"
    return Text(f"{level} {told}", style=_STYLES[level])


def _short(kind: str) -> str:
    """A type in few signs: array<string> as string[]."""
    kind = kind.partition("<")[2].removesuffix(">") + "[]" if kind.startswith("array<") else kind
    return "map" if kind.startswith("map<") else kind
