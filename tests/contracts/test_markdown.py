from sparkrec.config import shipped_root
from sparkrec.contracts import Contract, load_contract
from sparkrec.contracts.markdown import render, render_all

BASKETS = Contract.model_validate(
    {
        "table": "silver.baskets",
        "description": "Baskets.",
        "grain": "one basket",
        "people": {"forget": "nothing", "why": "Baskets of nobody."},
        "primary_key": ["basket_id"],
        "columns": {
            "basket_id": {"type": "string", "nullable": False, "description": "The basket."},
            "pieces": {"type": "int", "description": "Pieces, 0|1.", "unit": "pieces", "tags": ["numeric", "pii"]},
        },
        "rules": [{"name": "empty", "condition": "pieces > 0", "on_failure": "warn", "description": "Has pieces."}],
        "checks": [
            {"kind": "unique", "columns": ["basket_id"], "on_failure": "fail"},
            {"kind": "row_count", "min": 1, "max": 2000, "on_failure": "warn"},
        ],
    }
)


def test_a_contract_is_tables_of_columns_rules_and_checks() -> None:
    assert render(BASKETS) == (
        """\
## silver.baskets

Baskets.

One row is one basket. Primary key: `basket_id`.

*Forgetting:* nothing. Baskets of nobody.

| column | type | required | meaning | unit | tags |
| --- | --- | --- | --- | --- | --- |
| `basket_id` | `string` | yes | The basket. |  |  |
| `pieces` | `int` |  | Pieces, 0\\|1. | pieces | numeric, pii |

| row rule | every row meets | on failure | why |
| --- | --- | --- | --- |
| `empty` | `pieces > 0` | warn | Has pieces. |

| table check | on failure |
| --- | --- |
| `unique(basket_id)` | fail |
| `row_count` at least 1 and at most 2,000 | warn |
"""
    )


def test_features_have_a_version_and_a_leakage_class() -> None:
    told = BASKETS.model_dump(exclude_none=True)
    told["columns"]["pieces"]["feature"] = {"version": 2, "leakage": "as_of"}

    page = render(Contract.model_validate(told))

    assert "| column | type | required | meaning | unit | tags | feature |\n" in page
    assert "| `basket_id` | `string` | yes | The basket. |  |  |  |\n" in page
    assert "| `pieces` | `int` |  | Pieces, 0\\|1. | pieces | numeric, pii | v2, as_of |\n" in page


def test_an_open_table_says_so_and_absent_rules_make_no_table() -> None:
    page = render(load_contract("bronze.any_shop"))

    assert page.startswith("## bronze.any_shop\n")
    assert "Further columns, those of the source, come first." in page
    assert "row rule" not in page


def test_the_page_of_all_tables_is_up_to_date() -> None:
    page = shipped_root() / "docs" / "tables.md"

    assert page.read_text(encoding="utf-8") == render_all(), "run: python -m sparkrec.contracts.markdown"
