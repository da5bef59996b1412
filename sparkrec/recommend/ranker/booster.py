"""Gradient boosted trees by LightGBM, which nothing else imports."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sparkrec.config.settings import RankerSettings
from sparkrec.recommend.ranker.samples import Samples
from sparkrec.recommend.users import Floats

Text = NDArray[np.uint8]


def fit(samples: Samples, names: tuple[str, ...], objective: str, trees: int, options: Mapping[str, Any]) -> Text:
    """Learn to put the relevant candidates of each user first. The same samples give the same trees.

    Args:
        samples: What to learn from.
        names: Features that it sees.
        objective: LightGBM's name of the loss.
        trees: How many.
        options: Further options of LightGBM, the seed among them; what is not named is as LightGBM has it.

    Returns:
        The booster as LightGBM writes it.
    """
    import lightgbm

    together = lightgbm.Dataset(samples.seen(names), samples.relevant.astype(np.float32), group=samples.sizes)
    given = {
        "objective": objective,
        "max_bin": 63,
        "deterministic": True,
        "force_row_wise": True,
        # Threads of one fit would wait for each other at every split of every tree; fits side by side do not.
        "num_threads": 1,
        "verbosity": -1,
        **options,
    }
    trained = lightgbm.train(given, together, trees)
    return np.frombuffer(trained.model_to_string().encode(), np.uint8)


def tree_options(settings: RankerSettings, seed: int) -> dict[str, Any]:
    """What the settings say of each tree, as LightGBM names it."""
    return {
        "seed": seed,
        "num_leaves": settings.leaves,
        "min_data_in_leaf": settings.min_rows,
        "learning_rate": settings.learning_rate,
        "feature_fraction": settings.column_share,
    }


class Booster:
    """What `fit` gave, ready to score."""

    def __init__(self, text: Text) -> None:
        import lightgbm

        self._trees = lightgbm.Booster(model_str=text.tobytes().decode())

    def predict(self, features: Floats) -> Floats:
        """Scores, (pairs,), comparable within a user."""
        # Executors score on all cores already.
        return np.asarray(self._trees.predict(features, num_threads=1), np.float32)
