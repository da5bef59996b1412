"""The published lists."""

from collections.abc import Iterable, Iterator, Mapping
from functools import reduce
from typing import Any

import numpy as np
import pandas as pd
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from sparkrec.recommend.loaded import LoadedModels, Weights, load_models
from sparkrec.recommend.models import model_named
from sparkrec.recommend.pairs import Indices, find, keys, values_at
from sparkrec.recommend.ranker.candidates import Candidates
from sparkrec.recommend.ranker.rankers import rankers_named
from sparkrec.recommend.scorers.dot_product import DotProduct
from sparkrec.recommend.scorers.item_item import ItemItem
from sparkrec.recommend.scorers.scorer import Best
from sparkrec.recommend.search.top_items import PreparedSearch, ranked, top_items
from sparkrec.recommend.users import UserBatch
from sparkrec.registry.model_store import CurrentModels
from sparkrec.registry.user_vectors import column_of

_COLUMNS = (
    "user_id string, shelf string, rank int, item_index int, score double, "
    "because_index int, events int, days_since double, sources array<string>"
)

# What a user has lists by who has no vector.
_WITHOUT_VECTOR: Weights = {"popularity": 1.0}


def searched_model(blend: Weights) -> str | None:
    """The model that a blend is all of, where its lists can be searched for: a model of dot products."""
    names = tuple(blend)
    alone = len(names) == 1 and names[0] not in rankers_named() and model_named(names[0]).scorer is DotProduct
    return names[0] if alone else None


def ranked_lists(
    sequences: DataFrame,
    current: CurrentModels,
    weights: Mapping[str, Weights],
    depth: int,
    top_n: int,
    searches: Mapping[str, PreparedSearch] | None = None,
) -> DataFrame:
    """Each user's first ``top_n`` items on each shelf, with what each is there for.

    Args:
        sequences: features.behaviour_sequences of the publish fold, with what the models read besides
            (`with_model_inputs`).
        current: The models.
        weights: The blend of each shelf.
        depth: How many of its first items each blended model names; no others are looked at.
        top_n: Length of a list; shorter where there are fewer items to show.
        searches: For shelves whose items are searched for (`searched_model`): the search.

    Returns:
        ``user_id, shelf, rank, item_index, score``: of a shelf that is searched the model's own score, else the
        blend's of standardised scores; ``events`` and ``days_since`` of what the user had
        before; ``because_index``: the item of the user that speaks most for this one; ``sources``: the
        retrievers that made it a candidate of the ranker. Null where it does not apply.
    """
    searches = searches or {}
    found = []
    for shelf, search in searches.items():
        has_vector = F.col(column_of(search.model)).isNotNull()
        found.append(_searched(sequences.where(has_vector), shelf, search, top_n))
        # Users whom the training did not know.
        found.append(_scored(sequences.where(~has_vector), current, {shelf: _WITHOUT_VECTOR}, depth, top_n))
    scored = {shelf: blend for shelf, blend in weights.items() if shelf not in searches}
    if scored:
        found.append(_scored(sequences, current, scored, depth, top_n))
    return reduce(DataFrame.unionByName, found)


def _searched(sequences: DataFrame, shelf: str, search: PreparedSearch, top_n: int) -> DataFrame:
    """Lists of a model of dot products."""
    known = F.filter("interacted", lambda item: item < search.current.items)
    seen = known if shelf == "discover" else F.array().cast("array<int>")
    had = F.struct("items", "events", "days_since").alias("had")
    vector = F.col(column_of(search.model)).alias("query_vector")
    asking = sequences.select("user_id", F.col("user_index").alias("query_index"), vector, had, seen.alias("seen"))
    place = F.array_position("had.items", F.col("item_index")).cast("int")

    def of_item(values: str) -> Column:
        return F.when(place > 0, F.element_at(f"had.{values}", place)).otherwise(0)

    return ranked(top_items(asking, search, top_n)).select(
        "user_id",
        F.lit(shelf).alias("shelf"),
        "rank",
        "item_index",
        "score",
        F.lit(None).cast("int").alias("because_index"),
        of_item("events").cast("int").alias("events"),
        of_item("days_since").cast("double").alias("days_since"),
        F.lit(None).cast("array<string>").alias("sources"),
    )


def _scored(
    sequences: DataFrame, current: CurrentModels, weights: Mapping[str, Weights], depth: int, top_n: int
) -> DataFrame:
    """Lists of blends, of what the blended models put first."""
    names = tuple(sorted({name for blend in weights.values() for name in blend}))

    def rank(batches: Iterable[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        models = load_models(current, "publish", names)
        for rows, users in models.batches(batches):
            found = models.scores(users)
            for shelf, blend in weights.items():
                best = found.blended(blend, shelf, depth, top_n)
                candidates = found.candidates(shelf) if blend.keys() & models.rankers.keys() else None
                yield _lists(rows, users, models, shelf, blend, best, candidates)

    return sequences.mapInPandas(rank, _COLUMNS)


def _lists(
    rows: pd.DataFrame,
    users: UserBatch,
    models: LoadedModels,
    shelf: str,
    blend: Weights,
    best: Best,
    candidates: Candidates | None,
) -> pd.DataFrame:
    row, item, rank = best.pairs
    because = pd.Series(_because(users, row, item, models, blend)).astype("Int32")
    return pd.DataFrame(
        {
            "user_id": rows["user_id"].to_numpy()[row],
            "shelf": shelf,
            "rank": (rank + 1).astype(np.int32),
            "item_index": item.astype(np.int32),
            "score": best.scores[row, rank].astype(np.float64),
            "because_index": because.mask(because == 0),
            "events": values_at(users.events, row, item)[0].astype(np.int32),
            "days_since": values_at(users.days_since, row, item)[0].astype(np.float64),
            "sources": _sources(candidates, row, item, models.items) if candidates else None,
        }
    )


def _sources(candidates: Candidates, users: Indices, items: Indices, catalogue: int) -> "pd.Series[Any]":
    """Names of the retrievers that name each listed pair, in one order; null where none does."""
    bits = np.zeros(len(candidates.users), np.int64)
    for bit, place in enumerate(candidates.places.values()):
        bits |= (~np.isnan(place)).astype(np.int64) << bit
    # Candidates lie in the order of their keys.
    places, there = find(keys(users, items, catalogue), keys(candidates.users, candidates.items, catalogue))
    codes = np.zeros(len(users), np.int64)
    codes[there] = bits[places[there]]
    names = list(candidates.places)
    # Few sets of retrievers occur, so that each is written out once.
    sets = [[name for bit, name in enumerate(names) if code >> bit & 1] or None for code in range(1 << len(names))]
    return pd.Series(pd.Series(sets, dtype=object).to_numpy()[codes])


def _because(users: UserBatch, rows: Indices, items: Indices, models: LoadedModels, blend: Weights) -> Indices:
    """The user's item that weighs most towards each listed one, by the blend's main item-item model; else 0."""
    # A ranker speaks by the models that it stands on.
    speaking = {**dict.fromkeys(models.below if blend.keys() & models.rankers.keys() else (), 0.0), **blend}
    linked = {
        name: scorer for name, scorer in models.scorers.items() if name in speaking and isinstance(scorer, ItemItem)
    }
    if not linked:
        return np.zeros(len(rows), np.int64)
    return linked[max(linked, key=speaking.__getitem__)].heaviest(users, rows, items)


def reason(title: str) -> Column:
    """Why an item stands in a list, in words.

    Args:
        title: Column with the title of the item that speaks for it.
    """
    times = F.when(F.col("events") == 1, "once").otherwise(F.concat(F.col("events").cast("string"), F.lit(" times")))
    days = F.floor("days_since").cast("string")
    ago = F.when(F.floor("days_since") == 1, "1 day ago").otherwise(F.concat(days, F.lit(" days ago")))
    return (
        F.when(F.col("events") > 0, F.concat(F.lit("bought "), times, F.lit(", last "), ago))
        .when(F.col(title).isNotNull(), F.concat(F.lit("goes with "), F.col(title), F.lit(", bought before")))
        .otherwise("popular now")
    )
