"""Queries to their candidates, on the executors."""

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache, reduce

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from sparkrec.config.settings import MatchSettings
from sparkrec.lake import files
from sparkrec.recommend.queries.catalogue import Catalogue
from sparkrec.recommend.queries.click_history import ClickHistory
from sparkrec.recommend.queries.retrievers import RETRIEVERS, batch_of

_FEATURES = (
    *("bm25", "text_bm25", "tfidf_cosine", "embedding_cosine", "impressions", "clicks", "click_score"),
    *("neighbour_clicks", "category_share", "same_brand"),
)
_SCHEMA = ", ".join(
    [
        "query string, item_id string",
        *(f"{name} float" for name in _FEATURES),
        *(f"place_{name} int" for name in RETRIEVERS),
        "rank_fusion float",
    ]
)
_AT_ONCE = 128
_A_TASK = 1_024


def candidates(
    asked: Mapping[str, DataFrame],
    items: DataFrame,
    clicks: Mapping[str, DataFrame],
    vectors: DataFrame,
    scratch: str,
    settings: MatchSettings,
) -> DataFrame:
    """The candidates of queries at some folds, with all that is known of each pair.

    Args:
        asked: By fold, ``query, words, vector, brand``.
        items: ``item_id, title_words, text_words, vector, category, brand``.
        clicks: By fold, what `item_clicks` gives of what the fold knows.
        vectors: ``query, vector`` of all queries.
        scratch: Folder, of this run alone, through which items and clicks reach the executors; it can be removed once
            the rows are made.
        settings: How many items are named.

    Returns:
        ``fold, query, item_id`` and what `QueryBatch.candidates` gives.
    """
    _lay(items, f"{scratch}/items")
    found = []
    for fold, queries in asked.items():
        of_fold = f"{scratch}/{fold}"
        _lay(clicks[fold], f"{of_fold}/clicks")
        known = clicks[fold].select("query").distinct().join(vectors, "query", "left").select("query", "vector")
        _lay(known, f"{of_fold}/queries")
        matched = queries.select("query", "words", "vector", "brand").mapInArrow(
            _Match(scratch, fold, settings), _SCHEMA
        )
        found.append(matched.withColumn("fold", F.lit(fold)))
    return reduce(DataFrame.unionByName, found)


def _lay(rows: DataFrame, folder: str) -> None:
    rows.write.mode("overwrite").parquet(folder)


class _Match:
    """What a worker does with some queries."""

    def __init__(self, scratch: str, fold: str, settings: MatchSettings) -> None:
        self._scratch, self._fold, self._settings = scratch, fold, settings

    def __call__(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        catalogue, history = None, None
        for batch in batches:
            for start in range(0, len(batch), _AT_ONCE):
                catalogue = catalogue or _catalogue(self._scratch)
                history = history or _history(self._scratch, self._fold)
                rows = batch.slice(start, _AT_ONCE)
                yield from batch_of(rows, catalogue, history, self._settings).candidates().to_batches()


@lru_cache(maxsize=1)
def _catalogue(scratch: str) -> Catalogue:
    return Catalogue.of(files.read_tables(f"{scratch}/items"))


@lru_cache(maxsize=1)
def _history(scratch: str, fold: str) -> ClickHistory:
    clicks, queries = (files.read_tables(f"{scratch}/{fold}/{name}") for name in ("clicks", "queries"))
    return ClickHistory.of(clicks, queries, _catalogue(scratch))


def spread(queries: DataFrame, count: int) -> DataFrame:
    """The queries in as many partitions as they need."""
    return queries.repartition(max(1, -(-count // _A_TASK)), "query")
