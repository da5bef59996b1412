"""Features of a user and a candidate item, all of them from what is known at one fold."""

from collections.abc import Collection, Mapping

import numpy as np

from sparkrec.recommend.pairs import values_at
from sparkrec.recommend.ranker.candidates import STAND_INS, Candidates, possible_retrievers
from sparkrec.recommend.ranker.item_facts import FACTS
from sparkrec.recommend.scorers.scorer import UserScores
from sparkrec.recommend.users import Floats, UserBatch

_SCORED_BY = ("ease_decayed", "ease", "als", "title_similarity", "recent_neighbours")

_OF_PAIR = (
    *("own_events", "days_since", "days_since_first", "own_gap_days", "days_since_by_gap", "days_since_less_latest"),
    "price_by_usual",
)
_OF_ITEM = (*FACTS, "trend_7_28", "trend_28_90", "events_by_buyer")
_OF_USER = ("user_events", "user_items", "user_days_since", "user_days_since_first")


def scored_by(fitted: Collection[str]) -> tuple[str, ...]:
    """Models, among the fitted ones, whose scores are features."""
    wanted = [name if name in fitted else STAND_INS.get(name, name) for name in _SCORED_BY]
    return tuple(dict.fromkeys(name for name in wanted if name in fitted))


def columns(shelf: str) -> tuple[str, ...]:
    """Names of the features on a shelf."""
    places = tuple(f"place_{name}" for name in possible_retrievers(shelf))
    models = dict.fromkeys((*_SCORED_BY, *STAND_INS.values()))
    scores = tuple(f"{kind}_{name}" for name in models for kind in ("score", "standard"))
    return scores + places + _OF_PAIR + _OF_ITEM + _OF_USER


def pair_features(
    found: Candidates,
    users: UserBatch,
    scores: Mapping[str, UserScores],
    facts: Floats,
    shelf: str,
) -> Floats:
    """Features of each pair, (pairs, features), in the order of `columns`; NaN where there is nothing to tell.

    Args:
        found: The pairs.
        users: The users.
        scores: By model; a model may be missing.
        facts: `item_facts` of the fold.
        shelf: The shelf.
    """
    row, item = found.users, found.items
    features: dict[str, Floats] = {}
    for name in scored_by(scores):
        features[f"score_{name}"] = scores[name].at(row, item)
        features[f"standard_{name}"] = scores[name].standard(row, item)
    features |= {f"place_{name}": place for name, place in found.places.items()}

    fact = dict(zip(FACTS, facts[item].T, strict=True))
    features |= fact
    features["trend_7_28"] = fact["buyers_7"] / (fact["buyers_28"] + 1)
    features["trend_28_90"] = fact["buyers_28"] / (fact["buyers_90"] + 1)
    features["events_by_buyer"] = fact["events"] / np.maximum(fact["buyers"], 1)

    latest, first, median = _of_users(users, facts[:, FACTS.index("price")])
    features["user_events"] = np.asarray(users.events.sum(axis=1), np.float32).ravel()[row]
    features["user_items"] = np.diff(users.events.indptr)[row].astype(np.float32)
    features["user_days_since"], features["user_days_since_first"] = latest[row], first[row]

    events, had = values_at(users.events, row, item)
    since = np.where(had, values_at(users.days_since, row, item)[0], np.nan)
    since_first = np.where(had, values_at(users.first_days_since, row, item)[0], np.nan)
    gap = np.where(events > 1, (since_first - since) / np.maximum(events - 1, 1), np.nan)
    features |= {"own_events": events, "days_since": since, "days_since_first": since_first, "own_gap_days": gap}
    # Half a day: what was bought twice on one day comes again at once, but not infinitely fast.
    features["days_since_by_gap"] = since / np.maximum(gap, 0.5)
    features["days_since_less_latest"] = since - latest[row]
    with np.errstate(divide="ignore", invalid="ignore"):
        features["price_by_usual"] = fact["price"] / median[row]

    nothing = np.full(len(row), np.nan, np.float32)
    return np.stack(
        [features.get(name, nothing) for name in columns(shelf)], axis=1, dtype=np.float32, casting="same_kind"
    )


def _of_users(users: UserBatch, prices: Floats) -> tuple[Floats, Floats, Floats]:
    """Days since the latest and the first event, and the median price of the items, of each user; else NaN."""
    starts, ends = users.events.indptr[:-1], users.events.indptr[1:]
    latest, first, median = (np.full(len(users.index), np.nan, np.float32) for _ in range(3))
    has = ends > starts
    if has.any():
        # Empty rows lie between the others without a length of their own.
        latest[has] = np.minimum.reduceat(users.days_since.data, starts[has])
        first[has] = np.maximum.reduceat(users.first_days_since.data, starts[has])
    row = np.repeat(np.arange(len(users.index)), ends - starts)
    price = prices[users.events.indices]
    row, price = row[~np.isnan(price)], price[~np.isnan(price)]
    order = np.lexsort((price, row))
    size = np.bincount(row, minlength=len(users.index))
    start = np.cumsum(size) - size
    priced = size > 0
    low, high = (start + (size - 1) // 2)[priced], (start + size // 2)[priced]
    median[priced] = (price[order][low] + price[order][high]) / 2
    return latest, first, median
