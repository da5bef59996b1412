"""Rank held-out events by models and blends: each user's lists with the hits in them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pyspark.sql import DataFrame

from sparkrec.features.vocabulary import PADDING
from sparkrec.recommend.item_lists import ItemLists
from sparkrec.recommend.loaded import BatchScores, Weights, load_models
from sparkrec.recommend.scorers.scorer import Best
from sparkrec.recommend.targets import targets_of
from sparkrec.registry.model_store import CurrentModels


def evaluated(
    users: DataFrame,
    current: CurrentModels,
    fold: str,
    blends: Mapping[str, Mapping[str, Weights]],
    shelves: Sequence[str],
    depth: int,
    k: int,
    head: NDArray[np.bool_],
) -> DataFrame:
    """Each user's list of a full ranking: the first of all known items, on every shelf, by every model.

    A target that is not known at the fold is no target, and on discover none that the user has a positive
    event with; a user without targets on a shelf does not count there.

    Args:
        users: What `with_segments` gives of what `with_targets` gives.
        current: The models.
        fold: Which fold's arrays to load.
        blends: By name and shelf: weights of models. They stand beside the single models.
        shelves: Shelves to rank.
        depth: How many of its first items each model names to a blend.
        k: Places of a list.
        head: Which items are of the head, (items,).

    Returns:
        ``user_id, segments, model, shelf``, ``items`` (indices, best first; `PADDING` where fewer may be shown),
        ``hits`` (whether each is a target), ``targets`` (how many there are) and ``head_targets`` (how many of the
        head).
    """
    names = current.at(fold)

    def evaluate(batches: Iterable[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        models = load_models(current, fold, names)
        for rows, users in models.batches(batches):
            found = models.scores(users)
            for shelf in shelves:
                targets = targets_of(rows, users, models.known, shelf)
                whose = _whose(rows, targets, head)
                for name, best in _rankings(found, names, blends, shelf, depth, k):
                    yield _lists(whose, best, targets, models.items).assign(model=name, shelf=shelf)

    columns = "user_id string, segments array<string>, model string, shelf string, "
    columns += "items array<int>, hits array<boolean>, targets int, head_targets int"
    return users.mapInPandas(evaluate, columns)


def _rankings(
    found: BatchScores,
    names: Sequence[str],
    blends: Mapping[str, Mapping[str, Weights]],
    shelf: str,
    depth: int,
    k: int,
) -> Iterator[tuple[str, Best]]:
    for name in names:
        yield name, found.best(name, shelf, k)
    for name, of_shelf in blends.items():
        if shelf in of_shelf:
            yield name, found.blended(of_shelf[shelf], shelf, depth, k)


def _whose(rows: pd.DataFrame, targets: ItemLists, head: NDArray[np.bool_]) -> pd.DataFrame:
    """What all models' lists of a user have in common on a shelf."""
    of_head = targets.where(head[targets.items]).lengths
    return rows[["user_id", "segments"]].assign(targets=targets.lengths, head_targets=of_head)


def _lists(whose: pd.DataFrame, best: Best, targets: ItemLists, catalogue: int) -> pd.DataFrame:
    hits = targets.hold(best.items.astype(np.int64), catalogue)
    items = np.where(best.items < 0, PADDING, best.items)
    # Objects, or a column of no lists would be one of numbers.
    listed = {name: np.fromiter(lists, object, len(lists)) for name, lists in (("items", items), ("hits", hits))}
    return whose.assign(**listed)[whose["targets"] > 0]
