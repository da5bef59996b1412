"""What the seed and the settings change and what they leave."""

import gzip
import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from pyspark.sql import SparkSession

from sparkrec.cli import main
from sparkrec.errors import ConfigurationError
from sparkrec.simulation import SimulationSettings, simulate
from sparkrec.simulation.sessions import plan
from sparkrec.simulation.settings import simulation_settings

SETTINGS = SimulationSettings(
    seed=3,
    events=6_000,
    users=300,
    items=60,
    days=5,
    bad_rate=0.05,
    hot_item_share=0.4,
    without=("title", "price", "time_of_day"),
)


def landed(folder: Path) -> Counter[tuple[str, str]]:
    """Each line with its day of arrival, and how often it is there."""
    lines: Counter[tuple[str, str]] = Counter()
    for path in (folder / "landing").rglob("part-*.json.gz"):
        with gzip.open(path, "rt", encoding="utf-8") as texts:
            lines.update((path.parent.name, text) for text in texts)
    return lines


@pytest.fixture(scope="module")
def told() -> list[str]:
    """What the simulation in one partition told."""
    return []


@pytest.fixture(scope="module")
def one(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory, told: list[str]) -> Path:
    """A shop made in one partition."""
    folder = tmp_path_factory.mktemp("one")
    simulate(spark, SETTINGS, str(folder), told.append, partitions=1)
    return folder


def test_the_same_seed_gives_the_same_lines_in_any_number_of_partitions(
    spark: SparkSession, one: Path, tmp_path: Path
) -> None:
    simulate(spark, SETTINGS, str(tmp_path / "five"), partitions=5)
    assert landed(one).total() > 3_000
    assert landed(one) == landed(tmp_path / "five")


def test_another_seed_gives_other_lines(spark: SparkSession, one: Path, tmp_path: Path) -> None:
    simulate(spark, SETTINGS.model_copy(update={"seed": 4}), str(tmp_path / "other"))
    assert not landed(one).keys() & landed(tmp_path / "other").keys()


def test_the_hot_item_has_its_share_and_fields_can_be_left_out(one: Path, told: list[str]) -> None:
    events = pd.read_parquet(one / "truth/events")
    shares = events.item_id.value_counts(normalize=True)
    assert shares.iloc[0] == pytest.approx(0.4, abs=0.04)
    assert shares.iloc[1] < 0.1
    clicks = events[events.event_type == "click"].item_id.value_counts(normalize=True)
    assert clicks.iloc[0] == pytest.approx(0.4, abs=0.08)
    good = [json.loads(line) for _, line in landed(one) if line[13:29] in set(events.event_id)]
    (counts,) = pd.read_parquet(one / "truth/counts").to_dict("records")
    assert len(good) > 0.95 * counts["good"]
    assert not {"title", "price"} & set().union(*good)
    assert {len(line["ts"]) for line in good} == {len("2026-01-01")}
    reasons = pd.read_parquet(one / "truth/bad_lines").reasons.explode()
    assert not reasons.str.startswith("unit_price").any()
    assert told[-1] == (
        f"  {counts['good']:,} good, {counts['bad']:,} bad, {counts['duplicate']:,} duplicate, "
        f"{counts['redelivered']:,} redelivered, {counts['late']:,} late"
    )


def call(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["sparkrec", "simulate", *arguments])
    with pytest.raises(SystemExit) as stopped:
        main()
    assert isinstance(stopped.value.code, int)
    return stopped.value.code


def test_a_folder_with_something_in_it_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "kept").write_text("mine")
    assert call(monkeypatch, "--out", str(tmp_path)) == 2
    assert capsys.readouterr().err == f"error: --out {tmp_path}: not an empty folder; name a new one\n"
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]


def test_a_file_in_place_of_the_folder_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("mine")
    assert call(monkeypatch, "--out", str(tmp_path / "file")) == 2
    assert "not an empty folder" in capsys.readouterr().err


def test_wrong_settings_are_told_by_their_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = str(tmp_path / "new")
    assert call(monkeypatch, "--out", out, "--set", "bad_rate=2", "--set", "colour=red") == 2
    error = capsys.readouterr().err
    assert "bad_rate: Input should be less than or equal to 0.5" in error
    assert "colour: no such key" in error
    assert call(monkeypatch, "--out", out, "--events", "1000000", "--users", "10") == 2
    assert capsys.readouterr().err.startswith("error: events: 10 users make at most ")
    assert not Path(out).exists()


def test_what_the_options_name_wins_over_set() -> None:
    settings: Any = simulation_settings({"seed": 5}, ["seed=6", "without=[title]", "start=2026-03-01"])
    assert settings.seed == 5
    assert settings.without == ("title",)
    assert str(settings.start) == "2026-03-01"


def test_the_most_events_that_are_named_in_the_refusal_can_be_made() -> None:
    few = SimulationSettings(users=10, days=2, events=1_000_000)
    with pytest.raises(ConfigurationError, match=r"at most ([\d,]+) events") as refused:
        plan(few)
    most = int(str(refused.value).split("at most ")[1].split(" ")[0].replace(",", ""))
    assert plan(few.model_copy(update={"events": most})).human_visits_a_slot == pytest.approx(0.25, rel=0.01)
