import json
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession

from sparkrec.contracts import Contract, all_contracts
from sparkrec.contracts.expectations import Failure, Quality, QualityReport, expectation_suite
from sparkrec.errors import DataError

COLUMNS = "basket_id string, user_id string, item_id string, pieces int"
BASKETS: dict[str, Any] = {
    "table": "silver.baskets",
    "description": "Baskets.",
    "grain": "one basket and item",
    "people": {"forget": "nothing", "why": "Baskets of nobody."},
    "columns": {
        "basket_id": {"type": "string", "nullable": False, "description": "The basket."},
        "user_id": {"type": "string", "description": "The user."},
        "item_id": {"type": "string", "description": "The item."},
        "pieces": {"type": "int", "description": "Pieces."},
    },
    "rules": [
        {"name": "no_pieces", "condition": "pieces > 0", "on_failure": "fail", "description": "Has pieces."},
        {"name": "bulk", "condition": "pieces < 100", "on_failure": "warn", "description": "No wholesale."},
        {"name": "odd_user", "condition": "user_id like 'u%'", "on_failure": "quarantine", "description": "By u."},
    ],
    "checks": [
        {"kind": "unique", "columns": ["basket_id", "item_id"], "on_failure": "fail"},
        {"kind": "row_count", "min": 2, "max": 7, "on_failure": "warn"},
        {"kind": "references", "columns": ["item_id"], "table": "silver.items", "on_failure": "warn"},
    ],
}
CONTRACT = Contract.model_validate(BASKETS)
GOOD = [("b1", "u1", "i1", 1), ("b1", "u1", "i2", 2), ("b2", "u2", "i1", 3)]


@pytest.fixture(scope="module")
def quality(tmp_path_factory: pytest.TempPathFactory) -> Quality:
    """Of all tests that only validate, for Great Expectations takes long to set up a folder."""
    return Quality(tmp_path_factory.mktemp("quality"))


@pytest.fixture(scope="module")
def items(spark: SparkSession) -> dict[str, DataFrame]:
    return {"silver.items": spark.createDataFrame([("i1", "Mug"), ("i2", "Jug")], "item_id string, title string")}


def _changed(**change: Any) -> Contract:
    return Contract.model_validate({**BASKETS, **change})


def test_a_table_that_keeps_its_contract_passes(
    spark: SparkSession, quality: Quality, items: dict[str, DataFrame]
) -> None:
    rows = spark.createDataFrame(GOOD, COLUMNS)

    assert quality.validate(rows, CONTRACT, items) == QualityReport("silver.baskets", passed=True, failures=())


def test_every_broken_rule_is_reported_with_its_exact_count_in_the_contracts_order(
    spark: SparkSession, quality: Quality, items: dict[str, DataFrame]
) -> None:
    rows = spark.createDataFrame(
        [
            *GOOD,
            ("b1", "u1", "i1", 4),  # the key of the first row again
            ("b3", "x3", "i9", 0),  # no u, no such item, no pieces
            ("b3", None, None, 500),  # a null user is not like u%; no item refers to nothing; many pieces
            (None, "u4", None, None),  # null pieces are neither > 0 nor < 100
            (None, "u4", None, 5),  # nulls make the same key
        ],
        COLUMNS,
    )

    assert quality.validate(rows, CONTRACT, items) == QualityReport(
        "silver.baskets",
        passed=False,
        failures=(
            Failure("not_null(basket_id)", "fail", 2, 8),
            Failure("no_pieces", "fail", 2, 8),
            Failure("bulk", "warn", 2, 8),
            Failure("odd_user", "quarantine", 2, 8),
            Failure("unique(basket_id, item_id)", "fail", 4, 8),
            Failure("row_count", "warn", 1, 8),
            Failure("references(item_id in silver.items)", "warn", 1, 8),
        ),
    )


def test_only_what_is_marked_fail_stops_a_table(
    spark: SparkSession, quality: Quality, items: dict[str, DataFrame]
) -> None:
    rows = spark.createDataFrame([("b1", "x1", "i9", 100)], COLUMNS)

    report = quality.validate(rows, CONTRACT, items)

    assert report.passed
    assert [(failure.rule, failure.unexpected) for failure in report.failures] == [
        ("bulk", 1),
        ("odd_user", 1),
        ("row_count", 1),
        ("references(item_id in silver.items)", 1),
    ]


def test_columns_must_be_those_of_the_contract_and_missing_ones_count_as_null(
    spark: SparkSession, quality: Quality, items: dict[str, DataFrame]
) -> None:
    rows = spark.createDataFrame(
        [("u1", "b1", "i1", "red")] * 2, "user_id string, basket_id string, item_id string, colour string"
    )

    report = quality.validate(rows, CONTRACT, items)

    # pieces is missing, colour is unknown, basket_id and user_id stand in each other's place
    assert report.failures[0] == Failure("columns", "fail", 4, 4)
    assert Failure("no_pieces", "fail", 2, 2) in report.failures


@pytest.mark.parametrize(
    ("declared", "found", "wrong"),
    [
        ("int", "int", 0),
        ("int", "bigint", 1),
        ("array<int>", "array<int>", 0),
        ("array<int>", "array<string>", 1),
        ("map<string,bigint>", "map<string,long>", 0),
    ],
)
def test_types_are_compared_with_what_they_hold(
    spark: SparkSession, quality: Quality, declared: str, found: str, wrong: int
) -> None:
    columns = {"values": {"type": declared, "description": "Values."}}
    rows = spark.createDataFrame([], f"values {found}")

    report = quality.validate(rows, _changed(columns=columns, rules=[], checks=[]))

    assert sum(failure.unexpected for failure in report.failures) == wrong


def test_an_open_contract_allows_further_columns(spark: SparkSession, quality: Quality) -> None:
    rows = spark.createDataFrame([(1, "b1", "u1", "i1", 1)], f"line int, {COLUMNS}")

    assert quality.validate(rows, _changed(open=True, checks=[])).passed


@pytest.mark.parametrize(
    ("band", "rows", "outside"),
    [({"min": 1}, 0, 1), ({"min": 3}, 1, 2), ({"min": 3}, 3, 0), ({"max": 3}, 5, 2), ({"max": 0}, 0, 0)],
)
def test_the_row_count_tells_how_far_it_lies_outside_its_band(
    spark: SparkSession, quality: Quality, band: dict[str, int], rows: int, outside: int
) -> None:
    check = {"kind": "row_count", **band, "on_failure": "fail"}
    table = spark.createDataFrame([("b1", "u1", "i1", 1)] * rows, COLUMNS)

    report = quality.validate(table, _changed(checks=[check]))

    assert report.failures == ((Failure("row_count", "fail", outside, rows),) if outside else ())


def test_a_referenced_table_must_be_handed_in_and_leaves_no_view(
    spark: SparkSession, quality: Quality, items: dict[str, DataFrame]
) -> None:
    rows = spark.createDataFrame(GOOD, COLUMNS)

    with pytest.raises(ValueError, match=r"silver\.baskets references silver\.items"):
        quality.validate(rows, CONTRACT)

    quality.validate(rows, CONTRACT, items)
    assert [table.name for table in spark.catalog.listTables() if "items" in table.name] == []


def test_a_condition_that_does_not_fit_the_types_is_named(spark: SparkSession, quality: Quality) -> None:
    rule = {"name": "empty", "condition": "size(user_id) > 0", "on_failure": "fail", "description": "Not empty."}
    rows = spark.createDataFrame(GOOD, COLUMNS)

    with pytest.raises(DataError, match=r"^silver\.baskets: empty cannot be evaluated: .*size\(user_id\).*"):
        quality.validate(rows, _changed(rules=[rule], checks=[]))


def test_row_rules_share_one_pass_over_the_rows(spark: SparkSession, quality: Quality) -> None:
    rows = spark.createDataFrame(GOOD, COLUMNS)

    def jobs(rules: int) -> int:
        names = [{**BASKETS["rules"][0], "name": f"rule_{number}"} for number in range(rules)]
        spark.sparkContext.setJobGroup(f"{rules} rules", "")
        quality.validate(rows, _changed(rules=names, checks=[]))
        return len(spark.sparkContext.statusTracker().getJobIdsForGroup(f"{rules} rules"))

    assert jobs(20) == jobs(1) > 0


def test_the_table_is_not_left_in_memory(spark: SparkSession, quality: Quality) -> None:
    def kept() -> set[int]:
        return set(spark.sparkContext._jsc.getPersistentRDDs())

    before = kept()

    quality.validate(spark.createDataFrame(GOOD, COLUMNS), _changed(checks=[]))

    assert kept() == before


def test_nothing_is_printed(
    spark: SparkSession, tmp_path: Path, items: dict[str, DataFrame], capfd: pytest.CaptureFixture[str]
) -> None:
    quality = Quality(tmp_path)
    quality.validate(spark.createDataFrame(GOOD, COLUMNS), CONTRACT, items)
    quality.build_data_docs()

    assert capfd.readouterr() == ("", "")


def test_results_of_several_runs_and_tables_make_one_site(
    spark: SparkSession, tmp_path: Path, items: dict[str, DataFrame]
) -> None:
    rows = spark.createDataFrame(GOOD, COLUMNS)
    returns = _changed(table="silver.returns")

    for contract in (CONTRACT, returns, CONTRACT):
        Quality(tmp_path).validate(rows, contract, items)
    index = Quality(tmp_path).build_data_docs()

    assert index == tmp_path.resolve() / "data_docs" / "index.html"
    pages = sorted(str(page.relative_to(index.parent)) for page in index.parent.rglob("*.html"))
    validations = [page for page in pages if page.startswith("validations/")]
    assert [page.split("/")[2] for page in validations] == ["baskets", "baskets", "returns"]
    assert [page for page in pages if page.startswith("expectations/")] == [
        "expectations/silver/baskets.html",
        "expectations/silver/returns.html",
    ]
    assert all(page in index.read_text() for page in validations)
    assert (tmp_path / "gx" / "great_expectations.yml").read_text().count("type: spark") == 1


def test_two_folders_do_not_mix(spark: SparkSession, tmp_path: Path) -> None:
    rows = spark.createDataFrame(GOOD, COLUMNS)
    here, there = Quality(tmp_path / "here"), Quality(tmp_path / "there")

    here.validate(rows, _changed(checks=[]))

    assert list((tmp_path / "here").rglob("lake-silver.baskets.json"))
    assert not list((tmp_path / "there").rglob("*baskets*"))
    assert there.validate(rows, _changed(checks=[])).passed


def test_results_hold_counts_but_no_values(spark: SparkSession, tmp_path: Path, items: dict[str, DataFrame]) -> None:
    secret = "jane.doe@example.org"
    rows = spark.createDataFrame([(secret, secret, secret, None)] * 9, COLUMNS)
    quality = Quality(tmp_path)

    assert len(quality.validate(rows, CONTRACT, items).failures) == 6
    quality.build_data_docs()

    kept = [file for file in tmp_path.rglob("*") if file.suffix in {".json", ".html", ".yml"}]
    assert len(kept) > 5
    assert not [file for file in kept if secret in file.read_text()]
    (result,) = tmp_path.rglob("lake-silver.baskets.json")
    lists = [key for found in json.loads(result.read_text())["results"] for key in found["result"] if "list" in key]
    assert lists == []


def test_opening_the_pages_tells_great_expectations_nothing(spark: SparkSession, tmp_path: Path) -> None:
    quality = Quality(tmp_path)
    quality.validate(spark.createDataFrame(GOOD, COLUMNS), _changed(checks=[]))
    index = quality.build_data_docs()

    pages = [page.read_text() for page in index.parent.rglob("*.html")]

    assert len(pages) == 3
    assert not [page for page in pages if "dataContextId" in page]


@pytest.mark.parametrize("contract", all_contracts(), ids=lambda contract: contract.table)
def test_every_contract_becomes_a_suite_with_the_contracts_own_severity(contract: Contract) -> None:
    suite = expectation_suite(contract)

    stated = {rule.name: rule.on_failure for rule in contract.rules} | {
        check.name: check.on_failure for check in contract.checks
    }
    required = [f"not_null({name})" for name, column in contract.columns.items() if not column.nullable]
    labels = [(expectation.meta or {}, expectation.severity) for expectation in suite.expectations]
    assert [meta["rule"] for meta, _ in labels] == ["columns", *required, *stated]
    for meta, severity in labels:
        on_failure = stated.get(meta["rule"], "fail")
        assert meta["on_failure"] == on_failure
        assert severity == ("critical" if on_failure == "fail" else "warning")
