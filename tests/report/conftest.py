"""A run of a gift shop as its report would get it."""

import math
from collections.abc import Iterable
from datetime import date
from typing import Any

import pandas as pd
import pytest

from sparkrec.report import Extent, ItemNeighbours, ReportContent, RowAccount, TrainingCurve, UserExample

TITLES = {
    "85123A": "WHITE HANGING HEART T-LIGHT HOLDER",
    "71053": "WHITE METAL LANTERN",
    "22423": "REGENCY CAKESTAND 3 TIER",
    "22697": "GREEN REGENCY TEACUP AND SAUCER",
    "22698": "PINK REGENCY TEACUP AND SAUCER",
    "22699": "ROSES REGENCY TEACUP AND SAUCER",
    "47566": "PARTY BUNTING",
    "84879": "ASSORTED COLOUR BIRD ORNAMENT",
    "22720": "SET OF 3 CAKE TINS PANTRY DESIGN",
    "20725": "LUNCH BAG RED RETROSPOT",
    "20728": "LUNCH BAG CARS BLUE",
    "22383": "LUNCH BAG SUKI DESIGN",
    "22384": "LUNCH BAG PINK POLKADOT",
    "23203": "JUMBO BAG VINTAGE DOILY",
    "22457": "NATURAL SLATE HEART CHALKBOARD",
}

# Test NDCG@10 by shelf and model; other metrics and the validation split are drawn from these.
NDCG = {
    "discover": {
        "two_tower": 0.0871,
        "ease": 0.0842,
        "item_knn": 0.0803,
        "als": 0.0721,
        "recent_popularity": 0.0455,
        "popularity": 0.0384,
    },
    "reorder": {
        "own_frequency": 0.2214,
        "ease": 0.2085,
        "item_knn": 0.1988,
        "two_tower": 0.1742,
        "als": 0.1533,
        "recent_popularity": 0.0521,
        "popularity": 0.0437,
    },
}
CHOSEN = {"discover": "two_tower", "reorder": "own_frequency"}
METRICS = {"ndcg@10": 1.0, "recall@10": 0.83, "hit_rate@10": 2.6, "mrr@10": 1.9}
SEGMENTS = {
    "country=United Kingdom": (1893, 1.0),
    "country=Germany": (52, 1.12),
    "country=France": (47, 0.9),
    "country=Belgium": (16, 0.7),
    "country=Spain": (13, 1.2),
    "country=Switzerland": (11, 0.6),
    "country=Portugal": (9, 1.4),
    "country=Italy": (8, 0.8),
    "country=Finland": (7, 1.1),
    "country=Austria": (6, 0.5),
    "country=Norway": (5, 1.5),
    "country=EIRE": (3, 1.3),
    "country=Japan": (2, 0.3),
}


def evaluation(
    shelf: str, model: str, split: str, metric: str, segment: str, value: float, users: int
) -> dict[str, Any]:
    """One row of gold.evaluations."""
    half = 0.35 / math.sqrt(users)
    return {
        "run_date": date(2011, 12, 9),
        "model": model,
        "model_version": f"20111209-{split}",
        "split": split,
        "shelf": shelf,
        "metric": metric,
        "segment": segment,
        "value": value,
        "low": max(0.0, value - half),
        "high": value + half,
        "users": users,
        "chosen": model == CHOSEN[shelf],
        "protocol": "3f9a1c0b77de",
    }


def evaluations() -> pd.DataFrame:
    """All models on both shelves and splits, and the chosen ones by country."""
    rows = []
    for shelf, values in NDCG.items():
        for model, value in values.items():
            for split, factor in {"test": 1.0, "validation": 1.04}.items():
                for metric, ratio in METRICS.items():
                    rows.append(evaluation(shelf, model, split, metric, "all", value * factor * ratio, 2124))
            if model == CHOSEN[shelf]:
                for segment, (users, ratio) in SEGMENTS.items():
                    rows.append(evaluation(shelf, model, "test", "ndcg@10", segment, value * ratio, users))
    return pd.DataFrame(rows)


def training(fold: str, losses: Iterable[float], validation: Iterable[float]) -> TrainingCurve:
    """A training on two ranks that agree."""
    losses = list(losses)
    return TrainingCurve(
        model="two_tower",
        version=f"20111209-{fold}",
        fold=fold,
        epochs=pd.DataFrame(
            {
                "epoch": range(1, len(losses) + 1),
                "loss": losses,
                "validation_loss": list(validation),
                "validation_ndcg": [-loss for loss in validation],
                "samples_per_second": [38_210.0 + 150 * epoch for epoch in range(len(losses))],
                "seconds": [8.4] * len(losses),
            }
        ),
        ranks=pd.DataFrame(
            {
                "rank": [0, 1],
                "rows": [160_441, 160_398],
                "steps": [157, 157],
                "checksum": ["9e107d9d372bb6826bd81d3542a419d6"] * 2,
            }
        ),
    )


def ranked(items: list[str], reason: str) -> pd.DataFrame:
    """A list of items, best first."""
    return pd.DataFrame(
        {
            "rank": range(1, len(items) + 1),
            "item_id": items,
            "title": [TITLES[item] for item in items],
            "score": [0.931 - 0.047 * place for place in range(len(items))],
            "reason": [reason] * len(items),
        }
    )


def user(user_id: str, country: str, history: list[tuple[str, str, str, int]], discover: list[str]) -> UserExample:
    """A user with both lists; reorder is what the history holds."""
    bought = list(dict.fromkeys(item for _, item, _, _ in history))
    return UserExample(
        user_id=user_id,
        profile={
            "country": country,
            "recency_days": "2",
            "frequency": "7",
            "monetary": "4,310.00",
            "price_band": "low",
        },
        tags=("regency", "teacup", "lantern", "heart"),
        history=pd.DataFrame(
            [(day, TITLES[item], item, kind, quantity) for day, item, kind, quantity in history],
            columns=["date", "title", "item_id", "event_type", "quantity"],
        ),
        lists={
            "discover": ranked(discover, "bought together with REGENCY CAKESTAND 3 TIER"),
            "reorder": ranked(bought, "bought before, 3 times"),
        },
    )


JOBS: list[tuple[str, float, dict[str, int]]] = [
    ("ingest", 21.4, {"landed": 541_909}),
    ("clean", 58.2, {"landed": 541_909, "kept": 534_130, "duplicates": 5_268, "refused.not_a_product": 2_511}),
    ("profile", 17.9, {"users": 4_372, "items": 3_921}),
    ("featurize", 44.0, {"positives": 397_884, "words": 1_204}),
    ("shard", 31.7, {"samples": 397_884}),
    ("train", 241.3, {"models": 21}),
    ("evaluate", 63.5, {"users": 2_124}),
    ("recommend", 49.8, {"recommendations": 868_000, "similar_items": 78_420}),
]


@pytest.fixture
def content() -> ReportContent:
    """A night on which all went well."""
    falling = [6.41, 5.62, 5.21, 4.98, 4.83, 4.72, 4.65]
    return ReportContent(
        source="online_retail",
        run_date=date(2011, 12, 9),
        run_id="20111209T021500-7f3a",
        extent=Extent(users=4_372, items=3_921, first_day=date(2010, 12, 1), last_day=date(2011, 12, 9)),
        rows=RowAccount(
            landed=541_909,
            kept=532_130,
            duplicates=5_268,
            refused={
                "not_a_product": 2_511,
                "no_price": 1_174,
                "no_price + quantity_not_positive": 592,
                "quantity_not_positive": 231,
                "item_id_missing + not_a_product": 3,
            },
        ),
        training=(
            training("validation", falling, [5.90, 5.47, 5.29, 5.21, 5.18, 5.20, 5.24]),
            training("test", falling[:6], [5.81, 5.41, 5.25, 5.17, 5.15, 5.16]),
            training("publish", falling[:5], [math.nan] * 5),
        ),
        evaluations=evaluations(),
        chosen={"discover": "two-tower with item text", "reorder": "the user's own frequency"},
        deep_models=frozenset({"two_tower"}),
        users=(
            user(
                "17850",
                "United Kingdom",
                [
                    ("2011-12-07", "85123A", "purchase", 32),
                    ("2011-12-07", "71053", "purchase", 6),
                    ("2011-11-22", "22423", "purchase", 2),
                    ("2011-11-22", "22697", "return", 1),
                    ("2011-10-03", "22698", "purchase", 12),
                ],
                ["22699", "22720", "47566", "84879", "22457"],
            ),
            user(
                "12583",
                "France",
                [
                    ("2011-12-06", "20725", "purchase", 20),
                    ("2011-12-06", "20728", "purchase", 10),
                    ("2011-11-04", "22383", "purchase", 10),
                    ("2011-09-12", "47566", "purchase", 4),
                ],
                ["22384", "23203", "22423", "84879", "71053"],
            ),
        ),
        neighbours=tuple(
            ItemNeighbours(item, TITLES[item], ranked(near, "near").drop(columns="reason"))
            for item, near in {
                "22423": ["22697", "22698", "22699", "22720"],
                "20725": ["20728", "22383", "22384", "23203"],
                "85123A": ["71053", "22457", "84879", "47566"],
            }.items()
        ),
        jobs=pd.DataFrame(
            [{"job": job, "seconds": seconds, "outcome": "done", "counts": counts} for job, seconds, counts in JOBS]
        ),
        data_docs="data_docs/index.html",
        settings_text="env: local\nseed: 20111209\nsource:\n  name: online_retail\nsplit:\n  kind: global_time\n",
    )
