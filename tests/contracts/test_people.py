"""Every table says what of people it holds and how they are forgotten there."""

from collections.abc import Iterator
from graphlib import TopologicalSorter

import pytest

from sparkrec.contracts import Contract, load_contract
from sparkrec.contracts.contract import IDS_OF_PEOPLE, ForgetLines, ForgetNothing, ForgetRows, ForgetTexts, column_of
from sparkrec.contracts.load import all_contracts
from sparkrec.graph import JOBS

CONTRACTS = {contract.table: contract for contract in all_contracts()}
# Shards, models and report are no tables: they are removed whole.
TABLES = sorted({table for job in JOBS for table in job.writes if "/" not in table})
NAMES = {"landed_user_id", "account_id", "visitor_id", "user_id", "user_index", "query", "normalised_query"}


def by_person() -> Iterator[tuple[Contract, str]]:
    """Columns that by their tags or their name hold something of a person."""
    for contract in CONTRACTS.values():
        for name, column in contract.columns.items():
            if name in NAMES or {"user", "pii"} & {*column.tags}:
                yield contract, name


def test_what_is_tagged_or_named_as_of_a_person_says_what_of_a_person_it_holds() -> None:
    silent = {f"{contract.table}.{name}" for contract, name in by_person() if contract.columns[name].person is None} - {
        "private.forgotten.salt",
        "private.forgotten.mark",
    }
    assert silent == set()


@pytest.mark.parametrize("table", TABLES)
def test_what_a_job_writes_says_how_people_are_forgotten_in_it(table: str) -> None:
    assert load_contract(table.format(source="shop")).people


def test_texts_are_held_against_columns_that_people_go_from_before() -> None:
    order: dict[str, set[str]] = {}
    for contract in CONTRACTS.values():
        if isinstance(contract.people, ForgetTexts):
            for name in [one for where in (contract.people.texts, contract.people.words) for one in where.values()]:
                for table, column in map(column_of, name):
                    assert CONTRACTS[table].columns[column].type == "string", (contract.table, table, column)
            order[contract.table] = {*contract.people.tables}
    # A cycle would raise. Each way ends at what people typed, which goes by their ids, or at what the shop says.
    roots = {table for table in TopologicalSorter(order).static_order() if table not in order}
    assert {type(CONTRACTS[table].people) for table in roots} <= {ForgetRows, ForgetNothing}
    assert "silver.searches" in roots


def test_features_of_people_are_told_by_no_value() -> None:
    # gold.feature_statistics holds the most frequent values of the others; of what a map holds it counts how many.
    for contract in CONTRACTS.values():
        for name in contract.of_person():
            column = contract.columns[name]
            if column.feature:
                assert {"identifier", "pii"} & {*column.tags} or column.type.startswith("map"), (contract.table, name)


def test_landed_lines_are_of_people_whatever_their_source_calls_its_columns() -> None:
    assert isinstance(load_contract("bronze.any_shop").people, ForgetLines)
    assert load_contract("silver.quarantine").of_person(*IDS_OF_PEOPLE) == {"row_id": "line"}
