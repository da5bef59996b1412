"""What a second stage learns by: its loss, its trees, and the features that it sees."""

from collections.abc import Callable
from dataclasses import dataclass

from sparkrec.config.settings import RankerSettings
from sparkrec.recommend.ranker.features import columns


@dataclass(frozen=True)
class Recipe:
    """How boosters of one kind are fitted.

    Attributes:
        objective: LightGBM's name of the loss.
        trees: How many.
        options: Further options of LightGBM; what is not named is as LightGBM has it.
        sees: Names of the features that it sees on a shelf.
    """

    objective: str
    trees: int
    options: dict[str, float | int]
    sees: Callable[[str], tuple[str, ...]]


def published(settings: RankerSettings) -> Recipe:
    """The ranker that lists are published by: a listwise cross-entropy over all features.

    The loss is XE-NDCG (Bruch, "An alternative cross entropy loss for learning-to-rank", WWW 2021); where a user
    has but few relevant items, it overfits less than LambdaMART.
    """
    options = {
        "num_leaves": settings.leaves,
        "min_data_in_leaf": settings.min_rows,
        "learning_rate": settings.learning_rate,
        "feature_fraction": settings.column_share,
        "bagging_fraction": settings.row_share,
        "bagging_freq": 1,
    }
    return Recipe("rank_xendcg", settings.trees, options, columns)


_PLAIN = (
    *("score_ease", "score_ease_decayed", "score_als"),
    *("own_events", "days_since", "days_since_first"),
    *("buyers_7", "buyers_28", "buyers_90", "buyers", "events", "age_days", "days_since_sold", "price"),
    *("user_events", "user_items", "user_days_since", "user_days_since_first", "price_by_usual"),
)


def lambdamart() -> Recipe:
    """What a good team has without deep learning, to be beaten: LambdaMART over nineteen plain features.

    Burges, "From RankNet to LambdaRank to LambdaMART", 2010, as LightGBM has it, with 300 trees, as
    small as the ranker's.
    """
    return Recipe("lambdarank", 300, {"num_leaves": 15}, lambda shelf: _PLAIN)
