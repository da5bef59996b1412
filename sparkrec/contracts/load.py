"""Read the schema files."""

from functools import cache
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from sparkrec.config.paths import roots
from sparkrec.contracts.contract import Contract
from sparkrec.errors import ConfigurationError

LAYERS = ("bronze", "silver", "features", "gold")
"""Layers that queries may see, in the order of the data's way; tables of a layer follow by name."""
_LANDING = "bronze.landing"

OF_A_FOLD: dict[tuple[str, ...], str] = {("fold", "item_index"): "item", ("fold", "user_index"): "user"}
"""Primary keys of tables whose features a tag may ask for (`tables_tagged`), with what a row is about."""


def load_contract(table: str) -> Contract:
    """The contract of a table by its name as ``layer.table``.

    Every ``bronze`` table has the contract of ``schemas/bronze/landing.yaml`` under its own name.

    Raises:
        ConfigurationError: There is no schema file for the table, or it is wrong: the message names file and key.
    """
    is_bronze = table.startswith("bronze.")
    file = _files().get(_LANDING if is_bronze else table)
    if file is None:
        raise ConfigurationError(f"no contract for table {table}; one of: bronze.<source>, {', '.join(_files())}")
    contract = _read(file)
    if is_bronze:
        return _validated({**contract.model_dump(), "table": table}, where=f"table {table}")
    return _with_tagged(contract)


def has_contract(table: str) -> bool:
    """Whether there is a schema file for the table."""
    return table.startswith("bronze.") or table in _files()


def all_contracts() -> list[Contract]:
    """The contracts of all schema files, by layer and name.

    Raises:
        ConfigurationError: A schema file is wrong: the message names file and key.
    """
    return [_with_tagged(_read(file)) for file in _files().values()]


def tables_tagged(tag: str) -> list[Contract]:
    """The tables about an item or a user at a fold that have features with this tag.

    Raises:
        ConfigurationError: A table with such a feature is about something else: the message names the file.
    """
    found = []
    for contract in map(_read, _files().values()):
        if contract.columns_tagged == tag or not contract.tagged(tag):
            continue
        if contract.primary_key not in OF_A_FOLD:
            keys = " or ".join(f"[{', '.join(key)}]" for key in OF_A_FOLD)
            raise ConfigurationError(
                f"schemas/{contract.layer}/{contract.name}.yaml: features tagged {tag} need a primary_key of {keys}"
            )
        found.append(contract)
    return found


def _with_tagged(contract: Contract) -> Contract:
    """The contract with the columns that its ``columns_tagged`` asks for; the tables that own them register them."""
    if contract.columns_tagged is None:
        return contract
    columns = dict(contract.columns)
    for table in tables_tagged(contract.columns_tagged):
        for name, column in table.tagged(contract.columns_tagged).items():
            if name in columns:
                raise ConfigurationError(
                    f"schemas/{table.layer}/{table.name}.yaml: {contract.table} has another column {name}: rename it"
                )
            columns[name] = column.model_copy(update={"feature": None, "nullable": True})
    return contract.model_copy(update={"columns": columns})


def _files() -> dict[str, Path]:
    """The schema file of each table; of two with one name that of one's own project."""
    found: dict[str, Path] = {}
    for layer in ("private", *LAYERS):
        of_layer = {file.stem: file for root in reversed(roots()) for file in (root / "schemas" / layer).glob("*.yaml")}
        found |= {f"{layer}.{name}": of_layer[name] for name in sorted(of_layer)}
    return found


@cache
def _read(file: Path) -> Contract:
    where = f"schemas/{file.parent.name}/{file.name}"
    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f" at line {mark.line + 1}" if mark else ""
        raise ConfigurationError(f"{where}: not valid YAML{line}: {getattr(error, 'problem', error)}") from None
    contract = _validated(content, where)
    expected = f"{file.parent.name}.{file.stem}"
    if contract.table != expected:
        raise ConfigurationError(f"{where}: table: is {contract.table}, but the file is that of {expected}")
    return contract


def _validated(content: Any, where: str) -> Contract:
    try:
        return Contract.model_validate(content)
    except ValidationError as error:
        problems = [
            f"  {'.'.join(str(part) for part in problem['loc']) or 'contract'}: "
            + ("no such key" if problem["type"] == "extra_forbidden" else problem["msg"].removeprefix("Value error, "))
            for problem in error.errors()
        ]
        raise ConfigurationError("\n".join([f"{where} is not a contract:", *problems])) from None
