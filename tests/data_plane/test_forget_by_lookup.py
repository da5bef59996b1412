"""Forgetting where the line does not name the user: it names an order, the order a customer, the customer a person."""

from pathlib import Path

import pytest
import yaml
from pyspark.sql import SparkSession

from sparkrec.config import load_settings
from sparkrec.errors import ConfigurationError
from sparkrec.graph import JOBS
from sparkrec.lake import Lake
from sparkrec.steps.forget import forget
from sparkrec.steps.runner import Runner

SOURCE = {
    "name": "shop",
    "landing": "lines.csv",
    "lookups": {
        "orders": {"landing": "orders.csv", "key": ["order"]},
        "people": {"landing": "people.csv", "key": ["customer"], "personal": True},
    },
    "interactions": {
        "event_id": "concat(order, ' ', n)",
        "user_id": "people.person",
        "item_id": "explode(split(items, ' '))",
        "event_time": "orders.at",
    },
}
LINES = "order,n,items\no1,1,mug tin\no2,1,tin\no3,1,mug\n"
ORDERS = "order,customer,at\no1,c1,2026-01-01 10:00:00\no2,c2,2026-01-02 10:00:00\no3,c3,2026-01-03 10:00:00\n"
PEOPLE = "customer,person,town\nc1,person-one,Bonn\nc2,person-two,Ulm\nc3,person-one,Bonn\n"


def jobs(spark: SparkSession, folder: Path, *names: str) -> Runner:
    settings = load_settings("test", str(folder / "shop.yaml"), str(folder / "lake"))
    runner = Runner.start(settings, spark, lambda line: None)
    runner.run([job for job in JOBS if job.name in names])
    return runner


def write(folder: Path, **changes: object) -> None:
    (folder / "lines.csv").write_text(LINES)
    (folder / "orders.csv").write_text(ORDERS)
    (folder / "people.csv").write_text(PEOPLE)
    (folder / "shop.yaml").write_text(yaml.safe_dump(SOURCE | changes))


def held(lake: Lake) -> tuple[list[str], list[str], list[tuple[str, str]]]:
    """Orders and customers in bronze, users and items in silver."""
    orders = sorted(row.order for row in lake.read("bronze.shop").collect())
    customers = sorted(row.customer for row in lake.read("bronze.shop__people").collect())
    events = sorted((row.user_id, row.item_id) for row in lake.read("silver.interactions").collect())
    return orders, customers, events


def test_a_person_goes_with_the_lines_of_all_orders_and_does_not_come_back(spark: SparkSession, tmp_path: Path) -> None:
    write(tmp_path)
    runner = jobs(spark, tmp_path, "ingest", "clean")
    whole = [("person-one", "mug"), ("person-one", "mug"), ("person-one", "tin"), ("person-two", "tin")]
    assert held(runner.lake) == (["o1", "o2", "o3"], ["c1", "c2", "c3"], whole)

    done = forget(runner.settings, spark, {"the first": "person-one"})

    assert done.removed == {"bronze.shop": 2, "bronze.shop__people": 2, "silver.interactions": 3}
    assert held(runner.lake) == (["o2"], ["c2"], [("person-two", "tin")])
    # Nobody is named in the file of orders.
    named = [str(tmp_path / name) for name in ("lines.csv", "people.csv")]
    assert Path(done.landing_list).read_text().splitlines() == named == [*done.landing]
    # The same lines and rows in other files, with one of another person.
    (tmp_path / "lines.csv").write_text(LINES + "o4,1,tin\n")
    (tmp_path / "orders.csv").write_text(ORDERS + "o4,c2,2026-01-04 10:00:00\n")
    (tmp_path / "people.csv").write_text(PEOPLE + "c9,person-nine,Kiel\n")
    jobs(spark, tmp_path, "ingest", "clean")
    orders, customers, events = held(runner.lake)
    assert (set(orders), customers) == ({"o2", "o4"}, ["c2", "c9"])
    assert events == [("person-two", "tin"), ("person-two", "tin")]


def test_a_personal_lookup_that_does_not_tell_whom_it_is_about_is_refused(spark: SparkSession, tmp_path: Path) -> None:
    lookups = SOURCE["lookups"] | {"orders": {"landing": "orders.csv", "key": ["order"], "personal": True}}
    write(tmp_path, lookups=lookups)

    with pytest.raises(ConfigurationError, match=r"^lookups\.orders\.personal: interactions\.user_id needs people"):
        jobs(spark, tmp_path, "ingest")
