"""Lookups as `ingest` takes them: whole, once, and not at all where they cannot be joined."""

from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from sparkrec.config import load_settings
from sparkrec.errors import DataError
from sparkrec.graph import JOBS
from sparkrec.lake import Lake
from sparkrec.steps.runner import Runner

TABLE = "bronze.shop__product"


class Shop:
    """A shop with a file of lines and one of products."""

    def __init__(self, spark: SparkSession, folder: Path) -> None:
        self.products, self.said = folder / "products.csv", list[str]()
        (folder / "lines.csv").write_text("user,item,at\nu,mug,2026-03-01 10:00:00\n")
        (folder / "shop.yaml").write_text(
            f"{{name: shop, landing: {folder / 'lines.csv'}, "
            f"lookups: {{product: {{landing: {self.products}, key: [item]}}}}, "
            "interactions: {user_id: user, item_id: item, event_time: at}, items: {title: product.title}}"
        )
        settings = load_settings("test", str(folder / "shop.yaml"), lake=str(folder / "lake"))
        self.runner = Runner.start(settings, spark, self.said.append)
        self.lake = Lake(spark, settings.lake)

    def ingest(self, products: str) -> list[tuple[str, str]]:
        """Land the products and run the job; gives what bronze holds of them then."""
        self.products.write_text(products)
        self.runner.run([job for job in JOBS if job.name == "ingest"])
        return self.held()

    def held(self) -> list[tuple[str, str]]:
        """Item and title of the products in bronze."""
        return sorted((row.item, row.title) for row in self.lake.read(TABLE).select("item", "title").collect())


def test_a_changed_lookup_takes_the_place_of_the_earlier_one_and_the_same_bytes_are_not_written_again(
    spark: SparkSession, tmp_path: Path
) -> None:
    shop = Shop(spark, tmp_path)

    assert shop.ingest("item,title\nmug,Red mug\ntin,Tin\n") == [("mug", "Red mug"), ("tin", "Tin")]
    version = shop.lake.version(TABLE)
    assert shop.ingest("item,title\nmug,Red mug\ntin,Tin\n") == [("mug", "Red mug"), ("tin", "Tin")]
    assert shop.lake.version(TABLE) == version
    assert shop.ingest("item,title\nmug,Blue mug\n") == [("mug", "Blue mug")]
    assert "keys" not in " ".join(shop.said)
    shop.ingest("item,title\nmug,Blue mug\nmug,Mug\n")
    assert "1 keys with rows that differ; the smallest of them counts" in " ".join(" ".join(shop.said).split())


def test_a_lookup_without_its_key_is_refused_and_the_earlier_one_stays(spark: SparkSession, tmp_path: Path) -> None:
    shop = Shop(spark, tmp_path)
    shop.ingest("item,title\nmug,Red mug\n")

    with pytest.raises(DataError, match=r"^lookup product: .*products\.csv has no item, which is its key; it has sku"):
        shop.ingest("sku,title\nmug,Red mug\n")

    assert shop.held() == [("mug", "Red mug")]
