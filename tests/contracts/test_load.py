import subprocess
import sys
from pathlib import Path

import pytest

from sparkrec.contracts import all_contracts, load_contract
from sparkrec.errors import ConfigurationError
from sparkrec.graph import JOBS

GOOD = """\
table: silver.baskets
description: Baskets.
grain: one basket
people: {forget: nothing, why: Baskets of nobody.}
columns:
  basket_id: {type: string, nullable: false, description: The basket.}
"""


@pytest.fixture
def schemas(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An own ``schemas`` folder in the place of the project's."""
    monkeypatch.setattr("sparkrec.config.paths.shipped_root", lambda: tmp_path)
    (tmp_path / "schemas" / "silver").mkdir(parents=True)
    return tmp_path / "schemas"


def test_every_table_that_a_job_writes_has_a_contract() -> None:
    tables = [name.format(source="any_shop") for job in JOBS for name in job.writes if "/" not in name]

    assert [load_contract(table).table for table in tables] == tables


def test_contracts_come_by_layer_and_name() -> None:
    tables = [contract.table for contract in all_contracts()]

    assert tables[:4] == ["private.forgotten", "private.forgotten_batches", "private.identities", "bronze.landing"]
    assert tables == sorted(tables, key=lambda table: ("pbsfg".index(table[0]), table))


def test_referenced_tables_have_the_columns_that_refer_to_them() -> None:
    for contract in all_contracts():
        for check in contract.checks:
            if check.kind == "references":
                assert set(check.columns) <= set(load_contract(check.table).columns)


def test_every_bronze_table_has_the_landing_contract_under_its_own_name() -> None:
    landing, shop = load_contract("bronze.landing"), load_contract("bronze.any_shop")

    assert shop.table == "bronze.any_shop"
    assert shop.open
    assert shop.model_dump(exclude={"table"}) == landing.model_dump(exclude={"table"})


def test_a_file_is_read_once() -> None:
    assert load_contract("silver.items") is load_contract("silver.items")


def test_an_unknown_table_is_answered_with_the_known_ones() -> None:
    with pytest.raises(ConfigurationError, match=r"no contract for table silver\.item; one of: .*silver\.items"):
        load_contract("silver.item")


def test_a_bronze_name_that_is_no_table_name_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"table bronze\.\.\./x is not a contract:\n  table: "):
        load_contract("bronze.../x")


def test_contracts_are_read_from_the_projects_folder(schemas: Path) -> None:
    (schemas / "silver" / "baskets.yaml").write_text(GOOD)

    assert [contract.table for contract in all_contracts()] == ["silver.baskets"]


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (GOOD.replace("grain: one basket", "grains: one basket"), "  grain: Field required\n  grains: no such key"),
        (GOOD.replace("type: string, ", ""), "  columns.basket_id.type: Field required"),
        (GOOD + "primary_key: [basket]\n", "  contract: primary_key names no column of the table: basket"),
        (
            GOOD.replace("silver.baskets", "silver.basket"),
            ": table: is silver.basket, but the file is that of silver.bas",
        ),
        (GOOD.replace("one basket", "one: basket"), ": not valid YAML at line 3: "),
        ("", "  contract: Input should be"),
    ],
)
def test_a_wrong_file_is_named_with_its_key(schemas: Path, content: str, complaint: str) -> None:
    (schemas / "silver" / "baskets.yaml").write_text(content)

    with pytest.raises(ConfigurationError) as error:
        load_contract("silver.baskets")

    assert str(error.value).startswith("schemas/silver/baskets.yaml")
    assert complaint in str(error.value)


def test_importing_contracts_loads_no_engine() -> None:
    engines = ("pyspark", "great_expectations", "pandas")
    program = f"import sys, sparkrec.contracts; print([name for name in {engines} if name in sys.modules])"

    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert run.stdout.strip() == "[]"
