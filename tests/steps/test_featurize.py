"""What the featurize and shard steps make of a shop."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from sparkrec.contracts import load_contract
from sparkrec.contracts.spark import broken_rules, struct_type
from sparkrec.features.sequence_windows import sequence_windows
from sparkrec.lake import Lake
from sparkrec.lake.fingerprint import fingerprint
from sparkrec.shards.manifest import Manifest
from sparkrec.steps import featurize, shard

SPLIT = "split.holdout_days=10"
TABLES = ("positives", "retrieval_samples", "behaviour_sequences", "item_activity")


def interactions() -> Iterator[dict[str, object]]:
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
        if kind != "return":
            yield {**line, "event_id": f"i{number}", "event_time": time, "event_type": "impression", "known_time": time}
        if kind != "impression":
            time += timedelta(seconds=9)
            yield {**line, "event_id": f"e{number}", "event_time": time, "event_type": kind, "known_time": time}


def test_tables_are_as_their_contracts_say_and_a_second_run_makes_the_same(
    spark: SparkSession, filled, steps, tmp_path: Path
) -> None:
    lake = Lake(spark, str(tmp_path / "lake"))
    filled(lake)("silver.interactions", list(interactions()))
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

    counts = steps(lake)(featurize, SPLIT)

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
    at = {row.fold for row in lake.read("features.behaviour_sequences").select("fold").distinct().collect()}
    assert at == {row.fold for row in lake.read("features.item_activity").select("fold").distinct().collect()}
    assert {"validation", "test", "publish", "back_3"} <= at

    written = steps(lake)(shard, SPLIT, "training.models=[two_tower, self_attention]")

    windows = sequence_windows(lake.read("features.positives"), 32).count()
    assert written["publish.train"] == counts["retrieval_samples"]
    assert written["publish.windows"] == windows >= written["validation.windows"] > 0
    assert written == {
        name.replace("/", "."): data.rows
        for name, data in Manifest.read(f"{lake.root}/shards/retrieval").datasets.items()
    }
