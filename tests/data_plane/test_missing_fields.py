"""The whole pipeline on a part of the real data without the time within a day, without titles, without prices."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from sparkrec.config import load_settings, project_root
from sparkrec.config.settings import EncoderSettings
from sparkrec.graph import JOBS, in_order
from sparkrec.lake import Lake
from sparkrec.steps.runner import Runner

pytestmark = pytest.mark.slow

CUSTOMERS = 120
# As small as the tests of a whole run are; but texts are encoded as by default, for without titles there are none.
SMALL = ("two_tower.epochs=1", "two_tower.batch_size=256", "baselines.als_iterations=2", "ranker.least_users=20")
ENCODER = EncoderSettings().preset


def _run(spark: SparkSession, folder: Path, drop: list[str], source: dict[str, Any], *further: str) -> Lake:
    """Run all jobs on the lines of some customers without these columns, and check what holds for any shop."""
    files = sorted((project_root() / "data" / "online_retail").glob("*.csv.gz"))
    lines = pd.concat([pd.read_csv(file, dtype=str) for file in files], ignore_index=True)
    customers = sorted(lines["CustomerID"].dropna().unique())[::36][:CUSTOMERS]
    lines = lines[lines["CustomerID"].isin(customers)].drop(columns=drop)
    lines = lines.assign(InvoiceDate=lines["InvoiceDate"].str[:10])
    (folder / "landing").mkdir()
    lines.to_csv(folder / "landing" / "lines.csv.gz", index=False)
    path = folder / "source.yaml"
    path.write_text(yaml.safe_dump({**source, "landing": f"{folder}/landing/*.csv.gz"}), encoding="utf-8")
    settings = load_settings("test", path, str(folder / "lake"), overrides=[*SMALL, *further])
    runner = Runner.start(settings, spark, lambda line: None)
    runner.run(in_order(JOBS))

    lists = runner.lake.read("gold.recommendations").toPandas()
    assert lists.groupby("shelf")["user_id"].nunique().to_dict() == dict.fromkeys(
        ("discover", "reorder"), lists["user_id"].nunique()
    )
    assert lists["user_id"].nunique() > CUSTOMERS * 0.8
    assert lists["item_id"].notna().all()
    assert lists["score"].notna().all()
    assert lists["reason"].str.len().min() > 0
    of_all = "part = 'test' and shelf = 'discover' and metric = 'ndcg@10' and segment = 'all'"
    figures = runner.lake.read("gold.evaluations").where(of_all).toPandas().set_index("model")
    # A list that the missing field had made noise of would not be above what nobody has looked at.
    assert figures[figures["chosen"]]["low"].item() > figures.loc["own_frequency", "value"]
    current = json.loads((folder / "lake" / "models" / "current.json").read_text(encoding="utf-8"))
    assert current["left_out"] == {}
    assert (folder / "lake" / "report" / "index.html").is_file()
    return runner.lake


def _source() -> dict[str, Any]:
    path = project_root() / "conf" / "sources" / "online_retail.yaml"
    source: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return source


def test_a_shop_without_times_titles_and_prices(spark: SparkSession, tmp_path: Path) -> None:
    """All at once, for a run of all jobs takes minutes."""
    source = _source()
    # Without a time, invoices of a day are one session.
    del source["interactions"]["session_id"], source["interactions"]["unit_price"], source["refuse"]["no_price"]
    del source["items"]
    source["interactions"]["event_time"] = "to_timestamp(InvoiceDate, 'yyyy-MM-dd')"

    lake = _run(spark, tmp_path, ["Description", "UnitPrice"], source, f"encoder.preset={ENCODER}")

    events = lake.read("silver.interactions").where("user_id is not null")
    days, sessions = events.select("user_id", "event_date").distinct(), events.select("user_id", "session_id")
    assert days.count() == sessions.distinct().count()
    # Of a day nothing is known before another part of it.
    histories = lake.read("features.retrieval_samples").join(
        lake.read("features.positives").select("event_id", "user_id"), "event_id"
    )
    per_day = histories.groupBy("user_id", "event_time").agg(F.count_distinct("history").alias("different"))
    assert per_day.where("different > 1").isEmpty()

    assert lake.read("silver.items").where("title is not null").isEmpty()
    assert lake.read("features.text_vectors").isEmpty()
    assert lake.read("features.word_vectors").isEmpty()
    assert not lake.read("features.item_vectors").where("session_vector is not null").isEmpty()
    assert lake.read("gold.recommendations").where("reason like 'goes with%'").isEmpty()

    people = lake.read("gold.user_profiles")
    assert people.where("median_price is not null or price_band is not null or monetary != 0").isEmpty()
    assert people.where("frequency > 0").count() > CUSTOMERS * 0.8
    assert lake.read("features.positives").where("unit_price is not null").isEmpty()
