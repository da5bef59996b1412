"""The rankers: one entry each, which says what it sees, how it is fitted and how it scores."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from sparkrec.config.extensions import declared
from sparkrec.config.settings import RankerSettings
from sparkrec.errors import ConfigurationError
from sparkrec.recommend.ranker import booster
from sparkrec.recommend.ranker.booster import Booster, Text
from sparkrec.recommend.ranker.network import Network
from sparkrec.recommend.ranker.samples import Samples
from sparkrec.recommend.users import Floats

Names = tuple[str, ...]


class Learned(Protocol):
    """What was learned on a shelf, ready to score."""

    def predict(self, features: Floats) -> Floats:
        """Scores, (pairs,), comparable within a user; features are those that the ranker sees, (pairs, names)."""
        ...


@dataclass(frozen=True)
class Ranker:
    """A ranker by name: it orders candidates by their features.

    Attributes:
        name: As in gold.evaluations.
        load: Makes what `fit` gave ready to score.
        fit: Learns from the samples of a shelf, seeing these features, and gives bytes; None where the ranks train it.
        sees: Of all features that schema files tag ranking those that it sees.
        wanted: Whether the settings ask for it.
        compared_only: Whether it is there to be compared with: the test fold alone has it, and nothing is chosen by it.
    """

    name: str
    load: Callable[[Text], Learned]
    fit: Callable[[Samples, Names, RankerSettings, int], Text] | None
    sees: Callable[[Names], Names] = lambda names: names
    wanted: Callable[[RankerSettings], bool] = lambda settings: True
    compared_only: bool = False


def _published(samples: Samples, names: Names, settings: RankerSettings, seed: int) -> Text:
    """A listwise cross-entropy over all features.

    The loss is XE-NDCG (Bruch, "An alternative cross entropy loss for learning-to-rank", WWW 2021); where a user
    has but few relevant items, it overfits less than LambdaMART.
    """
    options = {
        **booster.tree_options(settings, seed),
        "bagging_fraction": settings.row_share,
        "bagging_freq": 1,
    }
    return booster.fit(samples, names, "rank_xendcg", settings.trees, options)


_PLAIN = (
    *("score_ease", "score_ease_decayed", "score_als"),
    *("own_events", "days_since", "days_since_first"),
    *("buyers_7", "buyers_28", "buyers_90", "buyers", "events", "age_days", "days_since_sold", "price"),
    *("user_events", "user_items", "user_days_since", "user_days_since_first", "price_by_usual"),
)


def _lambdamart(samples: Samples, names: Names, settings: RankerSettings, seed: int) -> Text:
    """What a good team has without deep learning, to be beaten: LambdaMART over nineteen plain features.

    Burges, "From RankNet to LambdaRank to LambdaMART", 2010, as LightGBM has it, with 300 trees, as
    small as the ranker's.
    """
    return booster.fit(samples, names, "lambdarank", 300, {"seed": seed, "num_leaves": 15})


RANKERS: tuple[Ranker, ...] = (
    Ranker("ranker", Booster, _published),
    Ranker("deepfm", Network, None, wanted=lambda settings: settings.deepfm),
    Ranker(
        "lambdamart",
        Booster,
        _lambdamart,
        sees=lambda names: tuple(name for name in names if name in _PLAIN),
        wanted=lambda settings: settings.lambdamart,
        compared_only=True,
    ),
)


def all_rankers() -> tuple[Ranker, ...]:
    """`RANKERS`, and those of one's own project: ``RANKERS`` of its ``sparkrec_extensions/rankers.py``.

    Raises:
        ConfigurationError: One of the latter has no `fit`, or the name of another.
    """
    own: tuple[Ranker, ...] = declared("rankers", "RANKERS", Ranker)
    taken = {ranker.name for ranker in RANKERS}
    for ranker in own:
        if ranker.fit is None or ranker.name in taken:
            why = "has no `fit`" if ranker.fit is None else "has a name that is taken"
            raise ConfigurationError(f"ranker {ranker.name} of sparkrec_extensions/rankers.py {why}")
        taken.add(ranker.name)
    return (*RANKERS, *own)


def rankers_named() -> dict[str, Ranker]:
    """`all_rankers` by name."""
    return {ranker.name: ranker for ranker in all_rankers()}
