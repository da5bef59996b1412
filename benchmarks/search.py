"""Candidates of made queries in made catalogues: queries a second, and how that grows with queries and items.

``SPARKREC_BENCH_SEARCH`` names the largest size as items x queries, such as ``100000x50000``; the exponents are those
from a quarter of each.
"""

import math
import os
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import parquet as pq
from pyspark.sql import DataFrame, SparkSession

from benchmarks.vectors import SEED, THREADS, made
from sparkrec.config import load_settings
from sparkrec.config.settings import MatchSettings
from sparkrec.lake import spark_session
from sparkrec.recommend.queries.match import candidates, spread

_SIZES = "100000x50000"
_WORDS, _SIZE = 20_000, 384
_TITLE, _TEXT, _QUERY = 6, 25, 3
_CLICKED_QUERIES, _CLICKS = 10_000, 20


def figures() -> dict[str, float]:
    """``search.queries_per_second`` at the largest size, and ``search.exponent_queries`` and ``_items``."""
    items, queries = map(int, os.environ.get("SPARKREC_BENCH_SEARCH", _SIZES).split("x"))
    settings = load_settings("local", "online_retail", lake="none", overrides=[f"spark.master=local[{THREADS}]"])
    with spark_session(settings.spark, "sparkrec bench search") as spark:
        # What comes first pays for the start of the workers.
        _seconds(spark, 1_000, 1_000)
        whole = _seconds(spark, items, queries)
        fewer_queries = _seconds(spark, items, queries // 4)
        fewer_items = _seconds(spark, items // 4, queries)
    return {
        "search.queries_per_second": queries / whole,
        "search.exponent_queries": math.log(whole / fewer_queries, 4),
        "search.exponent_items": math.log(whole / fewer_items, 4),
    }


def _seconds(spark: SparkSession, items: int, queries: int) -> float:
    random = np.random.default_rng(SEED)
    with tempfile.TemporaryDirectory() as root:
        vectors = _vectors(random, _CLICKED_QUERIES)
        names = [f"q{number}" for number in range(queries)]
        asked = _laid(
            spark,
            f"{root}/asked",
            {
                "query": names,
                "words": _texts(random, queries, _QUERY),
                "vector": vectors.take(pa.array(random.integers(0, _CLICKED_QUERIES, queries))),
                "brand": pa.nulls(queries, pa.string()),
            },
        )
        shop = _laid(
            spark,
            f"{root}/shop",
            {
                "item_id": [f"i{number:08}" for number in range(items)],
                "title_words": _texts(random, items, _TITLE),
                "text_words": _texts(random, items, _TEXT),
                "vector": _vectors(random, items),
                "category": [f"c{number % 300}" for number in range(items)],
                "brand": [f"b{number % 500}" for number in range(items)],
            },
        )
        clicked = _CLICKED_QUERIES * _CLICKS
        clicks = _laid(
            spark,
            f"{root}/clicks",
            {
                "query": [f"q{number // _CLICKS}" for number in range(clicked)],
                "item_id": [f"i{number:08}" for number in random.integers(0, items, clicked)],
                "impressions": np.full(clicked, 5.0),
                "clicks": (random.random(clicked) < 0.3).astype(float),
                "click_score": np.ones(clicked),
            },
        ).dropDuplicates(["query", "item_id"])
        of_clicked = {"query": [f"q{number}" for number in range(_CLICKED_QUERIES)], "vector": vectors}
        known = _laid(spark, f"{root}/known", of_clicked)
        started = time.monotonic()
        # Vectors by lot lie far from each other: without a bound all the nearest are named, as in a real shop.
        near = MatchSettings(min_cosine=0)
        made(candidates({"publish": spread(asked, queries)}, shop, {"publish": clicks}, known, f"{root}/scratch", near))
        seconds = time.monotonic() - started
    print(f"search: {queries:,} queries in {items:,} items: {seconds:.1f} s", flush=True)
    return seconds


def _texts(random: np.random.Generator, texts: int, length: int) -> pa.ListArray:
    """Words by lot, the frequent ones as frequent as in languages."""
    weights = 1 / np.arange(1, _WORDS + 1) ** 0.9
    drawn = random.choice(_WORDS, texts * length, p=weights / weights.sum())
    names = pa.array([f"w{number}" for number in range(_WORDS)])
    return _lists(names.take(pa.array(drawn)), length)


def _vectors(random: np.random.Generator, count: int) -> pa.ListArray:
    found: NDArray[np.float32] = random.standard_normal((count, _SIZE), dtype=np.float32)
    return _lists(pa.array((found / np.linalg.norm(found, axis=1, keepdims=True)).ravel()), _SIZE)


def _lists(values: pa.Array, length: int) -> pa.ListArray:
    return pa.ListArray.from_arrays(pa.array(np.arange(0, len(values) + 1, length), pa.int32()), values)


def _laid(spark: SparkSession, folder: str, columns: dict[str, object]) -> DataFrame:
    Path(folder).mkdir()
    pq.write_table(pa.table(columns), f"{folder}/rows.parquet", row_group_size=50_000)
    return spark.read.parquet(folder)
