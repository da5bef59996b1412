"""The published results of queries."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F
from pyspark.sql.pandas.functions import pandas_udf

from sparkrec.recommend.queries.retrievers import RETRIEVERS

NOTHING = "nothing answers this query"
_REASONS = ("clicks", "bm25", "text_bm25", "neighbour_clicks")
_PLACES = tuple(f"place_{name}" for name in RETRIEVERS)
OUT_OF_PRICE = "nothing that answers this query has a price that it asks for"


def results(candidates: DataFrame, order: Column, queries: DataFrame, prices: DataFrame, most: int) -> DataFrame:
    """Each query's first items, and a row for each query that has none.

    Args:
        candidates: features.query_items of publish, with what the order needs.
        order: What lists are ordered by, greatest first; null where an item is not in the list.
        queries: ``normalised_query, searches, price_min, price_max``: those that have results.
        prices: ``item_id, price``, of items with a known price.
        most: Items of a list.

    Returns:
        ``normalised_query, searches, rank, item_id, score, reason, sources``.
    """
    price = F.col("price")
    fits = (price >= F.coalesce("price_min", price)) & (price <= F.coalesce("price_max", price))
    found = (
        candidates.withColumn("score", order.cast("double"))
        .where(F.col("score").isNotNull() & ~F.isnan("score"))
        .join(queries, "normalised_query", "inner")
        .join(prices, "item_id", "left")
        .withColumn("fits", F.coalesce(fits, F.lit(True)))
    )
    place = Window.partitionBy("normalised_query").orderBy(F.desc("score"), "item_id")
    listed = (
        found.where("fits")
        .withColumn("rank", F.row_number().over(place))
        .where(F.col("rank") <= most)
        .withColumns(
            {"reason": _told(reasons, "string", _REASONS), "sources": _told(sources, "array<string>", _PLACES)}
        )
        .select("normalised_query", "rank", "item_id", "score", "reason", "sources")
    )
    out_of_price = found.where(~F.col("fits")).select("normalised_query", F.lit(True).alias("too_dear")).distinct()
    empty = (
        queries.join(listed.select("normalised_query").distinct(), "normalised_query", "left_anti")
        .join(out_of_price, "normalised_query", "left")
        .select(
            "normalised_query",
            F.lit(1).alias("rank"),
            F.lit(None).cast("string").alias("item_id"),
            F.lit(None).cast("double").alias("score"),
            F.when(F.col("too_dear"), OUT_OF_PRICE).otherwise(NOTHING).alias("reason"),
            F.lit(None).cast("array<string>").alias("sources"),
        )
    )
    return listed.unionByName(empty).join(queries.select("normalised_query", "searches"), "normalised_query", "inner")


def _told(tell: Callable[[pd.DataFrame], "pd.Series[Any]"], kind: str, columns: Sequence[str]) -> Column:
    """What a function of some columns tells."""

    def told(values: pd.DataFrame) -> pd.Series:
        return tell(values)

    column: Column = pandas_udf(told, kind)(F.struct(*columns))  # type: ignore[call-overload]
    return column


def sources(places: pd.DataFrame) -> "pd.Series[Any]":
    """The retrievers that name each item: a list each.

    Args:
        places: ``place_<retriever>`` of each.
    """
    named = [places[f"place_{name}"].notna().to_numpy() for name in RETRIEVERS]
    return pd.Series(
        [[name for name, there in zip(RETRIEVERS, row, strict=True) if there] for row in zip(*named, strict=True)],
        index=places.index,
        dtype=object,
    )


def reasons(features: pd.DataFrame) -> "pd.Series[Any]":
    """Why each item answers its query, in words: the strongest reason there is.

    Args:
        features: ``clicks, bm25, text_bm25, neighbour_clicks`` of each.
    """
    times = features["clicks"].astype(int).map(lambda clicks: "once" if clicks == 1 else f"{clicks:,} times")
    found = pd.Series("its title means about the same", index=features.index, dtype=object)
    # From the weakest to the strongest.
    found[features["neighbour_clicks"] > 0] = "chosen after similar searches"
    found[features["text_bm25"] > 0] = "words of the query in its texts"
    found[features["bm25"] > 0] = "words of the query in its title"
    return found.mask(features["clicks"] > 0, times.map("chosen {} after this search".format))


def with_nearest_query(results: DataFrame, vectors: DataFrame, min_cosine: float) -> DataFrame:
    """The results with ``nearest_query``: for a query without an item the most similar one that has some.

    Args:
        results: What `results` gives.
        vectors: ``normalised_query, vector``.
        min_cosine: How similar it is at least.
    """
    hopeless = results.where("item_id is null").select("normalised_query").distinct()
    asking = hopeless.join(vectors, "normalised_query", "inner").where("vector is not null")
    answered = results.where("item_id is not null").select("normalised_query").distinct()
    # As many as have results at all: a bounded number (match.queries).
    known = answered.join(vectors, "normalised_query", "inner").where("vector is not null").toPandas()
    known = known.sort_values("normalised_query")
    names = known["normalised_query"].to_numpy(object)
    of_known = np.array(known["vector"].to_list(), np.float32)

    def nearest(batches: Iterable[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        for batch in batches:
            if not len(batch) or not len(names):
                continue
            cosines = np.array(batch["vector"].to_list(), np.float32) @ of_known.T
            best = cosines.argmax(axis=1)
            is_near = cosines[np.arange(len(batch)), best] >= min_cosine
            yield pd.DataFrame(
                {"normalised_query": batch["normalised_query"][is_near], "nearest_query": names[best[is_near]]}
            )

    found = asking.mapInPandas(nearest, "normalised_query string, nearest_query string")
    return results.join(found, "normalised_query", "left")
