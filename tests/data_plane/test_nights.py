"""Night after night: what comes touches its own days, and what was refused can be mended."""

import shutil
from contextlib import nullcontext
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from fingerprints import table_fingerprints
from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from typer.testing import CliRunner

from sparkrec.cli import app
from sparkrec.config import load_settings
from sparkrec.errors import GateError
from sparkrec.graph import JOBS, ON_DEMAND
from sparkrec.lake import Lake
from sparkrec.steps.runner import Runner
from sparkrec.steps.runs import RUNS, latest_runs

pytestmark = pytest.mark.slow

SOURCE = """
name: shop
landing: {landing}
interactions: {{event_id: id, user_id: user, account_id: account, item_id: item, event_time: at, quantity: {pieces}}}
"""
PIECES, MENDED = "pieces", "\"case pieces when 'two' then 2 else pieces end\""
Line = tuple[str, str, str, str, str]


class Shop:
    """A landing folder, and the jobs over it."""

    def __init__(self, spark: SparkSession, root: Path, pieces: str = PIECES) -> None:
        self.spark, self.root = spark, root
        (root / "landing").mkdir(parents=True, exist_ok=True)
        self.lake = Lake(spark, str(root / "lake"))
        self.mapping(pieces)

    def mapping(self, pieces: str) -> None:
        source = SOURCE.format(landing=self.root / "landing", pieces=pieces)
        (self.root / "shop.yaml").write_text(source, encoding="utf-8")

    def deliver(self, *lines: Line) -> None:
        """Lines of ``id, user, account, time, pieces``; the item follows from the id."""
        rows = [f"{id_},{user},{account},i{id_[-1]},{at},{pieces}" for id_, user, account, at, pieces in lines]
        landing = self.root / "landing"
        file = landing / f"{len([*landing.iterdir()]) + 1}.csv"
        file.write_text("\n".join(["id,user,account,item,at,pieces", *rows]), encoding="utf-8")

    def run(self, *jobs: str) -> dict[str, int]:
        """Run the jobs; what the last of them counted."""
        settings = load_settings("test", self.root / "shop.yaml", self.lake.root)
        specs = {spec.name: spec for spec in (*JOBS, *ON_DEMAND)}
        Runner.start(settings, self.spark, lambda line: None).run([specs[job] for job in jobs])
        return latest_runs(self.lake, jobs[-1:])[0].counts

    def files(self) -> dict[str, set[str]]:
        """Data files of silver.interactions by day."""
        uris = [uri.split("/") for uri in self.lake.read("silver.interactions").inputFiles()]
        return {day: {uri[-1] for uri in uris if uri[-2] == day} for day in {uri[-2] for uri in uris}}

    def events(self) -> dict[str, Any]:
        return {row.event_id: row for row in self.lake.read("silver.interactions").collect()}


@pytest.fixture(scope="module")
def first(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """Two days; the first ends in a session that goes on after midnight."""
    shop = Shop(spark, tmp_path_factory.mktemp("nights") / "shop")
    shop.deliver(
        ("a1", "u", "", "2026-01-01 10:00:00", "1"),
        ("a2", "u", "", "2026-01-01 23:50:00", "1"),
        ("a3", "w", "", "2026-01-01 12:00:00", "1"),
        ("b1", "u", "", "2026-01-02 00:10:00", "1"),
        ("b2", "v", "", "2026-01-02 09:00:00", "two"),
        ("b3", "w", "", "2026-01-02 09:00:00", "1"),
    )
    shop.run("ingest", "clean")
    return shop


@pytest.fixture
def shop(first: Shop, tmp_path: Path) -> Shop:
    """The first two days, and a lake of the test's own."""
    shutil.copytree(first.root, tmp_path / "shop")
    return Shop(first.spark, tmp_path / "shop")


def test_a_late_event_changes_its_own_day_and_is_listed(shop: Shop) -> None:
    before = shop.files()
    shop.deliver(("a4", "w", "", "2026-01-01 12:10:00", "1"), ("c1", "u", "", "2026-01-03 08:00:00", "1"))

    counts = shop.run("ingest", "clean")

    assert {name: rows for name, rows in counts.items() if name.startswith("late.")} == {"late.2026-01-01": 1}
    assert (counts["landed"], counts["kept"], counts["refused"], counts["new_lines"]) == (8, 7, 1, 2)
    after = shop.files()
    assert after["event_date=2026-01-02"] == before["event_date=2026-01-02"]
    assert not after["event_date=2026-01-01"] & before["event_date=2026-01-01"]
    found = shop.events()
    assert found["a4"].session_id == found["a3"].session_id != found["b3"].session_id


def test_a_late_event_that_joins_two_sessions_changes_the_day_after_it_too(shop: Shop) -> None:
    shop.deliver(("b4", "u", "", "2026-01-02 00:35:00", "1"))
    shop.run("ingest", "clean")
    found = shop.events()
    assert found["b4"].session_id == found["b1"].session_id == found["a2"].session_id == "u 2026-01-01T23:50:00.000"

    shop.deliver(("a5", "u", "", "2026-01-01 23:30:00", "1"))
    shop.run("ingest", "clean")
    assert {shop.events()[id_].session_id for id_ in ("a5", "a2", "b1", "b4")} == {"u 2026-01-01T23:30:00.000"}


def test_who_logs_in_is_the_same_person_in_the_days_before(shop: Shop) -> None:
    shop.deliver(("c1", "w", "me", "2026-01-03 08:00:00", "1"), ("c2", "elsewhere", "me", "2026-01-03 08:00:00", "1"))
    shop.run("ingest", "clean")

    users = {id_: row.user_id for id_, row in shop.events().items()}
    assert {users[id_] for id_ in ("a3", "b3", "c1", "c2")} == {"account me"}
    assert users["a1"] == "u"


def test_without_new_lines_nothing_is_written(shop: Shop) -> None:
    before = table_fingerprints(shop.spark, shop.lake.root)
    versions = {table: shop.lake.version(table) for table in before}

    counts = shop.run("ingest", "clean")

    assert (counts["landed"], counts["new_lines"]) == (6, 0)
    assert {table: shop.lake.version(table) for table in before} == versions


def test_a_replay_lands_mended_lines_once_and_leaves_all_others(shop: Shop, tmp_path: Path) -> None:
    before = shop.files()
    shop.mapping(MENDED)

    for _ in range(2):
        counts = shop.run("replay")

        assert (counts["landed"], counts["kept"], counts["refused"]) == (6, 6, 0)
        assert counts.get("refused.quantity_unreadable", 0) == 0
        assert shop.events()["b2"].quantity == 2
        assert shop.lake.read("silver.quarantine").isEmpty()
        assert shop.files()["event_date=2026-01-01"] == before["event_date=2026-01-01"]
    # The clean job goes on from there, and the tables are those of a run over all lines by the mended source file.
    shop.deliver(("c1", "v", "", "2026-01-03 08:00:00", "two"))
    assert shop.run("ingest", "clean")["new_lines"] == 1
    other = Shop(shop.spark, tmp_path / "other", MENDED)
    for file in (shop.root / "landing").iterdir():
        (other.root / "landing" / file.name).write_bytes(file.read_bytes())
    other.run("ingest", "clean")
    assert table_fingerprints(shop.spark, shop.lake.root) == table_fingerprints(shop.spark, other.lake.root)


def test_a_night_of_refused_lines_closes_the_gate(shop: Shop) -> None:
    before = table_fingerprints(shop.spark, shop.lake.root)
    shop.deliver(*[(f"c{number}", "u", "", "2026-01-03 08:00:00", "many") for number in range(9)])
    shop.run("ingest")
    bronze = shop.lake.read("bronze.shop").count()

    with pytest.raises(GateError, match="9 of 9 rows refused, most of them for quantity_unreadable 9"):
        shop.run("clean")

    assert bronze == 15
    now = table_fingerprints(shop.spark, shop.lake.root)
    assert {name for name in before if now[name] != before[name]} == {"bronze.shop"}


def test_days_are_run_in_order(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    # The command would stop the tests' session.
    monkeypatch.setattr("sparkrec.lake.spark_session", lambda *_: nullcontext(shop.spark))
    options = ["--env", "test", "--source", str(shop.root / "shop.yaml"), "--lake", shop.lake.root]

    found = CliRunner().invoke(app, ["job", "profile", *options, "--from", "2026-01-01", "--to", "2026-01-02"])

    assert found.exit_code == 0, found.output
    runs = shop.lake.read(RUNS).where("job = 'profile'").orderBy("started_at").collect()
    assert [row.run_date for row in runs] == [date(2026, 1, 1), date(2026, 1, 2)]
    profiles = shop.lake.read("gold.user_profiles")
    assert {row.user_id: row.distinct_items for row in profiles.collect()} == {"u": 2, "w": 1}
    assert profiles.agg(F.max("as_of")).first() == (date(2026, 1, 2),)
    wrong = CliRunner().invoke(app, ["job", "profile", *options, "--from", "2026-01-02"])
    assert wrong.exit_code != 0
