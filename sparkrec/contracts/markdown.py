"""Contracts as Markdown; ``python -m sparkrec.contracts.markdown`` writes ``docs/tables.md``."""

from collections.abc import Iterable, Sequence

from sparkrec.config import shipped_root
from sparkrec.contracts.contract import (
    IDS_OF_PEOPLE,
    Column,
    Contract,
    ForgetLines,
    ForgetNothing,
    ForgetRows,
    ForgetTexts,
    ForgetValue,
    RowCountCheck,
)
from sparkrec.contracts.load import all_contracts

_HEAD = """\
# Tables

Written from `schemas/` by `python -m sparkrec.contracts.markdown`: change the schema files, not this page.

On failure of a rule, `quarantine` refuses the row and keeps it with its reasons in `silver.quarantine`, `fail`
stops the job and the table keeps its last good version, `warn` only reports.

A column that models may take is a feature, with its version and what of the future it may hold. `static`: nothing, no
event changes it. `as_of`: all that was known at the end of the row's as-of day or fold, so that it serves to predict
later events only. `before_event`: what was known before the row's own event. `label`: what is to be predicted.

*Forgetting* says what `sparkrec forget` does to the table: it works off the schema files, and knows no table by name
([ADR 18](adr/0018-what-is-of-people.md)).
"""


def render(contract: Contract) -> str:
    """The contract as a section of Markdown."""
    about = [f"One row is {contract.grain}."]
    if contract.primary_key:
        about.append(f"Primary key: {_code(contract.primary_key)}.")
    if contract.interval:
        how = "Partitioned and replaced" if contract.partitioned else "Replaced"
        about.append(f"{how} by days of {_code([contract.interval])}.")
    if contract.clustered_by:
        about.append(f"Maintenance clusters it by {_code(contract.clustered_by)}.")
    if contract.open:
        about.append("Further columns, those of the source, come first.")
    has_features = any(column.feature for column in contract.columns.values())
    columns = [_column(name, column, has_features) for name, column in contract.columns.items()]
    head = ["column", "type", "required", "meaning", "unit", "tags", *(["feature"] if has_features else [])]
    sections = [
        f"## {contract.table}",
        contract.description,
        " ".join(about),
        f"*Forgetting:* {_forgetting(contract)}",
        _table(head, columns),
    ]
    if contract.rules:
        rules = [
            (f"`{rule.name}`", f"`{rule.condition}`", rule.on_failure, rule.description) for rule in contract.rules
        ]
        sections.append(_table(("row rule", "every row meets", "on failure", "why"), rules))
    if contract.outliers:
        far_out = [
            (f"`{rule.name}`", f"`{rule.column}`", f"{rule.spreads:g}", rule.description) for rule in contract.outliers
        ]
        sections.append(_table(("outlier", "column", "spreads beyond the quartiles", "why"), far_out))
    checks = [
        (f"`{check.name}`" + (f" {_band(check)}" if isinstance(check, RowCountCheck) else ""), check.on_failure)
        for check in contract.checks
    ]
    checks += [(f"`{gate.name}`", gate.on_failure) for gate in contract.gates]
    if checks:
        sections.append(_table(("table check", "on failure"), checks))
    return "\n\n".join(sections) + "\n"


def render_all() -> str:
    """All contracts as one page."""
    contracts = all_contracts()
    index = "".join(
        f"- [{contract.table}](#{contract.table.replace('.', '')}): {contract.grain}\n" for contract in contracts
    )
    return "\n".join([_HEAD, index, *map(render, contracts)])


def _forgetting(contract: Contract) -> str:
    ids = _code(contract.of_person(*IDS_OF_PEOPLE))
    match contract.people:
        case ForgetRows():
            return f"rows of a person go, found by {ids}."
        case ForgetLines():
            return "lines of a person go, as the source file says whom they name."
        case ForgetTexts() as people:
            texts = [f"`{name}` stands no more in {_code(where)}" for name, where in people.texts.items()]
            words = [f"a word of `{name}` stands no more in {_code(where)}" for name, where in people.words.items()]
            return f"rows go where {', or '.join((*texts, *words))}."
        case ForgetValue() as people:
            replaced = f"{ids} of a person gives way to a text that tells nothing; `{people.index}` stays"
            return f"where `{people.where}`, {replaced}."
        case ForgetNothing() as people:
            return f"nothing. {people.why}"


def _column(name: str, column: Column, has_features: bool) -> list[str]:
    required, tags = "" if column.nullable else "yes", ", ".join(column.tags)
    cells = [f"`{name}`", f"`{column.type}`", required, column.description, column.unit or "", tags]
    if has_features:
        cells.append(f"v{column.feature.version}, {column.feature.leakage}" if column.feature else "")
    return cells


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *([cell.replace("|", "\\|") for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _band(check: RowCountCheck) -> str:
    least = f"at least {check.min:,}" if check.min is not None else ""
    most = f"at most {check.max:,}" if check.max is not None else ""
    return " and ".join(filter(None, (least, most)))


def _code(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


if __name__ == "__main__":
    (shipped_root() / "docs" / "tables.md").write_text(render_all(), encoding="utf-8")
