"""The year of groceries, from its mapping to profiles; its figures are counted in its files by DuckDB."""

import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from sparkrec.config import load_settings
from sparkrec.lake import Lake
from sparkrec.landing.find import landing_files
from sparkrec.steps.runs import latest_runs

SOURCE = "complete_journey"
SPARKREC = str(Path(sys.executable).parent / "sparkrec")


def sparkrec(lake: str, *command: str, status: int = 0) -> str:
    """Run a command as people do: in a session as large as a run of its own has it."""
    options = ["--source", SOURCE, "--lake", lake]
    done = subprocess.run([SPARKREC, *command, *options], capture_output=True, text=True, check=False)
    assert done.returncode == status, done.stderr[-2000:]
    return done.stdout


@pytest.fixture(scope="module")
def lake(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Lake:
    folder = str(tmp_path_factory.mktemp("groceries") / "lake")
    for job in ("ingest", "clean", "profile"):
        sparkrec(folder, "job", job)
    return Lake(spark, folder)


@pytest.fixture(scope="module")
def files() -> duckdb.DuckDBPyConnection:
    """The landed files as DuckDB's tables ``line``, ``product``, ``promotion`` and ``household``."""
    source = load_settings("test", SOURCE, "unused").source
    database = duckdb.connect()
    for name, each in (("line", source), *[(name, source.of_lookup(name)) for name in source.lookups]):
        (file,) = landing_files(each)
        database.execute(f"create view {name} as from '{file.uri.removeprefix('file://')}'")
    return database


def test_every_line_is_accounted_for(lake: Lake, files: duckdb.DuckDBPyConnection) -> None:
    counts = next(run.counts for run in latest_runs(lake, ["clean"]))

    fuel, none = files.execute(
        """select count_if(fuel and quantity > 0), count_if(quantity = 0 and not fuel) from (
            select quantity, coalesce(department = 'FUEL' or product_type like 'GASOLINE%', false) fuel
            from line left join product using (product_id))"""
    ).fetchone()  # type: ignore[misc]
    assert counts["landed"] == 1_469_307
    assert (counts["refused.fuel"], counts["refused.quantity_not_positive"]) == (fuel, none)
    refused = sum(rows for name, rows in counts.items() if name.startswith("refused."))
    assert counts["refused"] == refused
    assert counts["kept"] == 1_469_307 - refused


def test_households_have_their_demographics_and_their_response_to_promotions(
    lake: Lake, files: duckdb.DuckDBPyConnection
) -> None:
    profiles = lake.read("gold.user_profiles")

    known = profiles.where(F.size("attributes") > 0)
    in_files = files.execute("select household_id, age, income, kids_count from household").fetchall()
    found = known.selectExpr("user_id", "attributes.age", "attributes.income", "attributes.kids_count").collect()
    households = {str(row[0]): row[1:] for row in in_files}
    assert len(found) == 801
    assert {row.user_id: tuple(row)[1:] for row in found} == households

    # Money passes over what is far out of the quartiles of its day, as the contract of the interactions says.
    expected = files.execute(
        """with promoted as (select distinct product_id, store_id, week from promotion
            where mailer_location != '0' or display_location != '0'),
        bought as (select line.*, transaction_timestamp::date as day, sales_value / quantity as unit_price,
                retail_disc + coupon_disc + coupon_match_disc as discount
            from line left join product using (product_id)
            where quantity > 0 and not coalesce(department = 'FUEL' or product_type like 'GASOLINE%', false)),
        fences as (select day,
                quantile_cont(ln(quantity), [0.25, 0.75]) as piece,
                quantile_cont(ln(unit_price), [0.25, 0.75]) filter (unit_price > 0) as price
            from bought group by day),
        judged as (select bought.*,
                abs(ln(quantity) - (piece[1] + piece[2]) / 2)
                    <= 3 * greatest(piece[2] - piece[1], ln(2)) + (piece[2] - piece[1]) / 2
                and (unit_price <= 0 or abs(ln(unit_price) - (price[1] + price[2]) / 2)
                    <= 6 * greatest(price[2] - price[1], ln(2)) + (price[2] - price[1]) / 2) as usual
            from bought join fences using (day))
        select household_id::varchar, avg((p.week is not null or coupon_disc > 0)::int),
            sum(discount) filter (usual) / (sum(sales_value) filter (usual) + sum(discount) filter (usual))
        from judged left join promoted p using (product_id, store_id, week)
        group by 1"""
    ).fetchall()
    shares = {row.user_id: row for row in profiles.select("user_id", "promoted_share", "discount_share").collect()}
    assert len(shares) == len(expected) > 2_400
    for household, promoted, saved in expected:
        assert shares[household].promoted_share == pytest.approx(promoted, abs=1e-9)
        # Unit prices are rounded to a hundredth of a cent.
        assert shares[household].discount_share == pytest.approx(saved, abs=1e-3)


def test_a_forgotten_household_is_gone_from_the_lookup_too(lake: Lake) -> None:
    # The package's files hold the household as before.
    told = sparkrec(lake.root, "forget", "--user", "1001", status=3)

    lookup = f"bronze.{SOURCE}__household"
    assert f"{lookup}: 1 rows removed" in told
    assert "gold.user_profiles: 1 rows removed" in told
    assert lake.read(lookup).where("household_id = '1001'").isEmpty()
    assert lake.read(f"bronze.{SOURCE}").where("household_id = '1001'").isEmpty()
