"""How much is done with each item at a fold."""

from datetime import UTC, datetime, timedelta

import pytest
from pyspark.sql import SparkSession

from sparkrec.contracts import load_contract
from sparkrec.features.item_activity import item_activity

LAST = datetime(2026, 5, 1, 12, tzinfo=UTC)


def test_activity_is_what_a_fold_knows(spark: SparkSession) -> None:
    def event(user: int, item: int, days: float, price: float | None, window: int) -> tuple:
        return user, item, LAST - timedelta(days=days), price, window

    events = [
        event(2, 3, 0, 9.0, 0),
        event(2, 3, 28, 1.0, 1),
        event(3, 3, 28, 4.0, 1),
        event(4, 3, 35.5, 2.0, 1),
        event(4, 3, 150, None, 2),
        event(4, 5, 28 + 91, None, 2),
        event(4, 2, 0, 5.0, 0),
    ]
    schema = "user_index int, item_index int, event_time timestamp, unit_price double, window int"
    positives = spark.createDataFrame(events, schema)

    found = item_activity(positives, ["test", "publish"]).toPandas()

    contract = load_contract("features.item_activity")
    assert {*found.columns} == {*contract.columns}
    facts = {(row.fold, row.item_index): row._asdict() for row in found.itertuples(index=False)}
    assert set(facts) == {("test", 3), ("test", 5), ("publish", 2), ("publish", 3), ("publish", 5)}
    counts = {"buyers_7": 2, "buyers_28": 3, "buyers_90": 3, "buyers": 3, "events": 4}
    of_test = {**counts, "age_days": 122, "days_since_sold": 0, "price": 2}
    shares = {"trend_7_28": 2 / 4, "trend_28_90": 3 / 4, "events_by_buyer": 4 / 3}
    assert facts["test", 3] == pytest.approx({**of_test, **shares, "fold": "test", "item_index": 3})
    of_publish = {"buyers_7": 1, "buyers_28": 2, "buyers_90": 3, "buyers": 3, "events": 5}
    ages = {"age_days": 150, "days_since_sold": 0, "price": 3}
    shares = {"trend_7_28": 1 / 3, "trend_28_90": 2 / 4, "events_by_buyer": 5 / 3}
    assert facts["publish", 3] == pytest.approx({**of_publish, **ages, **shares, "fold": "publish", "item_index": 3})
    old = {"buyers_7": 0, "buyers": 1, "events": 1, "age_days": 91, "days_since_sold": 91, "price": float("nan")}
    assert {name: facts["test", 5][name] for name in old} == pytest.approx(old, nan_ok=True)
