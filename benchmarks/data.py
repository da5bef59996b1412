"""Landing to profiles on simulated events, beside DuckDB doing the same in SQL on the same files."""

import os
import shutil
import tempfile
import time
from pathlib import Path

import duckdb
import numpy as np

from benchmarks.peak_memory import ALL, peak_memory
from benchmarks.simulated import WARM_UP, landing, sizes
from sparkrec.config import load_settings
from sparkrec.config.privacy_key import VARIABLE
from sparkrec.graph import JOBS
from sparkrec.lake import spark_session
from sparkrec.steps.runner import Runner
from sparkrec.steps.runs import latest_runs

_JOBS = ("ingest", "clean", "profile")
_HOT = 0.2
_DAYS = 10


def figures() -> dict[str, float]:
    """Seconds and rates by size, and ``data.exponent`` and the ratios: skew, increment, DuckDB."""
    os.environ.setdefault(VARIABLE, "a key of the benchmark")
    wanted = sizes()
    _pipeline(landing(WARM_UP), "warm-up", {})
    found: dict[str, float] = {}
    took = {}
    for size in wanted:
        took[size], counts = _pipeline(landing(size), f"data.{size}", found)
        found[f"data.{size}.duckdb.seconds"] = _duckdb(landing(size), counts)
    if len(wanted) > 1:
        found["data.exponent"] = float(np.polyfit(np.log(wanted), np.log([took[size] for size in wanted]), 1)[0])
    hot, _ = _pipeline(landing(wanted[0], _HOT), "data.hot", found)
    found["data.skew_ratio"] = hot / took[wanted[0]]
    found["data.increment_ratio"] = _increments(landing(wanted[0]), found)
    found["data.duckdb_ratio"] = took[wanted[-1]] / found[f"data.{wanted[-1]}.duckdb.seconds"]
    return found


def _pipeline(landed: Path, name: str, found: dict[str, float]) -> tuple[float, dict[str, int]]:
    """Seconds of the jobs, and what the clean job counted."""
    with tempfile.TemporaryDirectory() as lake, peak_memory() as peak:
        settings = load_settings("local", "events", lake=lake, overrides=[f"source.landing={landed}"])
        with spark_session(settings.spark, "sparkrec bench data") as spark:
            runner = Runner.start(settings, spark, print)
            runner.run([job for job in JOBS if job.name in _JOBS])
            runs = {run.job: run for run in latest_runs(runner.lake, _JOBS)}
    counts = runs["clean"].counts
    for job, run in runs.items():
        found[f"{name}.{job}.events_per_second"] = counts["landed"] / run.seconds
    seconds = sum(run.seconds for run in runs.values())
    found[f"{name}.seconds"], found[f"{name}.peak_gigabytes"] = seconds, peak[ALL] / 1e9
    # The whole takes hours: what is known is told at once.
    print(f"{name}: {seconds:.1f} s, {peak[ALL] / 1e9:.2f} GB at most", flush=True)
    return seconds, counts


def _increments(landed: Path, found: dict[str, float]) -> float:
    """Seconds of the tenth day's delivery by those of the first, each followed by the jobs.

    Before them the shop's first day is loaded into an empty lake, where nothing is there to go on from.
    """
    took = []
    with tempfile.TemporaryDirectory() as folder:
        settings = load_settings(
            "local", "events", lake=f"{folder}/lake", overrides=[f"source.landing={folder}/landing"]
        )
        with spark_session(settings.spark, "sparkrec bench increments") as spark:
            for number, day in enumerate(sorted(landed.iterdir())[: 1 + _DAYS]):
                shutil.copytree(day, Path(folder) / "landing" / day.name)
                runner = Runner.start(settings, spark, print)
                runner.run([job for job in JOBS if job.name in _JOBS])
                took.append(sum(run.seconds for run in latest_runs(runner.lake, _JOBS)))
                found[f"data.increment.{number}.seconds"] = took[-1]
                print(f"data.increment.{number}: {took[-1]:.1f} s", flush=True)
    return took[-1] / took[1]


def _duckdb(landed: Path, counts: dict[str, int]) -> float:
    """Seconds of DuckDB, two threads and the memory of the pipeline; its rows must be those of the pipeline."""
    script = (Path(__file__).parent / "data.sql").read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as out, duckdb.connect(f"{out}/work.duckdb") as database:
        database.execute("set threads = 2; set memory_limit = '6GB'; set timezone = 'UTC'")
        started = time.monotonic()
        database.execute(script.format(landing=landed, out=out))
        seconds = time.monotonic() - started
        print(f"DuckDB: {seconds:.1f} s", flush=True)
        for table, rows in (("interactions", counts["kept"]), ("searches", counts["searches"])):
            found = database.execute(f"select count(*) from read_parquet('{out}/{table}.parquet')").fetchone()
            if found != (rows,):
                raise ValueError(f"DuckDB has {found} {table}, the pipeline {rows}")
    return seconds
