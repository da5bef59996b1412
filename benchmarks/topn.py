"""Top-N lists on the executors beside faiss alone and beside Spark's own ALS, seen items removed."""

import statistics
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import faiss
import numpy as np
import psutil
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import parquet as pq
from pyspark.ml.recommendation import ALSModel
from pyspark.sql import DataFrame, SparkSession

from sparkrec.config import load_settings
from sparkrec.config.settings import SearchSettings
from sparkrec.lake import files, spark_session
from sparkrec.lake.model_tables import USERS, user_vectors
from sparkrec.recommend.search.top_items import PreparedSearch, prepare, top_items
from sparkrec.registry.model_store import CurrentModels

_SIZES = (25_000, 50_000, 100_000)
_ALS_USERS = 5_000
_ITEMS, _SIZE, _MAX = 50_000, 64, 100
_MANY_ITEMS, _TASTES = 400_000, 2_000
_TURNS = 3
_THREADS = 2
_SEED = 1


def figures() -> dict[str, float]:
    """Rates, ``topn.vs_faiss``, ``topn.vs_als``, ``topn.exponent``, memory, and the approximate search's recall."""
    settings = load_settings("local", "events", lake="none", overrides=[f"spark.master=local[{_THREADS}]"])
    with tempfile.TemporaryDirectory() as root, spark_session(settings.spark, "sparkrec bench topn") as spark:
        found = _exact(spark, f"{root}/exact")
        return found | _approximate(spark, f"{root}/approximate")


def _exact(spark: SparkSession, root: str) -> dict[str, float]:
    random = np.random.default_rng(_SEED)
    users, items = (random.standard_normal((rows, _SIZE), dtype=np.float32) for rows in (_SIZES[-1], _ITEMS))
    search = _prepared(spark, _models(root, users, items), SearchSettings())
    askers = {count: _askers(spark, root, users[:count], _ITEMS, random) for count in (_ALS_USERS, *_SIZES)}

    found: dict[str, float] = {}
    # Workers start, and read the vectors; memory is looked at before the larger sizes have their turn.
    _made(top_items(askers[_SIZES[0]], search, _MAX))
    _made(top_items(askers[_SIZES[0]], search, _MAX))
    found[f"topn.{_SIZES[0]}.worker_peak_mb"] = _worker_peak_mb()
    _made(top_items(askers[_SIZES[-1]], search, _MAX))
    found[f"topn.{_SIZES[-1]}.worker_peak_mb"] = _worker_peak_mb()

    flat = faiss.IndexFlatIP(_SIZE)
    flat.add(items)
    runs: dict[str, Callable[[], object]] = {
        str(count): lambda count=count: _made(top_items(askers[count], search, _MAX)) for count in _SIZES
    }
    # Threads of one call wait for each other, which takes long where others use the cores, too: halves need not.
    runs["faiss"] = lambda: _alone(flat, users, calls=1)
    runs["faiss halves"] = lambda: _alone(flat, users, calls=_THREADS)
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
        faiss.omp_set_num_threads(_THREADS // calls)
        index.search(part, _MAX)

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
    frames = [frame._jdf for frame in factors]  # type: ignore[attr-defined]
    fitted = jvm.org.apache.spark.ml.recommendation.ALSModel("als", _SIZE, *frames)
    als = ALSModel(fitted.setUserCol("user").setItemCol("item"))
    runs = {
        "als": lambda: _made(als.recommendForAllUsers(_MAX)),
        "own": lambda: _made(top_items(askers, search, _MAX)),
    }
    seconds = _in_turns(runs)
    for frame in factors:
        frame.unpersist()
    return {
        f"topn.als.{len(users)}.scores_per_second": len(users) * len(items) / statistics.median(seconds["als"]),
        f"topn.{len(users)}.scores_per_second": len(users) * len(items) / statistics.median(seconds["own"]),
        "topn.vs_als": _ratio(seconds["als"], seconds["own"]),
    }


def _approximate(spark: SparkSession, root: str) -> dict[str, float]:
    """A catalogue too large to be searched exactly, whose items, and users, are of so many tastes."""
    random = np.random.default_rng(_SEED)
    tastes = random.standard_normal((_TASTES, _SIZE), dtype=np.float32)
    users, items = (
        tastes[random.integers(0, _TASTES, rows)] + 0.7 * random.standard_normal((rows, _SIZE), dtype=np.float32)
        for rows in (_SIZES[0], _MANY_ITEMS)
    )
    current = _models(root, users, items)
    askers = _askers(spark, root, users, _MANY_ITEMS, random)
    started = time.monotonic()
    cells = _prepared(spark, current, SearchSettings())
    prepared = time.monotonic() - started
    exact = _prepared(spark, current, SearchSettings(exact_items=_MANY_ITEMS))
    found = {"topn.approximate.recall": cells.recall, "topn.approximate.prepare_seconds": prepared}
    took = {}
    for name, search in (("approximate", cells), ("exact", exact)):
        # Other vectors than before: the workers read them first.
        _made(top_items(askers.limit(2 * _THREADS), search, _MAX))
        took[name] = _in_turns({name: lambda search=search: _made(top_items(askers, search, _MAX))}, turns=1)[name]
    return found | {"topn.approximate.vs_exact": _ratio(took["exact"], took["approximate"])}


def _models(root: str, users: NDArray[np.float32], items: NDArray[np.float32]) -> CurrentModels:
    files.write_arrays(f"{root}/popularity/1/publish/arrays.npz", {"scores": np.ones(len(items), np.float32)})
    files.write_arrays(f"{root}/als/1/publish/arrays.npz", {"items": items})
    rows = user_vectors(np.arange(len(users), dtype=np.int32), users)
    files.write_table(f"{root}/als/1/publish/{USERS}/part-0.parquet", [rows])
    versions = {"popularity": "1", "als": "1"}
    return CurrentModels(root=root, versions=versions, folds=("publish",), items=len(items), left_out={})


def _prepared(spark: SparkSession, current: CurrentModels, settings: SearchSettings) -> PreparedSearch:
    return prepare(spark, current, "als", "publish", "users", _MAX, settings, _SEED)


def _askers(
    spark: SparkSession, root: str, users: NDArray[np.float32], items: int, random: np.random.Generator
) -> DataFrame:
    """Users, in twice as many files as there are cores, with what they have seen: some items, few of them very many."""
    folder = Path(root) / f"askers-{len(users)}"
    folder.mkdir(parents=True)
    lengths = np.minimum(random.lognormal(3, 1, len(users)), 1_000).astype(np.int64)
    for number, part in enumerate(np.array_split(np.arange(len(users)), 2 * _THREADS)):
        ends = np.concatenate([[0], np.cumsum(lengths[part])]).astype(np.int32)
        # The first items are seen most.
        seen = (items * random.random(ends[-1]) ** 3).astype(np.int32)
        lists = pa.ListArray.from_arrays(pa.array(ends), pa.array(seen))
        vectors = user_vectors(part.astype(np.int32), users[part]).rename_columns(["query_index", "query_vector"])
        table = vectors.append_column("seen", lists)
        pq.write_table(table, folder / f"{number}.parquet")
    return spark.read.option("mergeSchema", False).parquet(str(folder))


def _factors(spark: SparkSession, vectors: NDArray[np.float32]) -> DataFrame:
    with tempfile.TemporaryDirectory() as folder:
        ends = np.arange(0, vectors.size + 1, vectors.shape[1], dtype=np.int32)
        features = pa.ListArray.from_arrays(pa.array(ends), pa.array(vectors.ravel()))
        numbers = pa.array(np.arange(len(vectors), dtype=np.int32))
        pq.write_table(pa.table({"id": numbers, "features": features}), f"{folder}/factors.parquet")
        kept = spark.read.parquet(folder).repartition(2 * _THREADS).cache()
        kept.count()
    return kept


def _made(lists: DataFrame) -> None:
    """Have all rows made and kept nowhere."""
    lists.write.format("noop").mode("overwrite").save()


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
