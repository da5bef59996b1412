"""What a schema file says of a table. Every model refuses unknown keys and is frozen once validated."""

from collections.abc import Sequence
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

OnFailure = Literal["quarantine", "fail", "warn"]
TableOnFailure = Literal["fail", "warn"]
Leakage = Literal["static", "as_of", "before_event", "label"]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class FeatureUse(_Part):
    """What a model must know of a column before it takes it as a feature."""

    version: int = Field(
        ge=1, description="Raised with every change of what the values mean: those of two versions do not compare."
    )
    leakage: Leakage = Field(
        description="What of the future a value may hold, and so which events it may serve to predict. "
        "static: of the user or the item itself, such as an index or a title's words, which no event changes; any. "
        "as_of: from all that was known at the end of the row's as-of day or fold; only events after it. "
        "before_event: from what was known before the row's own event, or the session of it, began; that event. "
        "label: it is what is to be predicted, and never an input."
    )


Person = Literal["landed_id", "account", "visitor_id", "user_id", "user_index", "line", "query", "text"]
IDS_OF_PEOPLE: tuple[Person, ...] = ("landed_id", "account", "visitor_id", "user_id", "user_index", "line")
"""Kinds of columns that rows of a person are found by; the others hold what a person wrote."""


class Column(_Part):
    """One column."""

    type: str = Field(description="Spark SQL type, such as long or array<string>.")
    nullable: bool = True
    description: str
    unit: str | None = None
    tags: tuple[str, ...] = Field(
        (), description="What the column is to its readers, such as pii or categorical, and models that take it."
    )
    feature: FeatureUse | None = Field(None, description="Given where models may take the column as a feature.")
    person: Person | None = Field(
        None,
        description="What of one person the column holds. landed_id, account: an id as it landed. visitor_id, user_id: "
        "an id of private.identities. user_index: the index of a user id in features.vocabulary. line: the hash of a "
        "landed line. query: what people typed to search. text: other words or values of theirs.",
    )


class RowRule(_Part):
    """What must be true of each row."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$", description="The reason that a row which breaks it is given.")
    condition: str = Field(description="Spark SQL that is true for a good row; a null counts as not true.")
    on_failure: OnFailure
    description: str


class OutlierRule(_Part):
    """When a row's value is far out of those that the other rows of its interval have; the row stays.

    It is judged on a logarithmic scale beyond the quartiles (the fences of Tukey, Exploratory Data Analysis, 1977).
    """

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$", description="What the row's ``outliers`` call it.")
    column: str
    spreads: float = Field(gt=0, description="Interquartile ranges beyond the quartiles from which a value is far out.")
    description: str


class UniqueCheck(_Part):
    """No two rows share the values of these columns."""

    kind: Literal["unique"]
    columns: tuple[str, ...] = Field(min_length=1)
    on_failure: TableOnFailure

    @property
    def name(self) -> str:
        """The name that the check is reported by."""
        return f"unique({', '.join(self.columns)})"


class RowCountCheck(_Part):
    """The table has a number of rows within this band."""

    kind: Literal["row_count"]
    min: int | None = Field(None, ge=0)
    max: int | None = Field(None, ge=0)
    on_failure: TableOnFailure

    @model_validator(mode="after")
    def _band_is_open(self) -> Self:
        if self.min is None and self.max is None:
            raise ValueError("give min, max or both")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"min {self.min} is more than max {self.max}")
        return self

    @property
    def name(self) -> str:
        """The name that the check is reported by."""
        return "row_count"


class ReferencesCheck(_Part):
    """The values of these columns occur in the columns of the same names of another table.

    A row where one of them is missing refers to nothing and passes.
    """

    kind: Literal["references"]
    columns: tuple[str, ...] = Field(min_length=1)
    table: str
    on_failure: TableOnFailure

    @property
    def name(self) -> str:
        """The name that the check is reported by."""
        return f"references({', '.join(self.columns)} in {self.table})"


TableCheck = Annotated[UniqueCheck | RowCountCheck | ReferencesCheck, Field(discriminator="kind")]


class RefusedShareGate(_Part):
    """Of the rows meant for this table no more than this share was refused."""

    kind: Literal["refused_share"]
    max: float = Field(ge=0, le=1)
    on_failure: TableOnFailure

    @property
    def name(self) -> str:
        """The name that the check is reported by."""
        return f"refused_share(at most {self.max:.0%})"


class RowCountChangeGate(_Part):
    """The table has about as many rows as its last version: at least ``min`` and at most ``max`` times as many."""

    kind: Literal["row_count_change"]
    min: float = Field(0.0, ge=0)
    max: float = Field(float("inf"), ge=1)
    on_failure: TableOnFailure

    @property
    def name(self) -> str:
        """The name that the check is reported by."""
        return f"row_count_change({self.min:g} to {self.max:g} times)"


class FreshnessGate(_Part):
    """The newest date of this column is no more days before the run's date. A run without a date passes."""

    kind: Literal["freshness"]
    column: str
    max_days: int = Field(ge=0)
    on_failure: TableOnFailure

    @property
    def name(self) -> str:
        """The name that the check is reported by."""
        return f"freshness({self.column} at most {self.max_days} days old)"


TableGate = Annotated[RefusedShareGate | RowCountChangeGate | FreshnessGate, Field(discriminator="kind")]


class ForgetRows(_Part):
    """Rows that name the person go, whatever else they hold. Columns with an id as ``person`` name people."""

    forget: Literal["rows"]


class ForgetLines(_Part):
    """Landed lines of the person go: the source file says which column names whom."""

    forget: Literal["lines"]


class ForgetTexts(_Part):
    """Rows go whose text, or a word of it, stands nowhere any more: nobody but forgotten people has typed it."""

    forget: Literal["texts"]
    texts: dict[str, tuple[str, ...]] = Field(
        min_length=1, description="Column -> columns, as silver.searches.normalised_query, one of which must have it."
    )
    words: dict[str, tuple[str, ...]] = Field(
        {}, description="Column -> columns that together must have each of its words."
    )

    @property
    def columns(self) -> list[str]:
        """The table's own columns that are looked at."""
        return list(dict.fromkeys([*self.texts, *self.words]))

    @property
    def tables(self) -> list[str]:
        """Tables that it looks into, which people are to be removed from first."""
        named = [one for columns in (*self.texts.values(), *self.words.values()) for one in columns]
        return list(dict.fromkeys(column_of(one)[0] for one in named))


class ForgetValue(_Part):
    """The id gives way to a text that tells nothing, and its row stays."""

    forget: Literal["value"]
    where: str = Field(description="Spark SQL that is true for rows whose value is a person's id.")
    index: str = Field(description="Column with the number that stands for the person in columns of user_index.")


class ForgetNothing(_Part):
    """The table tells nothing of a single person."""

    forget: Literal["nothing"]
    why: str = Field(min_length=10, description="Why a person need not be removed from it.")


People = Annotated[ForgetRows | ForgetLines | ForgetTexts | ForgetValue | ForgetNothing, Field(discriminator="forget")]


def column_of(name: str) -> tuple[str, str]:
    """Table and column of ``layer.table.column``."""
    table, _, column = name.rpartition(".")
    return table, column


class Contract(_Part):
    """A table: what its rows are, its columns in their order, and what must hold of them."""

    table: str = Field(
        pattern=r"^(private|bronze|silver|features|gold)\.[a-z][a-z0-9_]*$", description="Name as layer.table."
    )
    description: str
    grain: str = Field(description="What one row is.")
    primary_key: tuple[str, ...] = ()
    open: bool = Field(False, description="Whether the table has columns besides these, before them.")
    interval: str | None = Field(None, description="The date column by whose days the table is replaced.")
    partitioned: bool = Field(True, description="Whether each such day has files of its own; small days need none.")
    clustered_by: tuple[str, ...] = Field(
        (), description="Columns that its readers ask one value of: maintenance brings rows of like values together."
    )
    columns: dict[str, Column] = Field(min_length=1)
    columns_tagged: str | None = Field(
        None, description="All features with this tag of tables about an item or a user at a fold are columns, too."
    )
    people: People = Field(description="What `sparkrec forget` has to do here, or why nothing.")
    rules: tuple[RowRule, ...] = ()
    outliers: tuple[OutlierRule, ...] = Field((), description="What a row's column of this name tells.")
    checks: tuple[TableCheck, ...] = Field((), description="What must hold of the table itself.")
    gates: tuple[TableGate, ...] = Field((), description="What must hold of it beside what was and what was refused.")

    @property
    def layer(self) -> str:
        """The part of the table's name before the dot."""
        return self.table.partition(".")[0]

    @property
    def name(self) -> str:
        """The part of the table's name after the dot."""
        return self.table.partition(".")[2]

    @property
    def looked_up_by(self) -> list[str]:
        """Columns that readers find rows by: the interval and the primary key; in an open table all that it names."""
        if self.open:
            return list(self.columns)
        return list(dict.fromkeys([*([self.interval] if self.interval else []), *self.primary_key]))

    def of_person(self, *kinds: Person) -> dict[str, Person]:
        """Columns that hold this of a person, with what they hold; without kinds all that hold anything."""
        held = {name: column.person for name, column in self.columns.items()}
        return {name: kind for name, kind in held.items() if kind is not None and (not kinds or kind in kinds)}

    def tagged(self, tag: str) -> dict[str, Column]:
        """The features of the table that have the tag, without labels."""
        return {
            name: column
            for name, column in self.columns.items()
            if column.feature and column.feature.leakage != "label" and tag in column.tags
        }

    @model_validator(mode="after")
    def _people_can_be_forgotten(self) -> Self:
        ids, people = self.of_person(*IDS_OF_PEOPLE), self.people
        match people:
            case ForgetRows() if not ids:
                raise ValueError(f"people: no column names a person: give one `person`, of {', '.join(IDS_OF_PEOPLE)}")
            case ForgetLines() if not self.open:
                raise ValueError("people: only tables of landed lines forget by lines")
            case ForgetValue() if len(ids) != 1:
                raise ValueError("people: one column is to have the ids of people")
            case ForgetTexts() if {*people.columns} != {*self.of_person()} or ids:
                raise ValueError("people: texts and words are to name just the columns that have `person: query`")
            case ForgetNothing() if self.of_person():
                told = ", ".join(self.of_person())
                raise ValueError(f"people: {told} hold something of a person: nothing is too little to forget")
        return self

    @model_validator(mode="after")
    def _columns_exist(self) -> Self:
        self._require_columns("primary_key", self.primary_key)
        self._require_columns("clustered_by", self.clustered_by)
        if isinstance(self.people, ForgetValue):
            self._require_columns("people", [self.people.index])
        self._require_columns("interval", [self.interval] if self.interval else [])
        if self.outliers:
            self._require_columns("outliers", ["outliers", *[rule.column for rule in self.outliers]])
            if self.interval is None:
                raise ValueError("outliers are told within an interval, and the table has none")
        for check in self.checks:
            if not isinstance(check, RowCountCheck):
                self._require_columns(check.name, check.columns)
        for gate in self.gates:
            if isinstance(gate, FreshnessGate):
                self._require_columns(gate.name, [gate.column])
        return self

    @model_validator(mode="after")
    def _names_are_unique(self) -> Self:
        names = [part.name for part in (*self.rules, *self.outliers, *self.checks, *self.gates)]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"more than one rule or check is named {', '.join(twice)}")
        return self

    def _require_columns(self, where: str, names: Sequence[str]) -> None:
        unknown = [name for name in names if name not in self.columns]
        if unknown:
            raise ValueError(f"{where} names no column of the table: {', '.join(unknown)}")
