"""What a query may see of a lake."""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import cached_property

from sparkrec.contracts.load import LAYERS, has_contract, load_contract
from sparkrec.errors import ConfigurationError, DataError
from sparkrec.layout import table_names, table_path
from sparkrec.snapshot import Snapshot, snapshot

_SHOWN_LAYERS = ("silver", "features", "gold")
_PERSONAL_TABLES = ("silver.quarantine",)
_FLAG = "--personal"


@dataclass(frozen=True)
class Table:
    """A table of the lake at its newest version.

    Attributes:
        name: As ``layer.table``.
        path: Where it lies.
        columns: Those that a query may see.
        hidden: The others, which hold personal data.
    """

    name: str
    path: str
    columns: tuple[str, ...]
    hidden: tuple[str, ...]
    rows: Snapshot


class Tables:
    """The tables of a lake that a query may name.

    Args:
        root: Folder or URI of the lake.
        personal: Whether it may see personal data, too: the layers ``bronze`` and ``private``, ``silver.quarantine``,
            the columns that contracts tag ``pii``, and those that no contract describes.

    Raises:
        DataError: The lake holds no tables.
    """

    def __init__(self, root: str, personal: bool) -> None:
        self.root = root.rstrip("/")
        self.personal = personal
        self._all = table_names(self.root, ("private", *LAYERS))
        if not self._all:
            raise DataError(f"{root} holds no tables: run `sparkrec run` first, or mend --lake")

    @cached_property
    def names(self) -> list[str]:
        """Names of those that may be seen, in the order of the data's way."""
        return [name for name in self._all if self.personal or not _is_personal(name)]

    def find(self, name: str) -> Table:
        """A table by its name, in letters of either case.

        Raises:
            ConfigurationError: There is none of this name, or it is personal.
        """
        found = [each for each in self._all if each.casefold() == name.casefold()]
        if not found:
            raise ConfigurationError(f"there is no table {name}; tables: {', '.join(self.names)}")
        if found[0] not in self.names:
            raise ConfigurationError(f"{found[0]} holds personal data: {_FLAG} shows it")
        path = table_path(self.root, found[0])
        rows = snapshot(path)
        hidden = () if self.personal else _personal_columns(found[0], rows.columns)
        shown = tuple(column for column in rows.columns if column not in hidden)
        if not shown and not has_contract(found[0]):
            raise ConfigurationError(
                f"{found[0]} may hold personal data, for no schema file describes it: --project names the folder of "
                f"yours, or {_FLAG} shows it"
            )
        if not shown:
            raise ConfigurationError(f"all columns of {found[0]} hold personal data: {_FLAG} shows them")
        return Table(found[0], path, shown, hidden, rows)


def named_hidden(query: str, tables: Iterable[Table]) -> str | None:
    """Of a query that fails: which hidden column of its tables it names, in words; None where it names none."""
    words = {word.casefold() for word in re.findall(r"\w+", query)}
    for table in tables:
        for column in table.hidden:
            if {word.casefold() for word in re.findall(r"\w+", column)} <= words:
                return f"{column} of {table.name} holds personal data: {_FLAG} shows it"
    return None


def _is_personal(name: str) -> bool:
    return name.partition(".")[0] not in _SHOWN_LAYERS or name in _PERSONAL_TABLES


def _personal_columns(name: str, columns: Collection[str]) -> tuple[str, ...]:
    known = load_contract(name).columns if has_contract(name) else {}
    return tuple(column for column in columns if column not in known or "pii" in known[column].tags)
