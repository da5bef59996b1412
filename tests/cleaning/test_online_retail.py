"""The real data through the first two jobs: the facts that are known of it, and running them again."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from sparkrec.config import load_settings
from sparkrec.graph import JOBS
from sparkrec.lake import Lake
from sparkrec.lake.fingerprint import fingerprint
from sparkrec.steps.runner import Runner
from sparkrec.steps.runs import RUNS

pytestmark = pytest.mark.slow

FIRST_JOBS = [job for job in JOBS if job.name in ("ingest", "clean")]
TABLES = ("bronze.online_retail", "silver.interactions", "silver.items", "silver.quarantine")


@dataclass(frozen=True)
class Landed:
    """A lake with the real data cleaned, and what the jobs wrote down of it."""

    lake: Lake
    runner: Runner

    def counts(self, job: str) -> dict[str, int]:
        """What the latest run of the job counted."""
        runs = self.lake.read(RUNS).where(F.col("job") == job)
        newest = runs.agg(F.max_by("counts", "started_at").alias("counts")).first()
        assert newest
        return dict(newest.counts)

    def contents(self) -> dict[str, int]:
        """What each table holds, whatever the order of the rows."""
        return {table: fingerprint(self.lake.read(table)) for table in TABLES}


@pytest.fixture(scope="module")
def landed(spark: SparkSession, compiled: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Landed]:
    settings = load_settings("test", "online_retail", lake=str(tmp_path_factory.mktemp("online_retail")))
    runner = Runner.start(settings, spark, lambda line: None)
    runner.run(FIRST_JOBS)
    yield Landed(runner.lake, runner)
    spark.catalog.clearCache()


def test_all_lines_land_with_the_facts_that_are_known_of_them(landed: Landed) -> None:
    invoice, code = F.col("InvoiceNo"), F.col("StockCode")
    facts = {
        "lines": F.count(F.lit(1)),
        "files": F.count_distinct("_source_file"),
        "batches": F.count_distinct("_batch_id"),
        "unreadable lines": F.count("_corrupt_record"),
        "invoices": F.count_distinct(invoice),
        "stock codes": F.count_distinct(code),
        "stock codes after folding case": F.count_distinct(F.upper(F.trim(code))),
        "customers": F.count_distinct("CustomerID"),
        "countries": F.count_distinct("Country"),
        "without a customer": F.count_if(F.col("CustomerID").isNull()),
        "without a description": F.count_if(F.col("Description").isNull()),
        "negative quantity": F.count_if(F.col("Quantity").cast("int") < 0),
        "cancelling": F.count_if(invoice.startswith("C")),
        "A invoices": F.count_if(invoice.startswith("A")),
        "negative prices": F.count_if(F.col("UnitPrice").cast("double") < 0),
        "zero prices": F.count_if(F.col("UnitPrice").cast("double") == 0),
        "no product": F.count_if(~F.upper(F.trim(code)).rlike("^[0-9]{5}")),
    }

    found = (
        landed.lake.read("bronze.online_retail").agg(*[column.alias(name) for name, column in facts.items()]).first()
    )

    assert found
    assert found.asDict() == {
        "lines": 541_909,
        "files": 13,
        "batches": 13,
        "unreadable lines": 0,
        "invoices": 25_900,
        "stock codes": 4_070,
        "stock codes after folding case": 3_958,
        "customers": 4_372,
        "countries": 38,
        "without a customer": 135_080,
        "without a description": 1_454,
        "negative quantity": 10_624,
        "cancelling": 9_288,
        "A invoices": 3,
        "negative prices": 2,
        "zero prices": 2_515,
        "no product": 2_995,
    }


def test_every_landed_line_is_kept_or_a_duplicate_or_refused_with_its_reasons(landed: Landed) -> None:
    counts = landed.counts("clean")
    refused = {name.removeprefix("refused."): rows for name, rows in counts.items() if name.startswith("refused.")}

    assert counts["landed"] == 541_909
    assert counts["duplicates"] == 5_268
    assert counts["kept"] + counts["duplicates"] + counts["refused"] == counts["landed"]
    assert sum(refused.values()) == counts["refused"]
    assert landed.lake.read("silver.interactions").count() == counts["kept"]
    assert landed.lake.read("silver.quarantine").count() == counts["refused"]


def test_the_quarantine_shows_no_customer(landed: Landed) -> None:
    quarantine = landed.lake.read("silver.quarantine")

    assert quarantine.where("row like '%CustomerID%' or row not like '%InvoiceNo%'").count() == 0


def test_returns_and_purchases_are_counted_upwards_and_items_have_one_current_version(landed: Landed) -> None:
    interactions, items = landed.lake.read("silver.interactions"), landed.lake.read("silver.items")

    by_type = {
        row.event_type: row.least
        for row in interactions.groupBy("event_type").agg(F.min("quantity").alias("least")).collect()
    }
    assert by_type == {"purchase": 1, "return": 1}
    assert interactions.where("user_id like '%.%' or item_id != upper(trim(item_id))").count() == 0
    current = items.where("valid_to is null")
    assert (
        current.count()
        == current.select("item_id").distinct().count()
        == interactions.select("item_id").distinct().count()
    )
    assert items.where("title != trim(title) or title like '%  %' or title = ''").count() == 0


def test_running_both_jobs_again_changes_nothing(landed: Landed) -> None:
    before, counted = landed.contents(), landed.counts("clean")

    landed.runner.run(FIRST_JOBS)

    assert landed.counts("ingest") == {"files": 13, "new_files": 0, "new_lines": 0}
    assert landed.counts("clean") == counted | {"new_lines": 0}
    assert landed.contents() == before
    assert {table: landed.lake.version(table) for table in TABLES} == dict.fromkeys(TABLES, 0)
