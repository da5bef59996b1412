"""The defaults, untouched, on shops of other shapes: published lists beside the best of the baselines.

``SPARKREC_BENCH_SHAPES`` names some of the shapes, such as ``dense,wide``; the lakes stay in
``build/bench/shape-<name>``.
"""

import os
import shutil
import time
from pathlib import Path

import pandas as pd
from pyspark.sql import functions as F

from benchmarks.peak_memory import ALL, peak_memory
from benchmarks.simulated_shapes import Shape, write_shop
from sparkrec.config import load_settings
from sparkrec.graph import JOBS, in_order
from sparkrec.lake import Lake, spark_session
from sparkrec.recommend.models import MODELS
from sparkrec.steps.runner import Runner
from sparkrec.steps.runs import latest_runs

_SHAPES = (
    Shape("dense", users=6_000, items=4_000, events=(80, 253), without=frozenset({"time_of_day"})),
    Shape("sparse", users=22_000, items=12_000, events=(8, 8), without=frozenset({"title"})),
    Shape("wide", users=30_000, items=41_000, events=(10, 15), without=frozenset({"price"})),
)
_BASELINES = [model.name for model in MODELS if not model.deep] + ["lambdamart"]


def figures() -> dict[str, float]:
    """NDCG@10 on ``discover`` of what is published and of the best baseline, their difference, seconds and memory."""
    wanted = os.environ.get("SPARKREC_BENCH_SHAPES", ",".join(shape.name for shape in _SHAPES)).split(",")
    found: dict[str, float] = {}
    for shape in _SHAPES:
        if shape.name in wanted:
            of_shape = {f"shapes.{shape.name}.{name}": value for name, value in _run(shape).items()}
            # The whole takes an hour: what is known is told at once.
            print("\n".join(f"{name} {value:.4f}" for name, value in of_shape.items()), flush=True)
            found |= of_shape
    return found


def _run(shape: Shape) -> dict[str, float]:
    folder = Path("build/bench") / f"shape-{shape.name}"
    shutil.rmtree(folder, ignore_errors=True)
    source = write_shop(shape, folder)
    settings = load_settings("local", source, lake=str((folder / "lake").resolve()))
    started = time.monotonic()
    with peak_memory() as peak, spark_session(settings.spark, "sparkrec bench shapes") as spark:
        runner = Runner.start(settings, spark, lambda line: print(line, flush=True))
        runner.run(in_order(JOBS))
        seconds = time.monotonic() - started
        by_job = {f"seconds.{run.job}": run.seconds for run in latest_runs(runner.lake, [job.name for job in JOBS])}
        figures = _evaluated(runner.lake)
    return {**published_beside_best(figures), "seconds": seconds, **by_job, "peak_gigabytes": peak[ALL] / 1e9}


def _evaluated(lake: Lake) -> pd.DataFrame:
    """Test NDCG of every model on discover."""
    of_all = (F.col("split") == "test") & (F.col("shelf") == "discover") & (F.col("segment") == "all")
    rows = lake.read("gold.evaluations").where(of_all & F.col("metric").startswith("ndcg@")).toPandas()
    print(rows.sort_values("value", ascending=False)[["model", "value", "low", "high", "p_value"]].to_string())
    return rows


def published_beside_best(rows: pd.DataFrame) -> dict[str, float]:
    """What is published beside the best baseline, over the same users.

    Args:
        rows: gold.evaluations of one split, shelf, metric and segment.

    Returns:
        ``published`` and ``best_baseline``, each with the ends of its 95 % interval; ``published_over_best``, their
        ratio; ``above_best``, their difference with its interval, and ``p_value`` of no difference, which are 0
        and 1 where the best baseline itself is published.
    """
    published = rows[rows["chosen"]].iloc[0]
    baselines = rows[rows["model"].isin(_BASELINES)]
    best = baselines.iloc[int(baselines["value"].to_numpy().argmax())]
    # The table tells by how much a model is above the published one.
    apart = {"above_best": "difference", "above_best_low": "difference_high", "above_best_high": "difference_low"}
    compared = {name: 0.0 if best["chosen"] else -best[column] for name, column in apart.items()}
    return {
        **{f"published{end}": published[column] for end, column in _ENDS.items()},
        **{f"best_baseline{end}": best[column] for end, column in _ENDS.items()},
        "published_over_best": published["value"] / best["value"],
        **compared,
        "p_value": 1.0 if best["chosen"] else best["p_value"],
        "users": float(published["users"]),
    }


_ENDS = {"": "value", "_low": "low", "_high": "high"}
