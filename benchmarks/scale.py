"""From silver to published lists for simulated shops of two sizes: time, memory, candidates, and retrieval alone.

``SPARKREC_BENCH_SHOPS`` names the shops as users x items x events, such as ``100000x50000x5000000``. Landing files and
lakes stay in ``build/bench``; a lake that was cleaned before is not cleaned again.
"""

import gzip
import math
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import psutil
from pyspark.sql import functions as F

from benchmarks.peak_memory import peak_memory
from benchmarks.simulated import simulated
from benchmarks.vectors import MOST, SEED, THREADS, askers_of, made, models_of, of_tastes, search_of
from sparkrec.config import load_settings
from sparkrec.config.privacy_key import VARIABLE
from sparkrec.config.settings import SearchSettings
from sparkrec.lake import Lake, spark_session
from sparkrec.recommend.loaded import Weights, load_models, with_model_inputs
from sparkrec.recommend.publish import ranked_lists
from sparkrec.recommend.search.top_items import top_items
from sparkrec.registry.model_store import CurrentModels
from sparkrec.simulation import SimulationSettings

_SHOPS = "100000x50000x5000000,1000000x200000x20000000"
_EMPTY = "200x100x5000"
_FOLDER = Path("build/bench/scale")
_BEFORE = ("ingest", "clean")
_JOBS = ("profile", "understand", "featurize", "shard", "train", "evaluate", "recommend")
_OPTIONS = (
    "spark.conf={spark.driver.memory: 1g, spark.driver.maxResultSize: 64m}",
    "recommend.top_n=100",
    "training.models=[two_tower]",
)
_CATALOGUES = {"10k": 10_000, "100k": 100_000, "1m": 1_000_000}
_ASKING, _TASTES, _RANKED_USERS = 20_000, 2_000, 20_000
_KINDS = ("driver", "jvm", "workers", "largest workers")
_MIB = 1 << 20
_RANKER = "ranker"


@dataclass
class Shop:
    """A simulated shop."""

    users: int
    items: int
    events: int

    @property
    def name(self) -> str:
        """Its sizes, in words that a folder can be named by."""
        return f"{self.users}x{self.items}x{self.events}"


@dataclass(frozen=True)
class Measured:
    """Seconds of a job, and the most memory by kind of process in bytes (`_kind`)."""

    seconds: float
    peaks: Mapping[str, int]


def figures() -> dict[str, float]:
    """Seconds and peaks by shop and job, and the ratios that tell how they grow."""
    os.environ.setdefault(VARIABLE, "a key of the benchmark")
    shops = [_shop(name) for name in os.environ.get("SPARKREC_BENCH_SHOPS", _SHOPS).split(",")]
    found: dict[str, float] = {}
    totals, peaks = {}, {}
    for shop in (_shop(_EMPTY), *shops):
        measured = _run(shop)
        totals[shop.name] = sum(one.seconds for one in measured.values())
        peaks[shop.name] = {kind: max(one.peaks.get(kind, 0) for one in measured.values()) / _MIB for kind in _KINDS}
        found |= {f"scale.{shop.name}.seconds.{job}": one.seconds for job, one in measured.items()}
        found |= {
            f"scale.{shop.name}.{kind.replace(' ', '_')}_peak_mb": peak for kind, peak in peaks[shop.name].items()
        }
        found[f"scale.{shop.name}.retained_ratio"] = _retained(shop)
    small, large = shops[0], shops[-1]
    found |= _ranking(small) | _retrieval()
    if small != large:
        empty = totals[_shop(_EMPTY).name]
        growth = (totals[large.name] - empty) / (totals[small.name] - empty)
        found["scale.users_exponent"] = math.log(growth) / math.log(large.users / small.users)
        of = {name: peaks[name]["driver"] + peaks[name]["jvm"] for name in peaks}
        found["scale.driver_growth"] = of[large.name] / of[small.name]
        found["scale.worker_growth"] = peaks[large.name]["largest workers"] / peaks[small.name]["largest workers"]
    return found


def _shop(name: str) -> Shop:
    return Shop(*map(int, name.split("x")))


def _run(shop: Shop) -> dict[str, Measured]:
    source = _FOLDER / shop.name
    lake = source / "lake"
    simulated(source, SimulationSettings(events=shop.events, users=shop.users, items=shop.items))
    if not (lake / "silver" / "interactions" / "_delta_log").exists():
        for job in _BEFORE:
            _job(job, source, lake, ())
    for folder in ("features", "gold", "models", "shards"):
        shutil.rmtree(lake / folder, ignore_errors=True)
    measured = {job: _job(job, source, lake, _OPTIONS) for job in _JOBS}
    # What a second run leaves behind beside the first.
    for job in _JOBS:
        _job(job, source, lake, _OPTIONS)
    return measured


def _retained(shop: Shop) -> float:
    """Bytes of the lake besides bronze and the published lists by those of the raw events, unpacked."""
    folder = _FOLDER / shop.name
    kept = sum(
        path.stat().st_size
        for path in (folder / "lake").rglob("*")
        if path.is_file() and not {"bronze", "recommendations"} & {*path.relative_to(folder / "lake").parts}
    )
    raw = 0
    for path in (folder / "landing").rglob("*.gz"):
        with gzip.open(path) as lines:
            while part := lines.read(1 << 24):
                raw += len(part)
    return kept / raw


def _ranking(shop: Shop) -> dict[str, float]:
    """Candidates with features and ranks a second, of some of the shop's users on all surfaces."""
    lake = str((_FOLDER / shop.name / "lake").resolve())
    settings = load_settings("local", "events", lake=lake, overrides=[f"spark.master=local[{THREADS}]"])
    current = CurrentModels.read(f"{lake}/models/current.json")
    if _RANKER not in current.versions:
        return {}
    weights: dict[str, Weights] = {shelf: {_RANKER: 1.0} for shelf in settings.recommend.shelves}
    with spark_session(settings.spark, "sparkrec bench ranking") as spark:
        read = Lake(spark, lake).read
        users = read("features.behaviour_sequences").where("fold = 'publish'")
        users = with_model_inputs(users, current, "publish", [_RANKER], read)
        some = users.orderBy(F.xxhash64("user_index")).limit(_RANKED_USERS).repartition(2 * THREADS).cache()
        count = some.count()

        def counted(batches: Iterable[pd.DataFrame]) -> Iterator[pd.DataFrame]:
            models = load_models(current, "publish", (_RANKER,))
            for _, batch in models.batches(batches):
                scores = models.scores(batch)
                pairs = sum(len(scores.candidates(shelf).users) for shelf in weights)
                yield pd.DataFrame({"pairs": [pairs]})

        pairs = some.mapInPandas(counted, "pairs long").toPandas()["pairs"].sum()
        started = time.monotonic()
        made(ranked_lists(some, current, weights, settings.ranker.depth, MOST))
        seconds = time.monotonic() - started
    return {
        "scale.candidates_per_request": pairs / (count * len(weights)),
        "scale.pairs_per_second": pairs / seconds,
    }


def _retrieval() -> dict[str, float]:
    """Seconds for the first items of some users by search alone, and the recall where it is not exact."""
    found: dict[str, float] = {}
    settings = load_settings("local", "events", lake="none", overrides=[f"spark.master=local[{THREADS}]"])
    for name, items in _CATALOGUES.items():
        random = np.random.default_rng(SEED)
        users, vectors = of_tastes(_TASTES, _ASKING, items, random)
        with tempfile.TemporaryDirectory() as root, spark_session(settings.spark, "sparkrec bench retrieval") as spark:
            search = search_of(spark, models_of(root, users, vectors), SearchSettings())
            askers = askers_of(spark, root, users, items, random)
            # The workers read the vectors first.
            made(top_items(askers.limit(2 * THREADS), search, MOST))
            started = time.monotonic()
            made(top_items(askers, search, MOST))
            found[f"scale.retrieval_{name}_seconds"] = time.monotonic() - started
            if search.cells:
                found["scale.recall_at_100"] = search.recall
        print(f"scale: retrieval among {items:,}: {found[f'scale.retrieval_{name}_seconds']:.1f} s", flush=True)
    return found


def _job(job: str, folder: Path, lake: Path, options: tuple[str, ...]) -> Measured:
    command = [str(Path(sys.executable).parent / "sparkrec"), "job", job]
    command += ["--env", "local", "--source", "events", "--lake", str(lake)]
    command += ["--set", f"source.landing={(folder / 'landing').resolve()}"]
    command += [part for option in options for part in ("--set", option)]
    log = folder / f"{job}.log"
    began = time.monotonic()
    with (
        log.open("w", encoding="utf-8") as output,
        subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT) as process,
        peak_memory(process.pid, partial(_kind, driver=process.pid)) as peaks,
    ):
        status = process.wait()
    seconds = time.monotonic() - began
    if status:
        raise RuntimeError(f"{' '.join(command)} ended with {status}: {log}")
    told = "  ".join(f"{kind} {peaks.get(kind, 0) / _MIB:,.0f} MB" for kind in _KINDS)
    print(f"scale: {lake.parent.name} {job} {seconds:.0f} s  {told}", flush=True)
    return Measured(seconds, peaks)


def _kind(process: psutil.Process, driver: int) -> str:
    """The ``driver`` (Python), its ``jvm``, Python ``workers``, or ``others``."""
    if process.pid == driver:
        return "driver"
    if process.name() == "java":
        return "jvm"
    return "workers" if re.search(r"python_daemon|pyspark", " ".join(process.cmdline())) else "others"
