"""Top-N lists on the executors beside faiss alone and beside Spark's own ALS, seen items removed."""

import statistics
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path

import faiss
import numpy as np
import psutil
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import parquet as pq
from pyspark.ml.recommendation import ALSModel
from pyspark.sql import DataFrame, SparkSession

from benchmarks.vectors import MOST, SEED, SIZE, THREADS, askers_of, made, models_of, of_tastes, search_of
from sparkrec.config import load_settings
from sparkrec.config.settings import SearchSettings
from sparkrec.lake import spark_session
from sparkrec.recommend.search.top_items import PreparedSearch, top_items

_SIZES = (25_000, 50_000, 100_000)
_ALS_USERS = 5_000
_ITEMS = 50_000
_MANY_ITEMS, _TASTES = 400_000, 2_000
_TURNS = 3


def figures() -> dict[str, float]:
    """Rates, ``topn.vs_faiss``, ``topn.vs_als``, ``topn.exponent``, memory, and the approximate search's recall."""
    settings = load_settings("local", "events", lake="none", overrides=[f"spark.master=local[{THREADS}]"])
    with tempfile.TemporaryDirectory() as root, spark_session(settings.spark, "sparkrec bench topn") as spark:
        found = _exact(spark, f"{root}/exact")
        return found | _approximate(spark, f"{root}/approximate")


def _exact(spark: SparkSession, root: str) -> dict[str, float]:
    random = np.random.default_rng(SEED)
    users, items = (random.standard_normal((rows, SIZE), dtype=np.float32) for rows in (_SIZES[-1], _ITEMS))
    search = search_of(spark, models_of(root, users, items), SearchSettings())
    askers = {count: askers_of(spark, root, users[:count], _ITEMS, random) for count in (_ALS_USERS, *_SIZES)}

    found: dict[str, float] = {}
    # Workers start, and read the vectors; memory is looked at before the larger sizes have their turn.
    made(top_items(askers[_SIZES[0]], search, MOST))
    made(top_items(askers[_SIZES[0]], search, MOST))
    found[f"topn.{_SIZES[0]}.worker_peak_mb"] = _worker_peak_mb()
    made(top_items(askers[_SIZES[-1]], search, MOST))
    found[f"topn.{_SIZES[-1]}.worker_peak_mb"] = _worker_peak_mb()

    flat = faiss.IndexFlatIP(SIZE)
    flat.add(items)
    runs: dict[str, Callable[[], object]] = {str(count): partial(_lists, askers[count], search) for count in _SIZES}
    # Threads of one call wait for each other, which takes long where others use the cores, too: halves need not.
    runs["faiss"] = lambda: _alone(flat, users, calls=1)
    runs["faiss halves"] = lambda: _alone(flat, users, calls=THREADS)
    seconds = _in_turns(runs)
    seconds["faiss"] = [min(pair) for pair in zip(seconds["faiss"], seconds["faiss halves"], strict=True)]
    for count in _SIZES:
        took = statistics.median(seconds[str(count)])
        found[f"topn.{count}.seconds"] = took
        found[f"topn.{count}.scores_per_second"] = count * _ITEMS / took
    found["topn.faiss.scores_per_second"] = len(users) * _ITEMS / statistics.median(seconds["faiss"])
    found["topn.vs_faiss"] = _ratio(seconds["faiss"], seconds[str(_SIZES[-1])])
    medians = [statistics.median(seconds[str(count)]) for count in _SIZES]
    found["topn.exponent"] = float(np.polyfit(np.log(_SIZES), np.log(medians), 1)[0])
    return found | _beside_als(spark, users[:_ALS_USERS], items, askers[_ALS_USERS], search)


def _alone(index: faiss.IndexFlatIP, users: NDArray[np.float32], calls: int) -> None:
    """faiss on as many threads as Spark has cores, in so many calls at once."""

    def search(part: NDArray[np.float32]) -> None:
        faiss.omp_set_num_threads(THREADS // calls)
        index.search(part, MOST)

    with ThreadPoolExecutor(calls) as pool:
        list(pool.map(search, np.array_split(users, calls)))


def _beside_als(
    spark: SparkSession,
    users: NDArray[np.float32],
    items: NDArray[np.float32],
    askers: DataFrame,
    search: PreparedSearch,
) -> dict[str, float]:
    """The same vectors as an ALSModel, fewer users."""
    factors = [_factors(spark, vectors) for vectors in (users, items)]
    jvm = spark.sparkContext._jvm
    assert jvm is not None
    frames = [frame._jdf for frame in factors]
    fitted = jvm.org.apache.spark.ml.recommendation.ALSModel("als", SIZE, *frames)
    als = ALSModel(fitted.setUserCol("user").setItemCol("item"))
    runs: dict[str, Callable[[], object]] = {
        "als": lambda: made(als.recommendForAllUsers(MOST)),
        "own": partial(_lists, askers, search),
    }
    seconds = _in_turns(runs)
    for frame in factors:
        frame.unpersist()
    return {
        f"topn.als.{len(users)}.scores_per_second": len(users) * len(items) / statistics.median(seconds["als"]),
        f"topn.{len(users)}.scores_per_second": len(users) * len(items) / statistics.median(seconds["own"]),
        "topn.vs_als": _ratio(seconds["als"], seconds["own"]),
    }


def _lists(askers: DataFrame, search: PreparedSearch) -> None:
    made(top_items(askers, search, MOST))


def _approximate(spark: SparkSession, root: str) -> dict[str, float]:
    """A catalogue too large to be searched exactly, whose items, and users, are of so many tastes."""
    random = np.random.default_rng(SEED)
    users, items = of_tastes(_TASTES, _SIZES[0], _MANY_ITEMS, random)
    current = models_of(root, users, items)
    askers = askers_of(spark, root, users, _MANY_ITEMS, random)
    started = time.monotonic()
    cells = search_of(spark, current, SearchSettings())
    prepared = time.monotonic() - started
    exact = search_of(spark, current, SearchSettings(exact_items=_MANY_ITEMS))
    found = {"topn.approximate.recall": cells.recall, "topn.approximate.prepare_seconds": prepared}
    took = {}
    for name, search in (("approximate", cells), ("exact", exact)):
        # Other vectors than before: the workers read them first.
        made(top_items(askers.limit(2 * THREADS), search, MOST))
        took[name] = _in_turns({name: partial(_lists, askers, search)}, turns=1)[name]
    return found | {"topn.approximate.vs_exact": _ratio(took["exact"], took["approximate"])}


def _factors(spark: SparkSession, vectors: NDArray[np.float32]) -> DataFrame:
    with tempfile.TemporaryDirectory() as folder:
        ends = np.arange(0, vectors.size + 1, vectors.shape[1], dtype=np.int32)
        features = pa.ListArray.from_arrays(pa.array(ends), pa.array(vectors.ravel()))
        numbers = pa.array(np.arange(len(vectors), dtype=np.int32))
        pq.write_table(pa.table({"id": numbers, "features": features}), f"{folder}/factors.parquet")
        kept = spark.read.parquet(folder).repartition(2 * THREADS).cache()
        kept.count()
    return kept


def _in_turns(runs: dict[str, Callable[[], object]], turns: int = _TURNS) -> dict[str, list[float]]:
    """Seconds of each run in each turn: the machine's own speed drifts, so that those of one turn are compared."""
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    for turn in range(turns):
        for name in sorted(runs, reverse=bool(turn % 2)):
            started = time.monotonic()
            runs[name]()
            seconds[name].append(time.monotonic() - started)
            print(f"topn: {name} {seconds[name][-1]:.2f} s", flush=True)
    return seconds


def _ratio(above: list[float], below: list[float]) -> float:
    """The median of the turns' ratios."""
    return statistics.median(one / other for one, other in zip(above, below, strict=True))


def _worker_peak_mb() -> float:
    """The most memory that any Python worker has ever held, in MiB; those that have been idle still live."""
    peaks = []
    for process in psutil.Process().children(recursive=True):
        # One may end just now.
        with suppress(psutil.NoSuchProcess, FileNotFoundError):
            if "sparkrec.compat.python_daemon" in process.cmdline():
                status = Path(f"/proc/{process.pid}/status").read_text(encoding="utf-8")
                peaks += [int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmHWM")]
    return max(peaks)
