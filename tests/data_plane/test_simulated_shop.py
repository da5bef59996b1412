"""What the cleaning finds in a simulated shop is what was planted there."""

import gzip
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from sparkrec.cleaning.duplicates import row_id
from sparkrec.config import load_settings
from sparkrec.errors import GateError
from sparkrec.graph import JOBS
from sparkrec.lake import Lake
from sparkrec.landing.columns import own_columns
from sparkrec.simulation.settings import SimulationSettings
from sparkrec.simulation.write import simulate
from sparkrec.steps.runner import Runner
from sparkrec.steps.runs import RUNS

pytestmark = pytest.mark.slow

SETTINGS = SimulationSettings(
    seed=7, events=15_000, users=300, items=400, days=14, bad_rate=0.05, duplicate_rate=0.02, redelivered_rate=0.02,
    late_rate=0.02, bot_rate=0.05,
)  # fmt: skip


@dataclass(frozen=True)
class Cleaned:
    """A lake after the first two jobs, and what the clean job counted."""

    lake: Lake
    counts: dict[str, int]

    @property
    def refused(self) -> int:
        return sum(rows for name, rows in self.counts.items() if name.startswith("refused."))


@pytest.fixture(scope="module")
def shop(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with ``landing`` and ``truth``."""
    folder = tmp_path_factory.mktemp("simulated") / "shop"
    simulate(spark, SETTINGS, str(folder))
    return folder


def truth(shop: Path, name: str) -> pd.DataFrame:
    return pd.read_parquet(shop / "truth" / name)


def cleaned(spark: SparkSession, landing: Path, lake: Path) -> Cleaned:
    settings = load_settings("test", "events", str(lake), overrides=[f"source.landing={landing}"])
    runner = Runner.start(settings, spark, lambda line: None)
    runner.run([job for job in JOBS if job.name in ("ingest", "clean")])
    row = runner.lake.read(RUNS).where("job = 'clean'").first()
    assert row
    return Cleaned(runner.lake, dict(row.counts))


@pytest.fixture(scope="module")
def whole(spark: SparkSession, shop: Path) -> Cleaned:
    return cleaned(spark, shop / "landing", shop.parent / "lake")


def reasons_found(cleaned: Cleaned) -> dict[str, list[str]]:
    """Reasons of each refused line by its event id."""
    bronze = cleaned.lake.read("bronze.events")
    own = own_columns(bronze.columns)
    broken = (
        F.regexp_extract("_corrupt_record", '"event_id": ?"([^"]*)"', 1) if "_corrupt_record" in own else F.lit(None)
    )
    ids = bronze.select(row_id(own).alias("row_id"), F.coalesce("event_id", broken).alias("event_id")).distinct()
    rows = cleaned.lake.read("silver.quarantine").join(ids, "row_id").collect()
    assert len({row.event_id for row in rows}) == len(rows)
    return {row.event_id: sorted(row.reasons) for row in rows}


def reasons_planted(shop: Path) -> dict[str, list[str]]:
    return {row.event_id: sorted(row.reasons) for row in truth(shop, "bad_lines").itertuples()}


def test_every_refused_row_has_just_the_reasons_that_were_planted(shop: Path, whole: Cleaned) -> None:
    planted = reasons_planted(shop)
    assert len(planted) > 300
    assert len({reason for reasons in planted.values() for reason in reasons}) == 10
    assert any(len(reasons) == 2 for reasons in planted.values())

    assert reasons_found(whole) == planted


def test_every_line_is_accounted_for(shop: Path, whole: Cleaned) -> None:
    (planted,) = truth(shop, "counts").to_dict("records")
    counts = whole.counts
    assert counts["landed"] == planted["lines"]
    assert counts["kept"] + counts["searches"] == planted["good"]
    assert counts["duplicates"] == planted["duplicate"]
    assert counts["redelivered"] == planted["redelivered"]
    assert counts["refused"] == whole.refused == planted["bad"]


@pytest.mark.parametrize("rate", [0.0, 0.001, 1.0])
def test_poison_at_other_rates_is_found_as_well(spark: SparkSession, shop: Path, tmp_path: Path, rate: float) -> None:
    planted = reasons_planted(shop)
    lines: list[str] = []
    for file in sorted((shop / "landing").rglob("*.json.gz")):
        lines += gzip.decompress(file.read_bytes()).decode().splitlines()
    ids = [re.match(r'\{"event_id": ?"([^"]*)"', line)[1] for line in lines]  # type: ignore[index]
    good = [line for line, id_ in zip(lines, ids, strict=True) if id_ not in planted]
    bad = {id_: line for line, id_ in zip(lines, ids, strict=True) if id_ in planted}
    some = dict(list(bad.items())[: len(bad) if rate == 1 else round(rate * len(good))])
    (tmp_path / "landing").mkdir()
    kept_lines = ([] if rate == 1 else good) + list(some.values())
    (tmp_path / "landing" / "a.json").write_text("\n".join(kept_lines), encoding="utf-8")

    if rate == 1:
        # No good event is left, which no table of events may be; what was refused can be looked at all the same.
        with pytest.raises(GateError, match=r"silver\.interactions: row_count broken"):
            cleaned(spark, tmp_path / "landing", tmp_path / "lake")
        found = Cleaned(Lake(spark, str(tmp_path / "lake")), {})
    else:
        found = cleaned(spark, tmp_path / "landing", tmp_path / "lake")
        assert found.counts["refused"] == len(some)
    assert reasons_found(found) == {id_: planted[id_] for id_ in some}


def persons(shop: Path, whole: Cleaned) -> pd.DataFrame:
    """Kept events with what is true of them beside what was found."""
    columns = ["event_id", "user_id", "session_id", "is_bot"]
    events = whole.lake.read("silver.interactions").select(*columns).toPandas()
    searched = whole.lake.read("silver.searches").select("search_id", *columns[1:]).toPandas()
    true = truth(shop, "events")
    searches = true[true["event_type"] == "search"][["event_id", "search_id"]].merge(searched, on="search_id")
    found = pd.concat([events, searches[columns]])
    return found.merge(true, on="event_id", suffixes=("_found", "_true"), validate="one_to_one")


def test_sessions_are_those_of_the_truth(shop: Path, whole: Cleaned) -> None:
    # People without an account are another user on each site, and every session is on one site.
    both = persons(shop, whole)
    assert len(both) == whole.counts["kept"] + whole.counts["searches"]
    people = both[~both["is_bot_true"]]
    assert people.groupby("session_key")["session_id"].nunique().max() == 1
    assert people.groupby("session_id")["session_key"].nunique().max() == 1


def test_the_ids_of_an_account_are_one_user_and_other_people_are_others(shop: Path, whole: Cleaned) -> None:
    both = persons(shop, whole).merge(truth(shop, "people")[["person_id", "account"]], on="person_id")
    assert both.groupby("user_id")["person_id"].nunique().max() == 1
    linked = both[both["account"].notna()]
    assert linked.groupby("account")["user_id"].nunique().max() == 1
    sites = linked.groupby("account")["site"].nunique()
    assert Counter(sites > 1)[True] > 10


def test_bots_are_found(shop: Path, whole: Cleaned) -> None:
    both = persons(shop, whole)
    users = both.groupby("person_id").agg(found=("is_bot_found", "max"), true=("is_bot_true", "max"))
    right = (users["found"] & users["true"]).sum()
    precision, recall = right / users["found"].sum(), right / users["true"].sum()
    assert users["true"].sum() >= 2
    assert 2 * precision * recall / (precision + recall) >= 0.95


def test_late_events_are_in_their_own_days(shop: Path, whole: Cleaned) -> None:
    found = whole.lake.read("silver.interactions").select("event_id", "event_date").toPandas()
    both = found.merge(truth(shop, "events"), on="event_id")
    late = both[both["is_late"]]
    assert len(late) > 50
    assert (pd.to_datetime(late["event_date"]) == late["event_time"].dt.tz_localize(None).dt.normalize()).all()
