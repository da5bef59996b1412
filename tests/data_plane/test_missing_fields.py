"""The whole pipeline on a part of the real data without the time within a day, without titles, without prices."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from retail_slice import lines_of_customers

from sparkrec.config import load_settings, shipped_root
from sparkrec.config.settings import EncoderSettings
from sparkrec.graph import JOBS, in_order
from sparkrec.lake import Lake
from sparkrec.steps.runner import Runner

pytestmark = pytest.mark.slow

CUSTOMERS = 120
# As small as the tests of a whole run are; but texts are encoded as by default, for without titles there are none.
SMALL = ("two_tower.epochs=1", "two_tower.batch_size=256", "baselines.als_iterations=2", "ranker.min_users=20")
SMALL += (
    "training.ranks=1",
    "training.launcher=local",
    f"encoder.preset={EncoderSettings().preset}",
)


@pytest.fixture(scope="module")
def lake(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """Of a run of all jobs, which takes minutes: for all that is missing at once."""
    folder = tmp_path_factory.mktemp("shop")
    lines = lines_of_customers(36, CUSTOMERS).drop(columns=["Description", "UnitPrice"])
    lines = lines.assign(InvoiceDate=lines["InvoiceDate"].str[:10])
    (folder / "landing").mkdir()
    lines.to_csv(folder / "landing" / "lines.csv.gz", index=False)
    path = shipped_root() / "conf" / "sources" / "online_retail.yaml"
    source: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    # Without a time, invoices of a day are one session.
    del source["interactions"]["session_id"], source["interactions"]["unit_price"], source["refuse"]["no_price"]
    del source["items"]
    source["interactions"]["event_time"] = "to_timestamp(InvoiceDate, 'yyyy-MM-dd')"
    path = folder / "source.yaml"
    path.write_text(yaml.safe_dump({**source, "landing": f"{folder}/landing/*.csv.gz"}), encoding="utf-8")
    settings = load_settings("test", path, str(folder / "lake"), overrides=SMALL)
    runner = Runner.start(settings, spark, lambda line: None)
    runner.run(in_order(JOBS))
    return runner.lake


def test_everybody_has_lists_that_are_no_noise(lake: Lake) -> None:
    lists = lake.read("gold.recommendations").toPandas()
    assert lists.groupby("shelf")["user_id"].nunique().to_dict() == dict.fromkeys(
        ("discover", "reorder"), lists["user_id"].nunique()
    )
    assert lists["user_id"].nunique() > CUSTOMERS * 0.8
    assert lists["item_id"].notna().all()
    assert lists["score"].notna().all()
    assert lists["reason"].str.len().min() > 0
    of_all = "split = 'test' and shelf = 'discover' and metric = 'ndcg@10' and segment = 'all'"
    figures = lake.read("gold.evaluations").where(of_all).toPandas().set_index("model")
    # A list that the missing fields had made noise of would not be above what nobody has looked at.
    assert figures[figures["chosen"]]["low"].item() > figures.loc["own_frequency", "value"]
    current = json.loads(Path(lake.root, "models", "current.json").read_text(encoding="utf-8"))
    assert current["left_out"] == {}
    assert Path(lake.root, "report", "index.html").is_file()


def test_of_a_day_nothing_is_known_before_another_part_of_it(lake: Lake) -> None:
    events = lake.read("silver.interactions").where("user_id is not null")
    days, sessions = events.select("user_id", "event_date").distinct(), events.select("user_id", "session_id")
    assert days.count() == sessions.distinct().count()
    histories = lake.read("features.retrieval_samples").join(
        lake.read("features.positives").select("event_id", "user_id"), "event_id"
    )
    per_day = histories.groupBy("user_id", "event_time").agg(F.count_distinct("history").alias("different"))
    assert per_day.where("different > 1").isEmpty()


def test_without_titles_there_are_no_texts(lake: Lake) -> None:
    assert lake.read("silver.items").where("title is not null").isEmpty()
    assert lake.read("features.text_vectors").isEmpty()
    assert lake.read("features.word_vectors").isEmpty()
    assert not lake.read("features.item_vectors").where("session_vector is not null").isEmpty()
    assert lake.read("gold.recommendations").where("reason like 'goes with%'").isEmpty()


def test_without_prices_people_have_bought_all_the_same(lake: Lake) -> None:
    people = lake.read("gold.user_profiles")
    assert people.where("median_price is not null or price_band is not null or monetary != 0").isEmpty()
    assert people.where("frequency > 0").count() > CUSTOMERS * 0.8
    assert lake.read("features.positives").where("unit_price is not null").isEmpty()
