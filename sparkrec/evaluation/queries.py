"""Results of queries against what people then clicked."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from sparkrec.evaluation.metrics import list_metrics
from sparkrec.evaluation.segments import WHOLE
from sparkrec.recommend.queries.fusion import SEARCH

_WHOSE = ["user_hash", "model", "shelf"]
_RARE, _FREQUENT = 10, 100


def query_lists(rows: DataFrame, orders: Mapping[str, Column], queries: DataFrame, k: int) -> DataFrame:
    """The first places of each query's list by each order.

    Args:
        rows: features.query_items of a fold, with what the orders need.
        orders: By model, what its lists are ordered by, greatest first; null where an item is not in the list.
        queries: features.query_text.
        k: Places of a list.

    Returns:
        ``user_id`` (the query), ``model, shelf``, ``hits`` (array<boolean>, k), ``targets`` (items that were clicked,
        found or not) and ``segments``.
    """
    targets = rows.groupBy("normalised_query").agg(F.sum("label").cast("long").alias("targets")).where("targets > 0")
    named = F.explode(F.map_from_arrays(*(F.array(part) for part in _entries(orders)))).alias("model", "order")
    place = Window.partitionBy("normalised_query", "model").orderBy(F.desc("order"), "item_id")
    listed = (
        rows.select("normalised_query", "item_id", "label", named)
        .where(F.col("order").isNotNull() & ~F.isnan("order"))
        .withColumn("place", F.row_number().over(place))
        .where(F.col("place") <= k)
        .groupBy("normalised_query", "model")
        .agg(F.collect_list(F.when(F.col("label") > 0, F.col("place"))).alias("places"))
    )
    # A model that finds nothing for a query has an empty list.
    models = F.explode(F.array(*map(F.lit, orders))).alias("model")
    asked = targets.join(queries.select("normalised_query", _segments().alias("segments")), "normalised_query", "left")
    every = asked.select("normalised_query", "targets", "segments", models)
    places = F.coalesce("places", F.array().cast("array<int>"))
    hits = F.transform(F.sequence(F.lit(1), F.lit(k)), lambda at: F.array_contains(places, at))
    return every.join(listed, ["normalised_query", "model"], "left").select(
        F.col("normalised_query").alias("user_id"),
        "model",
        F.lit(SEARCH).alias("shelf"),
        hits.alias("hits"),
        "targets",
        "segments",
    )


def _entries(orders: Mapping[str, Column]) -> tuple[list[Column], list[Column]]:
    return [*map(F.lit, orders)], [order.cast("double") for order in orders.values()]


def _segments() -> Column:
    """How often the query is searched for, how long it is, and whether its spelling was corrected."""
    words = F.size(F.split("normalised_query", " "))
    return F.array(
        F.when(F.col("searches") >= _FREQUENT, f"searches={_FREQUENT} and more")
        .when(F.col("searches") >= _RARE, f"searches={_RARE} to {_FREQUENT - 1}")
        .otherwise(f"searches=below {_RARE}"),
        F.when(words == 1, "words=1").when(words == 2, "words=2").otherwise("words=3 and more"),
        F.when(F.col("edits") > 0, "spelling=corrected").otherwise("spelling=as typed"),
    )


def query_values(lists: pd.DataFrame, k: int) -> pd.DataFrame:
    """Metrics of each list, and NDCG once more for each of the query's segments.

    Args:
        lists: Some of `query_lists`, with ``user_hash`` in the place of ``user_id``.
        k: Cut-off.

    Returns:
        ``user_hash, model, shelf, metric, segment, value``.
    """
    hits, targets = np.stack(lists["hits"].to_list()), lists["targets"].to_numpy(np.int64)
    values, whose, leading = list_metrics(hits, targets, k), lists[_WHOSE], f"ndcg@{k}"
    found = [whose.assign(metric=metric, segment=WHOLE, value=value) for metric, value in values.items()]
    by_query = whose.assign(metric=leading, segment=lists["segments"], value=values[leading])
    return pd.concat([*found, by_query.explode("segment").dropna(subset="segment")], ignore_index=True)
