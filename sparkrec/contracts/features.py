"""The registry of features: what the schema files mark as such, for models to choose from."""

from dataclasses import dataclass

from sparkrec.contracts.contract import Leakage
from sparkrec.contracts.load import OF_A_FOLD, all_contracts, load_contract, tables_tagged
from sparkrec.errors import ConfigurationError

RANKING = "ranking"
"""The tag of features that rankers see."""
RANKING_SAMPLES = "features.ranking_samples"
"""The table of all of them, which rankers learn from."""


@dataclass(frozen=True)
class Feature:
    """A column that models may take.

    Attributes:
        table: The table that owns it.
        column: Its name there.
        type: Spark SQL type.
        meaning: What a value says.
        version: Values of different versions do not compare.
        leakage: What of the future it may hold; `FeatureUse` says what each class allows.
        unit: Of the values, if they have one.
        tags: What it is, and which models take it.
    """

    table: str
    column: str
    type: str
    meaning: str
    version: int
    leakage: Leakage
    unit: str | None = None
    tags: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The name that no other feature has."""
        return f"{self.table}.{self.column}"

    @property
    def holds_many(self) -> bool:
        """Whether a value is an array or a map."""
        return self.type.startswith(("array", "map"))


def features(tag: str | None = None, table: str | None = None) -> tuple[Feature, ...]:
    """All features with this tag in this table, labels too, by name.

    Raises:
        ConfigurationError: There is none: the message says what tags or tables there are.
    """
    registered = _registered()
    of_table = [feature for feature in registered if table in (None, feature.table)]
    if not of_table:
        tables = sorted({feature.table for feature in registered})
        raise ConfigurationError(f"no feature in a table {table}; tables with features: {', '.join(tables)}")
    found = tuple(feature for feature in of_table if tag is None or tag in feature.tags)
    if not found:
        tags = sorted({each for feature in of_table for each in feature.tags})
        where = f" in {table}" if table else ""
        raise ConfigurationError(f"no feature{where} has the tag {tag}; tags there are: {', '.join(tags)}")
    return found


def model_inputs(tag: str, table: str | None = None) -> tuple[Feature, ...]:
    """The features with this tag that a model may be fed: never a label.

    Raises:
        ConfigurationError: There is none.
    """
    found = tuple(feature for feature in features(tag, table) if feature.leakage != "label")
    if not found:
        raise ConfigurationError(f"all features with the tag {tag} are labels, which no model may be fed")
    return found


def ranking_columns() -> tuple[str, ...]:
    """The features that rankers see, by their names as columns of `RANKING_SAMPLES`, in their order."""
    columns = load_contract(RANKING_SAMPLES).columns
    return tuple(name for name, column in columns.items() if RANKING in column.tags)


def ranking_tables(about: str) -> dict[str, tuple[str, ...]]:
    """Tables of features that rankers see of an ``item`` or of a ``user`` at a fold, with these features."""
    return {
        contract.table: tuple(contract.tagged(RANKING))
        for contract in tables_tagged(RANKING)
        if OF_A_FOLD[contract.primary_key] == about
    }


def _registered() -> list[Feature]:
    found = [
        Feature(
            table=contract.table,
            column=name,
            type=column.type,
            meaning=column.description,
            version=column.feature.version,
            leakage=column.feature.leakage,
            unit=column.unit,
            tags=column.tags,
        )
        for contract in all_contracts()
        for name, column in contract.columns.items()
        if column.feature
    ]
    return sorted(found, key=lambda feature: feature.name)
