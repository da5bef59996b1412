"""Rank held-out events by models and blends: each user's lists with the hits in them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pyspark.sql import DataFrame

from sparkrec.features.vocabulary import PADDING
from sparkrec.recommend.loaded import LoadedModels, Weights, blended, load_models
from sparkrec.recommend.ranking import shown, top_k
from sparkrec.recommend.targets import target_matrix
from sparkrec.recommend.users import Floats, UserBatch
from sparkrec.registry.model_store import CurrentModels


def judged(
    users: DataFrame,
    current: CurrentModels,
    cut: str,
    blends: Mapping[str, Mapping[str, Weights]],
    shelves: Sequence[str],
    k: int,
    head: NDArray[np.bool_],
) -> DataFrame:
    """Each user's list of a full ranking: every known item is ranked, on every shelf, by every model.

    A target that is not known at the cut is no target, and on discover none that the user has a positive
    event with; a user without targets on a shelf does not count there.

    Args:
        users: What `with_segments` gives of what `with_targets` gives.
        current: The models.
        cut: Which cut's arrays to load.
        blends: By name and shelf: weights of models. They stand beside the single models.
        shelves: Shelves to rank.
        k: Places of a list.
        head: Which items are of the head, (items,).

    Returns:
        ``user_id, segments, model, shelf``, ``items`` (indices, best first; `PADDING` where fewer may be shown),
        ``hits`` (whether each is a target), ``targets`` (how many there are) and ``head_targets`` (how many of the
        head).
    """
    names = current.at(cut)

    def judge(batches: Iterable[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        models = load_models(current, cut, names)
        for rows, users in models.batches(batches):
            targets = {shelf: target_matrix(rows, users, models.known, shelf) for shelf in shelves}
            whose = {shelf: _whose(rows, targets[shelf], head) for shelf in shelves}
            for shelf, name, scores in _rankings(models, users, blends, shelves):
                visible = shown(scores, models.known, users.touched, shelf)
                yield _lists(whose[shelf], visible, targets[shelf], k).assign(model=name, shelf=shelf)

    columns = "user_id string, segments array<string>, model string, shelf string, "
    columns += "items array<int>, hits array<boolean>, targets int, head_targets int"
    return users.mapInPandas(judge, columns)


def _rankings(
    models: LoadedModels, users: UserBatch, blends: Mapping[str, Mapping[str, Weights]], shelves: Sequence[str]
) -> Iterator[tuple[str, str, Floats]]:
    found = models.scores(users)
    for shelf in shelves:
        scores = found.standard(shelf)
        for name, values in scores.items():
            yield shelf, name, values
        for name, of_shelf in blends.items():
            if shelf in of_shelf:
                yield shelf, name, blended(scores, of_shelf[shelf])


def _whose(rows: pd.DataFrame, targets: NDArray[np.bool_], head: NDArray[np.bool_]) -> pd.DataFrame:
    """What all models' lists of a user have in common on a shelf."""
    of_head = (targets & head).sum(axis=1)
    return rows[["user_id", "segments"]].assign(targets=targets.sum(axis=1), head_targets=of_head)


def _lists(whose: pd.DataFrame, visible: Floats, targets: NDArray[np.bool_], k: int) -> pd.DataFrame:
    items = top_k(visible, k)
    # Where fewer than k items may be shown, hidden ones fill the list up.
    items[~np.isfinite(np.take_along_axis(visible, items, 1))] = PADDING
    hits = np.take_along_axis(targets, items, 1)
    # Objects, or a column of no lists would be one of numbers.
    listed = {name: np.fromiter(lists, object, len(lists)) for name, lists in (("items", items), ("hits", hits))}
    return whose.assign(**listed)[whose["targets"] > 0]
