"""What rankers learn from: candidates of a past window, with what became of them (features.ranking_samples)."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from sparkrec.config.settings import RankerSettings
from sparkrec.recommend.loaded import LoadedModels, load_models
from sparkrec.recommend.ranker.candidates import candidates
from sparkrec.recommend.ranker.features import pair_features
from sparkrec.recommend.ranker.inputs import ItemFeatures
from sparkrec.recommend.scorers.scorer import UserScores
from sparkrec.recommend.targets import targets_of
from sparkrec.recommend.users import UserBatch
from sparkrec.registry.model_store import CurrentModels


def backtest(
    users: DataFrame,
    current: CurrentModels,
    window: int,
    fold: str,
    names: Sequence[str],
    of_items: ItemFeatures,
    columns: Sequence[str],
    shelves: Sequence[str],
    settings: RankerSettings,
    seed: int,
) -> DataFrame:
    """Candidates of each user on each shelf, by the models of the fold before the window.

    Users none of whose candidates became an event teach nothing and are left out.

    Args:
        users: Users with targets, so few that the driver holds the features of their candidates.
        current: The models.
        window: The window that the targets are of.
        fold: The fold before it.
        names: The models that the rankers stand on.
        of_items: Features of items at the fold.
        columns: The features that are wanted.
        shelves: Shelves to backtest.
        settings: How many candidates each retriever names, and how many without an event are kept.
        seed: Which of those.

    Returns:
        Rows of features.ranking_samples.
    """

    def collect(batches: Iterable[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        models = load_models(current, fold, tuple(names))
        for rows, batch in models.batches(batches):
            scores = models.scores(batch).plain
            for shelf in shelves:
                yield _samples(rows, batch, models, scores, of_items, columns, shelf, settings, seed)

    of_pair = "shelf string, user_index int, item_index int, label float"
    schema = ", ".join([of_pair, *[f"`{name}` float" for name in columns]])
    return users.mapInPandas(collect, schema).withColumns({"window": F.lit(window), "fold": F.lit(fold)})


def _samples(
    rows: pd.DataFrame,
    users: UserBatch,
    models: LoadedModels,
    scores: Mapping[str, UserScores],
    of_items: ItemFeatures,
    columns: Sequence[str],
    shelf: str,
    settings: RankerSettings,
    seed: int,
) -> pd.DataFrame:
    found = candidates(scores, users.hidden(shelf), shelf, settings.depth, models.items)
    relevant = targets_of(rows, users, models.known, shelf).holds(found.users, found.items, models.items)
    lucky = np.bincount(found.users[relevant], minlength=len(rows)) > 0
    # By the batch's first user, if it has any: each batch draws its own numbers, and always the same.
    drawn = np.random.default_rng([seed, *users.index[:1]]).random(len(relevant))
    teaches = lucky[found.users] & (relevant | _first_of_each(found.users, drawn, ~relevant, settings.negatives))
    kept = found.where(teaches)
    features = pair_features(kept, users, scores, of_items, columns)
    of_pair = {
        "shelf": shelf,
        "user_index": users.index[kept.users],
        "item_index": kept.items.astype(np.int32),
        "label": relevant[teaches].astype(np.float32),
    }
    return pd.DataFrame(of_pair).join(pd.DataFrame(features, columns=list(columns)))


def _first_of_each(
    users: NDArray[np.int64], drawn: NDArray[np.float64], among: NDArray[np.bool_], most: int
) -> NDArray[np.bool_]:
    """Of each user's pairs ``among`` which to look, the ``most`` that drew the least numbers."""
    order = np.lexsort((drawn, ~among, users))
    sizes = np.bincount(users)
    place = np.empty(len(users), np.int64)
    place[order] = np.arange(len(users)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    return among & (place < most)
