"""What a ranker learns from: candidates of a past window, with what became of them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pyspark.sql import DataFrame

from sparkrec.config.settings import RankerSettings
from sparkrec.lake.by_files import collected
from sparkrec.recommend.loaded import LoadedModels, load_models
from sparkrec.recommend.ranker.booster import Backtest
from sparkrec.recommend.ranker.candidates import candidates
from sparkrec.recommend.ranker.features import columns, pair_features
from sparkrec.recommend.scorers.scorer import UserScores
from sparkrec.recommend.targets import targets_of
from sparkrec.recommend.users import Floats, UserBatch
from sparkrec.registry.model_store import CurrentModels

_COLUMNS = "shelf string, features binary, relevant binary, sizes binary"


def backtest(
    users: DataFrame,
    current: CurrentModels,
    fold: str,
    names: Sequence[str],
    facts: Floats,
    shelves: Sequence[str],
    settings: RankerSettings,
    seed: int,
) -> dict[str, Backtest]:
    """Candidates of each user on each shelf, by the models of the fold before the window.

    Users none of whose candidates became an event teach nothing and are left out.

    Args:
        users: Users with targets, already so few that the driver holds the features of their candidates; in an order
            that is always the same, or else the trees are not.
        current: The models.
        fold: The fold before the window.
        names: The models that the ranker stands on.
        facts: `item_facts` of the fold.
        shelves: Shelves to backtest.
        settings: How many candidates each retriever names, and how many that came to nothing teach.
        seed: Which of those.
    """

    def collect(batches: Iterable[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        models = load_models(current, fold, tuple(names))
        for rows, batch in models.batches(batches):
            scores = models.scores(batch).plain
            found = {shelf: _backtested(rows, batch, models, scores, facts, shelf, settings, seed) for shelf in shelves}
            yield pd.DataFrame(
                [
                    (shelf, one.features.tobytes(), one.relevant.tobytes(), one.sizes.tobytes())
                    for shelf, one in found.items()
                ],
                columns=["shelf", "features", "relevant", "sizes"],
            )

    found = collected(users.mapInPandas(collect, _COLUMNS), current.scratch(f"backtest-{fold}")).to_pandas()
    backtests = {}
    for shelf in shelves:
        parts = found[found["shelf"] == shelf]
        features = np.frombuffer(b"".join(parts["features"]), np.float32)
        backtests[shelf] = Backtest(
            features.reshape(-1, len(columns(shelf))),
            np.frombuffer(b"".join(parts["relevant"]), np.bool_),
            np.frombuffer(b"".join(parts["sizes"]), np.int64),
        )
    return backtests


def _backtested(
    rows: pd.DataFrame,
    users: UserBatch,
    models: LoadedModels,
    scores: Mapping[str, UserScores],
    facts: Floats,
    shelf: str,
    settings: RankerSettings,
    seed: int,
) -> Backtest:
    found = candidates(scores, users.hidden(shelf), shelf, settings.depth, models.items)
    relevant = targets_of(rows, users, models.known, shelf).holds(found.users, found.items, models.items)
    lucky = np.bincount(found.users[relevant], minlength=len(rows)) > 0
    # By the batch's first user, if it has any: each batch draws its own numbers, and always the same.
    drawn = np.random.default_rng([seed, *users.index[:1]]).random(len(relevant))
    teaches = lucky[found.users] & (relevant | _first_of_each(found.users, drawn, ~relevant, settings.negatives))
    kept = found.where(teaches)
    features = pair_features(kept, users, scores, facts, shelf)
    sizes = np.bincount(kept.users, minlength=len(rows))[lucky]
    return Backtest(features, relevant[teaches], sizes.astype(np.int64))


def _first_of_each(
    users: NDArray[np.int64], drawn: NDArray[np.float64], among: NDArray[np.bool_], most: int
) -> NDArray[np.bool_]:
    """Of each user's pairs ``among`` which to look, the ``most`` that drew the least numbers."""
    order = np.lexsort((drawn, ~among, users))
    sizes = np.bincount(users)
    place = np.empty(len(users), np.int64)
    place[order] = np.arange(len(users)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    return among & (place < most)
