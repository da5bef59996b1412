"""The published results of queries."""

from collections.abc import Iterable, Iterator

import numpy as np
import pandas as pd
from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from sparkrec.recommend.queries.retrievers import RETRIEVERS

NOTHING = "nothing answers this query"
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
        .select("normalised_query", "rank", "item_id", "score", _reason().alias("reason"), _sources().alias("sources"))
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


def _sources() -> Column:
    """The retrievers that name the item."""
    return F.array_compact(F.array(*[F.when(F.col(f"place_{name}").isNotNull(), name) for name in RETRIEVERS]))


def _reason() -> Column:
    """Why an item answers a query, in words."""
    times = F.when(F.col("clicks") == 1, "once").otherwise(F.concat(F.col("clicks").cast("long"), F.lit(" times")))
    return (
        F.when(F.col("clicks") > 0, F.concat(F.lit("chosen "), times, F.lit(" after this search")))
        .when(F.col("bm25") > 0, "words of the query in its title")
        .when(F.col("text_bm25") > 0, "words of the query in its texts")
        .when(F.col("neighbour_clicks") > 0, "chosen after similar searches")
        .otherwise("its title means about the same")
    )


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
