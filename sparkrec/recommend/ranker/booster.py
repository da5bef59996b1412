"""Gradient boosted trees by LightGBM, which nothing else imports."""

from collections.abc import Hashable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from sparkrec.recommend.ranker.recipes import Recipe
from sparkrec.recommend.users import Floats

Text = NDArray[np.uint8]
Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True)
class Backtest:
    """Candidates of past users, and what became of them.

    Attributes:
        features: (pairs, features).
        relevant: Whether the user came to have the item in the window, (pairs,).
        sizes: Pairs of each user, which lie side by side, (users,).
    """

    features: Floats
    relevant: NDArray[np.bool_]
    sizes: NDArray[np.int64]


def fit(backtests: list[Backtest], recipe: Recipe, seen: NDArray[np.int64], seed: int) -> Text:
    """Learn to put the relevant candidates of each user first. The same data give the same trees.

    Args:
        backtests: Of one or more windows.
        recipe: How.
        seen: Places of the features that it learns from.
        seed: Of the loss.

    Returns:
        The booster as LightGBM writes it.
    """
    import lightgbm

    together = lightgbm.Dataset(
        np.concatenate([one.features[:, seen] for one in backtests]),
        np.concatenate([one.relevant for one in backtests]).astype(np.float32),
        group=np.concatenate([one.sizes for one in backtests]),
    )
    options = {
        "objective": recipe.objective,
        "max_bin": 63,
        "seed": seed,
        "deterministic": True,
        "force_row_wise": True,
        "num_threads": 1,
        "verbosity": -1,
        **recipe.options,
    }
    trained = lightgbm.train(options, together, recipe.trees)
    return np.frombuffer(trained.model_to_string().encode(), np.uint8)


def fit_all(
    tasks: Mapping[Key, tuple[list[Backtest], Recipe, NDArray[np.int64]]], seed: int, at_once: int
) -> dict[Key, Text]:
    """`fit` for each key, so many at once.

    Threads of one fit would wait for each other at every split of every tree; fits do not.
    """
    # The longest first, or a thread would be left alone with it in the end.
    by_size = sorted(tasks, key=lambda key: -sum(len(one.relevant) for one in tasks[key][0]) * tasks[key][1].trees)
    with ThreadPoolExecutor(at_once) as pool:
        texts = pool.map(lambda key: fit(*tasks[key], seed), by_size)
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
