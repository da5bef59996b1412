"""What a person wants to know when the run has ended."""

import io
from shlex import quote

import pandas as pd
from pyspark.sql import functions as F
from rich.console import Console
from rich.table import Table

from sparkrec.config import Settings
from sparkrec.graph import in_order, pipeline
from sparkrec.lake import Lake
from sparkrec.steps.runs import CLEANING, latest_runs, row_account

_WIDTH = 80


def summary(lake: Lake, settings: Settings) -> str:
    """Rows in and out, the lists' quality beside the baselines, and where to look next; 80 columns wide."""
    out = io.StringIO()
    console = Console(file=out, width=_WIDTH, highlight=False, markup=False, emoji=False)
    runs = latest_runs(lake, [job.name for job in in_order(pipeline())])

    account = row_account(latest_runs(lake, CLEANING))
    table = Table(title="Every landed row", title_justify="left")
    table.add_column("what became of it")
    table.add_column("rows", justify="right")
    table.add_row("kept", f"{account.kept:,}")
    table.add_row("exact duplicates", f"{account.duplicates - account.redelivered:,}")
    if account.redelivered:
        table.add_row("sent again under the same event id", f"{account.redelivered:,}")
    for reasons, rows in account.refused.items():
        table.add_row(f"refused: {reasons}", f"{rows:,}")
    table.add_row("landed", f"{account.landed:,}", style="bold")
    console.print(table)
    total = " + ".join(f"{part:,}" for part in (account.kept, account.duplicates, account.refused_rows))
    verdict = "adds up" if account.adds_up() else "DOES NOT ADD UP"
    console.print(f"landed {account.landed:,} = kept + duplicates + refused\n  = {total}: {verdict}\n")

    metric = f"ndcg@{settings.evaluation.k}"
    figures = lake.read("gold.evaluations").where((F.col("metric") == metric) & (F.col("segment") == "all")).toPandas()
    for shelf in settings.recommend.shelves:
        of_shelf = figures[figures["shelf"] == shelf]
        measured = of_shelf[of_shelf["users"] > 0]
        split = "test" if (measured["split"] == "test").any() else "validation"
        if measured.empty:
            published = ", ".join(sorted(set(of_shelf.loc[of_shelf["chosen"], "model"])))
            console.print(f"{shelf}: nothing was measured, 0 users were held out\n  published: {published}\n")
            continue
        listed = measured[measured["split"] == split].sort_values("value", ascending=False)
        users = int(listed["users"].iloc[0])
        table = Table(title=f"{shelf}: {metric} on {split}, {users:,} users", title_justify="left")
        for column in ("model", "value", "95 % interval", "p, paired"):
            table.add_column(column, justify="left" if column == "model" else "right")
        for row in listed.to_dict("records"):
            name = f"{row['model']} (published)" if row["chosen"] else str(row["model"])
            told = (f"{row['value']:.3f}", f"{row['low']:.3f} - {row['high']:.3f}")
            p_value = "" if pd.isna(row["p_value"]) else f"{row['p_value']:.3f}"
            table.add_row(name, *told, p_value, style="bold" if row["chosen"] else "")
        console.print(table)
    console.print(f"{sum(run.seconds for run in runs):.0f} s in {len(runs)} jobs")
    console.print(f"report   {settings.report_folder}/index.html", soft_wrap=True)
    query = f'sparkrec sql "select * from gold.recommendations" --lake {quote(settings.lake)}'
    console.print(f"query    {query}", soft_wrap=True)
    return out.getvalue().rstrip()
