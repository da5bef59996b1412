from typing import Any

import pytest
from pydantic import ValidationError

from sparkrec.contracts.contract import Contract

BASKETS: dict[str, Any] = {
    "table": "silver.baskets",
    "description": "Baskets.",
    "grain": "one basket",
    "people": {"forget": "nothing", "why": "Baskets of nobody."},
    "primary_key": ["basket_id"],
    "columns": {
        "basket_id": {"type": "string", "nullable": False, "description": "The basket."},
        "pieces": {"type": "int", "description": "Pieces.", "unit": "pieces", "tags": ["numeric"]},
    },
    "rules": [{"name": "empty", "condition": "pieces > 0", "on_failure": "quarantine", "description": "Not empty."}],
    "checks": [
        {"kind": "unique", "columns": ["basket_id"], "on_failure": "fail"},
        {"kind": "row_count", "min": 1, "max": 9, "on_failure": "warn"},
        {"kind": "references", "columns": ["basket_id"], "table": "silver.sessions", "on_failure": "fail"},
    ],
}


def test_a_table_has_a_layer_and_a_name() -> None:
    contract = Contract.model_validate(BASKETS)

    assert (contract.layer, contract.name) == ("silver", "baskets")


def test_checks_are_told_apart_by_kind_and_named_by_what_they_check() -> None:
    contract = Contract.model_validate(BASKETS)

    assert [(type(check).__name__, check.name) for check in contract.checks] == [
        ("UniqueCheck", "unique(basket_id)"),
        ("RowCountCheck", "row_count"),
        ("ReferencesCheck", "references(basket_id in silver.sessions)"),
    ]


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"primary_key": ["basket"]}, "primary_key names no column of the table: basket"),
        (
            {"checks": [{"kind": "unique", "columns": ["basket_id", "day"], "on_failure": "fail"}]},
            r"unique\(basket_id, day\) names no column of the table: day",
        ),
        ({"rules": BASKETS["rules"] * 2}, "more than one rule or check is named empty"),
        ({"checks": [{"kind": "row_count", "on_failure": "fail"}]}, "give min, max or both"),
        ({"checks": [{"kind": "row_count", "min": 2, "max": 1, "on_failure": "fail"}]}, "min 2 is more than max 1"),
        ({"checks": [{"kind": "row_count", "min": 1, "on_failure": "quarantine"}]}, "'fail' or 'warn'"),
        ({"checks": [{"kind": "fresh", "on_failure": "fail"}]}, "'unique', 'row_count', 'references'"),
        ({"table": "baskets"}, "should match pattern"),
        ({"columns": {}}, "at least 1 item"),
        ({"partitioning": ["day"]}, "Extra inputs are not permitted"),
        ({"people": {"forget": "rows"}}, "people: no column names a person: give one `person`, of landed_id, account"),
        ({"people": {"forget": "lines"}}, "people: only tables of landed lines forget by lines"),
        (
            {"people": {"forget": "value", "where": "true", "index": "pieces"}},
            "people: one column is to have the ids of people",
        ),
        ({"people": {"forget": "texts", "texts": {"pieces": ["silver.items.title"]}}}, "to name just the columns"),
        ({"people": {"forget": "nothing"}}, "Field required"),
        ({"columns": {"basket_id": {**BASKETS["columns"]["basket_id"], "person": "text"}}}, "is too little to forget"),
    ],
)
def test_what_does_not_fit_together_is_refused(change: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ValidationError, match=complaint):
        Contract.model_validate({**BASKETS, **change})


def test_a_contract_cannot_be_changed() -> None:
    contract = Contract.model_validate(BASKETS)

    with pytest.raises(ValidationError, match="frozen"):
        contract.grain = "one line"  # type: ignore[misc]
