"""Sources that are shipped as worked examples, on their made-up files; an order's items, quarantined and replayed."""

from pathlib import Path

import pytest
import yaml
from pyspark.sql import SparkSession

from sparkrec.config import load_settings, project_root
from sparkrec.graph import JOBS
from sparkrec.lake import Lake
from sparkrec.steps.runner import Runner


def cleaned(spark: SparkSession, source: Path, folder: Path, said: list[str], *further: str) -> Lake:
    """The lake after ingest and clean, and what else is to run."""
    given = yaml.safe_load(source.read_text(encoding="utf-8"))
    landings = {"source.landing": given["landing"]} | {
        f"source.lookups.{name}.landing": lookup["landing"] for name, lookup in given.get("lookups", {}).items()
    }
    overrides = [f"{key}={source.parent / landing}" for key, landing in landings.items()]
    settings = load_settings("test", source, lake=str(folder / "lake"), overrides=overrides)
    runner = Runner.start(settings, spark, said.append)
    runner.run([job for job in JOBS if job.name in ("ingest", "clean")])
    return runner.lake


@pytest.fixture
def sources() -> Path:
    return project_root() / "conf" / "sources"


def test_olist_names_people_and_categories_by_chained_lookups(
    spark: SparkSession, tmp_path: Path, sources: Path
) -> None:
    said: list[str] = []
    lake = cleaned(spark, sources / "olist.yaml", tmp_path, said)

    events = lake.read("silver.interactions").toPandas()
    titles = {row.item_id: row.title for row in lake.read("silver.items").collect()}
    scores = {row.user_id: row.attributes.get("review_score") for row in lake.read("silver.users").collect()}
    refused = lake.read("silver.quarantine").toPandas()
    assert (len(events), events["user_id"].nunique(), events["session_id"].nunique()) == (26, 6, 13)
    assert titles["prod1"] == "toys"
    assert titles["prod2"] == "bed bath table"
    assert set(scores) == {"p1", "p2", "p3", "p4", "p5", "p6"}
    assert [list(reasons) for reasons in refused["reasons"]] == [["order_canceled"]] * 3


def test_retailrocket_has_the_latest_value_of_each_property(spark: SparkSession, tmp_path: Path, sources: Path) -> None:
    said: list[str] = []
    lake = cleaned(spark, sources / "retailrocket.yaml", tmp_path, said)

    events = lake.read("silver.interactions").toPandas()
    items = {row.item_id: (row.title, row.category_path) for row in lake.read("silver.items").collect()}
    landed = (project_root() / "data/examples/retailrocket/events.csv").read_text().splitlines()[1:]
    assert len(events) == len(landed)
    assert events["user_id"].nunique() == 6
    assert events["session_id"].nunique() == 12
    assert str(events["event_time"].min()) == "2015-06-01 01:00:00"
    assert items["100"] == ("n100.000 700", "1 > 12")
    assert items["101"] == ("n101.000 707", "1 > 11")
    assert set(events.loc[events["item_id"] == "100", "unit_price"]) == {999.0}
