"""All jobs on a small young shop in which every text is odd."""

from collections.abc import Iterator
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
import yaml
from hostile_shop import SOURCE, write_hostile_shop
from pyspark.sql import SparkSession

from sparkrec.config import load_settings
from sparkrec.graph import JOBS, in_order
from sparkrec.lake import Lake
from sparkrec.steps.runner import Runner

pytestmark = pytest.mark.slow

DAYS, USERS = 50, 24
SMALL = ("two_tower.epochs=1", "two_tower.batch_size=64", "baselines.als_iterations=1", "ranker.trees=5")
SMALL += ("ranker.least_users=5", "ranker.windows=1", "training.ranks=1", "training.launcher=local")


@dataclass(frozen=True)
class Shop:
    """A finished run of the landed lines."""

    lake: Lake
    lines: list[dict[str, Any]]
    said: list[str]


@pytest.fixture(scope="module")
def shop(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    folder = tmp_path_factory.mktemp("hostile")
    lines = write_hostile_shop(folder, USERS, DAYS, sessions=100)
    source = folder / "source.yaml"
    source.write_text(yaml.safe_dump({**SOURCE, "landing": str(folder / "landing")}), encoding="utf-8")
    said: list[str] = []
    runner = Runner.start(load_settings("test", source, str(folder / "lake"), overrides=SMALL), spark, said.append)
    runner.run(in_order(JOBS))
    yield Shop(runner.lake, lines, said)


def test_ids_come_through_every_job_as_they_are(shop: Shop) -> None:
    users, items = ({line[name] for line in shop.lines if line["type"] == "purchase"} for name in ("user", "item"))
    lists = shop.lake.read("gold.recommendations").toPandas()

    assert set(lists["user_id"]) == users
    assert set(lists["item_id"]) == items
    assert set(shop.lake.read("gold.user_profiles").toPandas()["user_id"]) == users


def test_titles_without_a_word_are_titles_and_empty_ones_are_none(shop: Shop) -> None:
    items = shop.lake.read("silver.items").where("valid_to is null").toPandas()
    titles = {title for title in items["title"] if title is not None}

    assert {"?!", "x", "of the", "12 34", "🎁🎁", "line one line two tabbed three"} <= titles
    assert not {title for title in titles if not title.strip()}
    assert items["title"].isna().any()


def test_every_list_says_why(shop: Shop) -> None:
    assert shop.lake.read("gold.recommendations").toPandas()["reason"].str.len().min() > 0


def test_a_short_history_gets_short_windows_and_is_told_so(shop: Shop) -> None:
    told = " ".join(line.strip() for line in shop.said)
    page = (Path(shop.lake.root) / "report" / "index.html").read_text(encoding="utf-8")
    why = "the history has 50 days; validation and test windows are 14 days instead of 28 (set split.holdout_days)"

    assert f"split: {why}" in told
    assert f"Split: {why}." in page
    figures = shop.lake.read("gold.evaluations").where("metric = 'ndcg@10' and segment = 'all'").toPandas()
    assert set(figures["part"]) == {"validation", "test"}
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
