"""Judge models and blends on the held-out events of a cut."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np
import pandas as pd
from pyspark.sql import DataFrame

from sparkrec.evaluation.metrics import list_metrics
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
) -> DataFrame:
    """Full-ranking metrics of each user: every known item is ranked, on every shelf.

    A target that is not known at the cut is no target, and on discover none that the user has a positive
    event with; a user without targets on a shelf does not count there.

    Args:
        users: What `with_targets` gives.
        current: The models.
        cut: Which cut's arrays to load.
        blends: By name and shelf: weights of models. They stand beside the single models.
        shelves: Shelves to rank.
        k: Cut-off.

    Returns:
        ``user_id, model, shelf, metric, value``.
    """
    names = current.at(cut)

    def judge(batches: Iterable[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        models = load_models(current, cut, names)
        for rows, users in models.batches(batches):
            for shelf, name, scores in _rankings(models, users, blends, shelves):
                yield _values(rows, users, models, shelf, name, scores, k)

    return users.mapInPandas(judge, "user_id string, model string, shelf string, metric string, value double")


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


def _values(
    rows: pd.DataFrame, users: UserBatch, models: LoadedModels, shelf: str, name: str, scores: Floats, k: int
) -> pd.DataFrame:
    targets = target_matrix(rows, users, models.known, shelf)
    wanted = targets.sum(axis=1)
    counted = wanted > 0
    visible = shown(scores, models.known, users.touched, shelf)
    # Where fewer than k items may be shown, hidden ones fill the list up; they are no hits.
    hits = np.take_along_axis(targets & np.isfinite(visible), top_k(visible, k), 1)[counted]
    metrics = list_metrics(hits, wanted[counted], k)
    ids = rows["user_id"].to_numpy()[counted]
    return pd.concat(
        pd.DataFrame({"user_id": ids, "model": name, "shelf": shelf, "metric": metric, "value": value})
        for metric, value in metrics.items()
    )
