"""Features of a user and a candidate item, all of them from what is known at one fold."""

from collections.abc import Collection, Mapping, Sequence

import numpy as np

from sparkrec.recommend.pairs import values_at
from sparkrec.recommend.ranker.candidates import STAND_INS, Candidates
from sparkrec.recommend.ranker.inputs import ItemFeatures
from sparkrec.recommend.scorers.scorer import UserScores
from sparkrec.recommend.users import Floats, UserBatch

_SCORED_BY = ("ease_decayed", "ease", "als", "title_similarity", "recent_neighbours")


def scored_by(fitted: Collection[str]) -> tuple[str, ...]:
    """Models, among the fitted ones, whose scores are features."""
    wanted = [name if name in fitted else STAND_INS.get(name, name) for name in _SCORED_BY]
    return tuple(dict.fromkeys(name for name in wanted if name in fitted))


def pair_features(
    found: Candidates,
    users: UserBatch,
    scores: Mapping[str, UserScores],
    of_items: ItemFeatures,
    names: Sequence[str],
) -> Floats:
    """Features of each pair, (pairs, names); NaN where there is nothing to tell.

    features.ranking_samples describes them, those of users and items that tables own the tables' schema files.

    Args:
        found: The pairs.
        users: The users.
        scores: By model; a model may be missing.
        of_items: Features of items at the fold.
        names: The features that are wanted.
    """
    row, item = found.users, found.items
    features: dict[str, Floats] = {}
    for name in scored_by(scores):
        features[f"score_{name}"] = scores[name].at(row, item)
        features[f"standard_{name}"] = scores[name].standard(row, item)
    features |= {f"place_{name}": place for name, place in found.places.items()}

    features |= dict(zip(of_items.names, of_items.values[item].T, strict=True))
    features |= {name: values[row] for name, values in users.features.items()}
    prices = of_items.column("price")

    latest, first, median = _of_users(users, prices)
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
        features["price_by_usual"] = prices[item] / median[row]

    nothing = np.full(len(row), np.nan, np.float32)
    return np.stack([features.get(name, nothing) for name in names], axis=1, dtype=np.float32, casting="same_kind")


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
