"""All jobs on a small young shop in which every text is odd, among lines whose every field may be anything."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
import yaml
from hostile_lines import HostileLine, hostile_lines
from hostile_shop import SOURCE, write_hostile_shop
from pyspark.sql import SparkSession

from sparkrec.config import load_settings
from sparkrec.graph import JOBS, in_order
from sparkrec.lake import Lake
from sparkrec.steps.runner import Runner
from sparkrec.steps.runs import latest_runs

pytestmark = pytest.mark.slow

DAYS, USERS, LINES, LONGEST, SEED = 50, 24, 2_000, 100_000, 20261127
SMALL = ("two_tower.epochs=1", "two_tower.batch_size=64", "baselines.als_iterations=1", "ranker.trees=5")
SMALL += ("ranker.min_users=5", "ranker.windows=1", "training.ranks=1", "training.launcher=local")
# Those that lie before the shop's first day are refused, so that its history is as long as it is without them.
BOUNDS = {"longest_line": LONGEST, "times": {"earliest": "2026-01-01"}}


@dataclass(frozen=True)
class Shop:
    """A finished run of the landed lines: good ones, and hostile ones made of them."""

    lake: Lake
    good: list[dict[str, Any]]
    hostile: list[HostileLine]
    said: list[str]

    def counts(self, job: str) -> dict[str, int]:
        """What a job counted."""
        return latest_runs(self.lake, [job])[0].counts


@pytest.fixture(scope="module")
def shop(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    folder = tmp_path_factory.mktemp("hostile")
    good = write_hostile_shop(folder, USERS, DAYS, sessions=100)
    hostile = hostile_lines(good, LINES, LONGEST, SEED)
    (folder / "landing" / "hostile.jsonl").write_bytes(b"\n".join(line.content for line in hostile))
    source = folder / "source.yaml"
    source.write_text(yaml.safe_dump({**SOURCE, **BOUNDS, "landing": str(folder / "landing")}), encoding="utf-8")
    said: list[str] = []
    runner = Runner.start(load_settings("test", source, str(folder / "lake"), overrides=SMALL), spark, said.append)
    runner.run(in_order(JOBS))
    yield Shop(runner.lake, good, hostile, said)


def test_every_line_is_a_row_that_landed_or_was_refused_with_its_reasons(shop: Shop) -> None:
    ingested, cleaned = shop.counts("ingest"), shop.counts("clean")
    rows = len(shop.good) + sum(line.rows for line in shop.hostile)
    too_long = sum(len(line.content) > LONGEST for line in shop.hostile)
    quarantine = shop.lake.read("silver.quarantine").toPandas()
    reasons = Counter(reason for listed in quarantine["reasons"] for reason in listed)

    assert ingested["new_lines"] == cleaned["landed"] == rows
    assert ingested["too_long_lines"] == too_long > 0
    of_silver = sum(shop.lake.read(f"silver.{table}").count() for table in ("interactions", "searches"))
    assert of_silver + len(quarantine) + cleaned["duplicates"] + cleaned["redelivered"] == rows
    assert quarantine["reasons"].str.len().min() > 0
    # A line that is broken alike more than once is in quarantine once.
    unreadable = sum(line.unreadable for line in shop.hostile)
    assert reasons["line_too_long"] == too_long
    assert unreadable - cleaned["duplicates"] <= reasons["line_too_long"] + reasons["line_unreadable"] <= unreadable
    for reason in ("event_time_unreadable", "event_time_out_of_range", "event_type_unknown", "item_id_missing"):
        assert reasons[reason] > 0
    for reason in ("user_id_too_long", "user_id_undecodable", "quantity_unreadable", "rating_unreadable"):
        assert reasons[reason] > 0


def test_good_lines_land_whatever_is_among_them(shop: Shop) -> None:
    landed = {row.event_id for row in shop.lake.read("silver.interactions").select("event_id").collect()}
    assert {line["event"] for line in shop.good if line["type"] != "search"} <= landed


def test_ids_come_through_every_job_as_they_are(shop: Shop) -> None:
    users, items = ({line[name] for line in shop.good if line["type"] == "purchase"} for name in ("user", "item"))
    lists = shop.lake.read("gold.recommendations").toPandas()
    silver = shop.lake.read("silver.interactions").where("user_id is not null").toPandas()

    assert users <= set(lists["user_id"]) <= set(silver["user_id"])
    assert items <= set(lists["item_id"]) <= set(silver["item_id"])
    assert set(shop.lake.read("gold.user_profiles").toPandas()["user_id"]) == set(silver["user_id"])


def test_titles_without_a_word_are_titles_and_empty_ones_are_none(shop: Shop) -> None:
    items = shop.lake.read("silver.items").toPandas()
    titles = {title for title in items["title"] if title is not None}

    assert {"?!", "x", "of the", "12 34", "🎁🎁", "line one line two tabbed three"} <= titles
    assert not {title for title in titles if not title.strip()}
    assert max(map(len, titles)) >= 10_000
    assert items["title"].isna().any()


def test_long_texts_are_read_by_their_beginning_and_counted(shop: Shop) -> None:
    assert shop.counts("clean")["cut_items"] > 0
    long = shop.lake.read("silver.searches").where("char_length(query) > 256 and not is_bot").count()
    assert shop.counts("understand")["cut_searches"] == long > 0
    assert shop.lake.read("silver.searches").where("char_length(normalised_query) > 256").count() == 0
    assert shop.lake.read("gold.item_profiles").where("char_length(title) > 1000").count() == 0


def test_every_list_says_why(shop: Shop) -> None:
    assert shop.lake.read("gold.recommendations").toPandas()["reason"].str.len().min() > 0


def test_a_short_history_gets_short_windows_and_is_told_so(shop: Shop) -> None:
    told = " ".join(line.strip() for line in shop.said)
    page = (Path(shop.lake.root) / "report" / "index.html").read_text(encoding="utf-8")
    why = "the history has 50 days; validation and test windows are 14 days instead of 28 (set split.holdout_days)"

    assert f"split: {why}" in told
    assert f"Split: {why}." in page
    figures = shop.lake.read("gold.evaluations").where("metric = 'ndcg@10' and segment = 'all'").toPandas()
    assert set(figures["split"]) == {"validation", "test"}
    assert figures["users"].min() > 0
    assert figures["value"].between(0, 1).all()


def test_texts_are_shown_in_the_report_and_not_run(shop: Shop) -> None:
    page = (Path(shop.lake.root) / "report" / "index.html").read_text(encoding="utf-8")
    tags: set[str] = set()
    parser = HTMLParser()
    parser.handle_starttag = lambda tag, attrs: tags.add(tag)  # type: ignore[method-assign]
    parser.feed(page)

    assert "script" not in tags
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page


def test_nothing_that_is_said_holds_signs_that_steer_a_terminal(shop: Shop) -> None:
    assert not [line for line in shop.said if any(ord(sign) < 32 and sign not in "\n\t" for sign in line)]
