"""The samples that the featurize step makes of a shop without impressions and of one with them."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from sparkrec.contracts import load_contract
from sparkrec.contracts.spark import broken_rules, struct_type
from sparkrec.lake import Lake
from sparkrec.lake.fingerprint import fingerprint
from sparkrec.steps import featurize

SPLIT = "split.holdout_days=10"
TABLES = ("positives", "retrieval_samples", "ranking_samples")


def interactions(impressions: bool) -> Iterator[dict[str, object]]:
    """90 days of a shop until the step's day; of what is shown, a third is bought."""
    chance = np.random.default_rng(11)
    for number in range(900):
        user, item = int(chance.integers(0, 30)), min(int(chance.geometric(0.1)) - 1, 24)
        time = datetime(2025, 10, 3, tzinfo=UTC) + timedelta(minutes=144 * number)
        line = {
            "user_id": f"u{user}" if number % 20 else None,
            "item_id": f"i{item}",
            "event_date": time.date(),
            "session_id": f"s{user} {time.date()}",
            "unit_price": 1.0 + item,
            "is_bot": number % 50 == 7,
        }
        kind = "purchase" if number % 3 == 0 else "return" if number % 31 == 1 else "impression"
        if impressions and kind != "return":
            shown = {"event_id": f"i{number}", "event_time": time, "event_type": "impression", "position": 3}
            yield {**line, **shown, "known_time": time}
        if kind != "impression":
            time += timedelta(seconds=9)
            yield {**line, "event_id": f"e{number}", "event_time": time, "event_type": kind, "known_time": time}


@dataclass(frozen=True)
class Shop:
    """A lake after the step, and what the step counted."""

    impressions: bool
    lake: Lake
    counts: dict[str, int]


@pytest.fixture(scope="module", params=[False, True], ids=["events", "impressions"])
def featurized(
    spark: SparkSession, filled, steps, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Shop:
    lake = Lake(spark, str(tmp_path_factory.mktemp("featurized") / "lake"))
    filled(lake)("silver.interactions", list(interactions(request.param)))
    items = [
        {
            "item_id": f"i{item}",
            "title": f"mug {item % 5}",
            "title_words": ["mug"],
            "category_path": "mugs" if item < 12 else None,
            "valid_from": datetime(2025, 10, 1),
        }
        for item in range(25)
    ]
    filled(lake)("silver.items", items)
    return Shop(request.param, lake, steps(lake)(featurize, SPLIT))


@pytest.fixture
def shop(featurized: Shop, tmp_path: Path) -> Shop:
    """The same in a lake of the test's own."""
    shutil.copytree(featurized.lake.root, tmp_path / "lake")
    return Shop(featurized.impressions, Lake(featurized.lake.spark, str(tmp_path / "lake")), featurized.counts)


def test_samples_are_as_their_contracts_say_and_a_second_run_makes_the_same(steps, shop: Shop) -> None:
    lake, counts = shop.lake, shop.counts
    before = {table: fingerprint(lake.read(f"features.{table}")) for table in TABLES}

    assert counts == steps(lake)(featurize, SPLIT)
    assert before == {table: fingerprint(lake.read(f"features.{table}")) for table in TABLES}
    for table in TABLES:
        contract, rows = load_contract(f"features.{table}"), lake.read(f"features.{table}")
        assert [(f.name, f.dataType) for f in rows.schema] == [(f.name, f.dataType) for f in struct_type(contract)]
        required = " or ".join(f"{name} is null" for name, column in contract.columns.items() if not column.nullable)
        assert rows.where(required).isEmpty()
        assert rows.where(F.size(broken_rules(contract, "fail")) > 0).isEmpty()
        assert rows.select(*contract.primary_key).distinct().count() == rows.count() == counts[table]


@pytest.mark.parametrize("featurized", [True], indirect=True, ids=["impressions"])
def test_an_event_that_comes_late_changes_no_sample_from_before_it_is_known(filled, steps, shop: Shop) -> None:
    lake = shop.lake
    before = lake.read("features.ranking_samples").toPandas().set_index("sample_id").sort_index()
    happened, known = datetime(2025, 10, 20, tzinfo=UTC), datetime(2025, 12, 10, 12, tzinfo=UTC)
    late = {
        **{"event_id": "late", "event_type": "purchase", "event_time": happened, "event_date": happened.date()},
        **{"known_time": known, "user_id": "u1", "item_id": "i1", "session_id": "late", "is_bot": False},
    }
    filled(lake)("silver.interactions", [*interactions(shop.impressions), late])

    steps(lake)(featurize, SPLIT)

    after = lake.read("features.ranking_samples").toPandas().set_index("sample_id").sort_index()
    is_older = before["event_time"] < pd.Timestamp(known).tz_localize(None).normalize()
    pd.testing.assert_frame_equal(after[is_older], before[is_older])
    newer, counts = ~is_older & (before["user_id"] == "u1"), ["user_positives", "pair_positives"]
    of_item = newer & (before["item_id"] == "i1")
    assert 0 < of_item.sum() < newer.sum()
    more = (after[counts] - before[counts]).loc[newer & (before["event_time"].dt.date > known.date())]
    assert set(more["user_positives"]) == {1}
    assert set(more["pair_positives"][of_item]) == {1}
    assert set(more["pair_positives"][~of_item]) == {0}


def test_labels_come_from_impressions_where_there_are_any(featurized: Shop) -> None:
    lake = featurized.lake
    samples = lake.read("features.ranking_samples").toPandas()
    events = lake.read("features.positives")
    positives = events.count()
    # Of what a session shows more than once there is one pair.
    taken = events.select("user_id", "session_id", "item_id").distinct().count()
    by_origin = {(origin, int(label)): len(rows) for (origin, label), rows in samples.groupby(["origin", "label"])}
    assert set(samples["split"]) == {"train", "validation", "test"}
    if featurized.impressions:
        assert by_origin.keys() == {("impression", 0), ("impression", 1)}
        assert by_origin["impression", 1] == taken
        assert set(samples["position"]) == {3}
    else:
        assert by_origin.keys() == {("event", 1), ("popular", 0), ("category", 0), ("popularity_band", 0)}
        assert by_origin["event", 1] == positives
        # On the first days there are few items to draw from.
        assert 3 * positives < len(samples) - positives <= 4 * positives
    assert samples["history"].map(len).eq(32).all()
    assert (samples["user_positives"] > 0).mean() > 0.8


def test_samples_are_capped(steps, shop: Shop) -> None:
    lake = shop.lake
    steps(lake)(featurize, SPLIT, "features.ranking_positives=100", "features.negatives=2")

    by_label = lake.read("features.ranking_samples").groupBy("label").count()
    assert {row.label: row["count"] for row in by_label.collect()}[1] == 100
