"""Sources that are shipped as worked examples, on their made-up files; items of an order, quarantined and replayed."""

from pathlib import Path

import pytest
import yaml
from pyspark.sql import SparkSession

from sparkrec.config import load_settings, shipped_root
from sparkrec.graph import JOBS
from sparkrec.graph.jobs import ON_DEMAND
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
    return shipped_root() / "conf" / "sources"


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
    landed = (shipped_root() / "data/examples/retailrocket/events.csv").read_text().splitlines()[1:]
    assert len(events) == len(landed)
    assert events["user_id"].nunique() == 6
    assert events["session_id"].nunique() == 12
    assert str(events["event_time"].min()) == "2015-06-01 01:00:00"
    assert items["100"] == ("n100.000 700", "1 > 12")
    assert items["101"] == ("n101.000 707", "1 > 11")
    assert set(events.loc[events["item_id"] == "100", "unit_price"]) == {999.0}


def test_refused_elements_of_a_line_are_replayed_alone(spark: SparkSession, tmp_path: Path) -> None:
    array = "explode(from_json(lines, 'array<struct<sku:string,qty:string>>'))"
    (tmp_path / "a.jsonl").write_text(
        '{"user": "u1", "at": "2024-01-01 10:00", "lines": [{"sku": "A", "qty": "1"}, {"sku": "B", "qty": "2 x"}]}\n'
        '{"user": "u2", "at": "2024-01-01 11:00:00", "lines": []}\n'
        # Not more than half of the rows may be refused.
        '{"user": "u3", "at": "2024-01-01 12:00:00", "lines": [{"sku": "C", "qty": "1"}, {"sku": "D", "qty": "1"}]}\n'
    )

    def run(*jobs: str, quantity: str) -> tuple[list[tuple[str, str]], list[str]]:
        source = {"name": "shop", "landing": str(tmp_path / "a.jsonl"), "format": "jsonl"}
        mapping = {"user_id": "user", "item_id": f"{array}.sku", "event_time": "at", "quantity": quantity}
        (tmp_path / "shop.yaml").write_text(yaml.safe_dump({**source, "interactions": mapping}), encoding="utf-8")
        settings = load_settings("test", tmp_path / "shop.yaml", lake=str(tmp_path / "lake"))
        runner = Runner.start(settings, spark, lambda line: None)
        runner.run([job for job in [*JOBS, *ON_DEMAND] if job.name in jobs])
        events = runner.lake.read("silver.interactions").collect()
        refused = runner.lake.read("silver.quarantine").collect()
        kept = sorted((row.item_id, row.event_id.partition("#")[2]) for row in events)
        return kept, sorted(f"{row.row_id.partition('#')[2]} {'+'.join(row.reasons)}" for row in refused)

    first = run("ingest", "clean", quantity=f"{array}.qty")
    assert first == ([("A", ""), ("C", ""), ("D", "1")], [" item_id_missing", "1 quantity_unreadable"])

    mended = run("replay", quantity=f"split({array}.qty, ' ')[0]")
    assert mended == ([("A", ""), ("B", "1"), ("C", ""), ("D", "1")], [" item_id_missing"])
