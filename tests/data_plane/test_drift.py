"""What becomes of a delivery whose columns are not those of the deliveries before it: the README's table of drifts."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet as pq
from pyspark.sql import SparkSession

from sparkrec.cleaning.labels import labelled_lines
from sparkrec.config import load_settings
from sparkrec.errors import DataError
from sparkrec.graph import JOBS
from sparkrec.lake import Lake
from sparkrec.steps.runner import Runner

AT = "2026-03-01 10:00:00"
FORMATS = ("csv", "parquet", "jsonl")
Row = dict[str, Any]


class Shop:
    """A shop that delivers one file after the other."""

    def __init__(self, spark: SparkSession, folder: Path, format_: str, optional: str = "") -> None:
        self.folder, self.format, self.said = folder / "landing", format_, list[str]()
        self.folder.mkdir()
        (folder / "shop.yaml").write_text(
            f"{{name: shop, landing: {self.folder}, format: {format_}, optional: [{optional}], interactions: {{"
            "event_id: id, user_id: user, item_id: item, event_time: at, unit_price: price}}"
        )
        settings = load_settings("test", str(folder / "shop.yaml"), lake=str(folder / "lake"))
        self.runner = Runner.start(settings, spark, self.said.append)
        self.deliver({"id": "1", "user": "u", "item": "mug", "at": AT, "price": 1.5})
        self.said.clear()

    def deliver(self, *rows: Row) -> None:
        """Land a file of its own and ingest it."""
        file = self.folder / f"{len([*self.folder.iterdir()])}.{self.format}"
        if self.format == "parquet":
            pq.write_table(pa.Table.from_pylist(list(rows)), file)
        elif self.format == "jsonl":
            file.write_text("".join(json.dumps(row) + "\n" for row in rows))
        else:
            lines = [rows[0].keys(), *[[str(value) for value in row.values()] for row in rows]]
            file.write_text("".join(",".join(line) + "\n" for line in lines))
        self.runner.run([job for job in JOBS if job.name == "ingest"])

    @property
    def lines(self) -> dict[str, tuple[Any, ...]]:
        """Item, price and reasons of each line by id."""
        bronze = Lake(self.runner.spark, self.runner.settings.lake).read("bronze.shop")
        labelled = labelled_lines(bronze, self.runner.settings.source)
        rows = labelled.select("event_id", "item_id", "unit_price", "reasons").collect()
        return {row.event_id: (row.item_id, row.unit_price, row.reasons) for row in rows}

    @property
    def told(self) -> str:
        """All that was said, on one line."""
        return " ".join(" ".join(self.said).split())


@pytest.fixture(params=FORMATS)
def shop(request: pytest.FixtureRequest, spark: SparkSession, tmp_path: Path) -> Shop:
    return Shop(spark, tmp_path, request.param)


def test_a_further_column_is_taken_and_said(shop: Shop) -> None:
    shop.deliver({"id": "2", "user": "u", "item": "tin", "at": AT, "price": 2.0, "colour": "red"})

    assert "new files have the new columns colour" in shop.told
    assert shop.lines == {"1": ("mug", 1.5, []), "2": ("tin", 2.0, [])}


@pytest.mark.parametrize("new", [{}, {"cost": 2.0}], ids=["dropped", "renamed"])
def test_a_column_that_is_used_and_lost_is_refused_or_taken_as_missing_but_said(shop: Shop, new: Row) -> None:
    row = {"id": "2", "user": "u", "item": "tin", "at": AT} | new

    if shop.format == "jsonl":
        shop.deliver(row)
        assert "no new line has price: taken as missing" in shop.told
        assert shop.lines == {"1": ("mug", 1.5, []), "2": ("tin", None, [])}
    else:
        there = "id, user, item, at" + ", cost" * bool(new)
        with pytest.raises(DataError, match=f"it has no price, which the source file uses; it has {there}: mend"):
            shop.deliver(row)
        assert shop.lines == {"1": ("mug", 1.5, [])}


@pytest.mark.parametrize("format_", FORMATS)
def test_a_column_that_files_may_lack_is_taken_as_missing(spark: SparkSession, tmp_path: Path, format_: str) -> None:
    shop = Shop(spark, tmp_path, format_, optional="price")

    shop.deliver({"id": "2", "user": "u", "item": "tin", "at": AT})

    assert "no new line has price: taken as missing" in shop.told
    assert shop.lines == {"1": ("mug", 1.5, []), "2": ("tin", None, [])}


def test_lines_that_lose_what_an_event_needs_are_refused_one_by_one(spark: SparkSession, tmp_path: Path) -> None:
    shop = Shop(spark, tmp_path, "jsonl")

    shop.deliver({"id": "2", "user": "u", "at": AT, "price": 2.0})

    assert "no new line has item: taken as missing" in shop.told
    assert shop.lines == {"1": ("mug", 1.5, []), "2": (None, 2.0, ["item_id_missing"])}


def test_another_type_is_taken_where_it_can_be_read(shop: Shop) -> None:
    shop.deliver({"id": "2", "user": "u", "item": 7, "at": AT, "price": 2})
    shop.deliver({"id": "3", "user": "u", "item": "tin", "at": AT, "price": "two"})

    assert shop.told.count("new columns") == 0
    assert shop.lines == {
        "1": ("mug", 1.5, []),
        "2": ("7", 2.0, []),
        "3": ("tin", None, ["unit_price_unreadable"]),
    }
