"""Gradient boosted trees by LightGBM, which nothing else imports."""

from collections.abc import Hashable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from sparkrec.config.settings import RankerSettings
from sparkrec.recommend.users import Floats

Text = NDArray[np.uint8]
Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True)
class Rehearsal:
    """Candidates of past users, and what became of them.

    Attributes:
        features: (pairs, features).
        relevant: Whether the user came to have the item in the window, (pairs,).
        sizes: Pairs of each user, which lie side by side, (users,).
    """

    features: Floats
    relevant: NDArray[np.bool_]
    sizes: NDArray[np.int64]


def fit(rehearsals: list[Rehearsal], settings: RankerSettings, seed: int) -> Text:
    """Learn to put the relevant candidates of each user first, by a listwise cross-entropy.

    The loss is XE-NDCG (Bruch, "An alternative cross entropy loss for learning-to-rank", WWW 2021); where a user
    has but few relevant items, it overfits less than LambdaMART. The same data give the same trees.

    Args:
        rehearsals: Of one or more windows.
        settings: Size and number of the trees.
        seed: Of the loss.

    Returns:
        The booster as LightGBM writes it.
    """
    import lightgbm

    together = lightgbm.Dataset(
        np.concatenate([one.features for one in rehearsals]),
        np.concatenate([one.relevant for one in rehearsals]).astype(np.float32),
        group=np.concatenate([one.sizes for one in rehearsals]),
    )
    options = {
        "objective": "rank_xendcg",
        "num_leaves": settings.leaves,
        "min_data_in_leaf": settings.least_rows,
        "learning_rate": settings.learning_rate,
        "feature_fraction": settings.column_share,
        "bagging_fraction": settings.row_share,
        "bagging_freq": 1,
        "max_bin": 63,
        "seed": seed,
        "deterministic": True,
        "force_row_wise": True,
        "num_threads": 1,
        "verbosity": -1,
    }
    trained = lightgbm.train(options, together, settings.trees)
    return np.frombuffer(trained.model_to_string().encode(), np.uint8)


def fit_all(
    rehearsals: Mapping[Key, list[Rehearsal]], settings: RankerSettings, seed: int, at_once: int
) -> dict[Key, Text]:
    """`fit` for each key, so many at once.

    Threads of one fit would wait for each other at every split of every tree; fits do not.
    """
    # The largest first, or a thread would be left alone with it in the end.
    by_size = sorted(rehearsals, key=lambda key: -sum(len(one.relevant) for one in rehearsals[key]))
    with ThreadPoolExecutor(at_once) as pool:
        texts = pool.map(lambda key: fit(rehearsals[key], settings, seed), by_size)
        return dict(zip(by_size, texts, strict=True))


class Booster:
    """What `fit` gave, ready to score."""

    def __init__(self, text: Text) -> None:
        import lightgbm

        self._trees = lightgbm.Booster(model_str=text.tobytes().decode())

    def predict(self, features: Floats) -> Floats:
        """Scores, (pairs,), comparable within a user."""
        # Executors score on all cores already.
        return np.asarray(self._trees.predict(features, num_threads=1), np.float32)
