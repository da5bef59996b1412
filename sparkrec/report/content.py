"""What the page shows. Whoever fills these reads the tables; the page itself only draws."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from urllib.parse import urlsplit

import pandas as pd


@dataclass(frozen=True)
class RowAccount:
    """What became of every landed row."""

    landed: int
    kept: int
    duplicates: int
    refused: Mapping[str, int]
    """Rows by the set of reasons that refused them, as ``no_price + quantity_not_positive``."""
    redelivered: int = 0
    """Those of the duplicates that have the event id of another row, but not its text."""

    @property
    def refused_rows(self) -> int:
        """All refused rows; a row with several reasons counts once."""
        return sum(self.refused.values())

    @property
    def unaccounted(self) -> int:
        """Landed rows that are neither kept, duplicate nor refused; negative if rows were counted twice."""
        return self.landed - self.kept - self.duplicates - self.refused_rows

    def adds_up(self) -> bool:
        """Whether every landed row is accounted for exactly once."""
        return self.unaccounted == 0


@dataclass(frozen=True)
class Extent:
    """How large the cleaned data is."""

    users: int
    items: int
    first_day: date | None = None
    last_day: date | None = None


@dataclass(frozen=True, eq=False)
class TrainingCurve:
    """One training of one model version."""

    model: str
    version: str
    fold: str
    """validation, test or publish: the data that the training knew."""
    epochs: pd.DataFrame
    """epoch, loss, validation_loss and validation_ndcg (may be missing), samples_per_second, seconds."""
    ranks: pd.DataFrame
    """rank, rows, steps, checksum (of the final weights)."""

    @property
    def ranks_agree(self) -> bool:
        """Whether all ranks made the same number of steps and ended with the same weights."""
        return all(self.ranks[column].nunique(dropna=False) <= 1 for column in ("steps", "checksum"))

    @property
    def best_epoch(self) -> int | None:
        """The epoch that ranked the validation samples best, none if that was not measured."""
        measured = self.epochs.dropna(subset="validation_ndcg")
        if measured.empty:
            return None
        return int(measured["epoch"].iloc[int(measured["validation_ndcg"].astype(float).argmax())])


@dataclass(frozen=True, eq=False)
class UserExample:
    """One user with what the run knows of them and recommends to them."""

    user_id: str
    profile: Mapping[str, str]
    tags: tuple[str, ...]
    history: pd.DataFrame
    """date, title, item_id, event_type, quantity, in the order to be shown."""
    lists: Mapping[str, pd.DataFrame]
    """By shelf: rank, item_id, title, score, reason."""


@dataclass(frozen=True, eq=False)
class ItemNeighbours:
    """One item with the items nearest to it."""

    item_id: str
    title: str
    neighbours: pd.DataFrame
    """rank, item_id, title, score."""


@dataclass(frozen=True, eq=False)
class QueryExamples:
    """What a few queries are understood as."""

    figures: Mapping[str, str]
    """By what is counted, as people should read it."""
    rows: pd.DataFrame
    """typed, corrected, category, probability, brand, colour, size, and made_from: the words of a title that the query
    was made from, missing where people typed it. All but the first two may be missing."""


@dataclass(frozen=True, eq=False)
class QueryResults:
    """A query that many people search for, and its first results."""

    query: str
    corrected: str
    searches: int
    results: pd.DataFrame
    """rank, item_id, title, reason; without an item where nothing answers the query."""
    nearest_query: str | None = None
    """The most similar query that has results, where this one has none."""


@dataclass(frozen=True, eq=False)
class ReportContent:
    """Everything on the page. All frames are small: the page shows each of their rows."""

    source: str
    run_date: date
    run_id: str
    extent: Extent
    rows: RowAccount
    training: tuple[TrainingCurve, ...]
    evaluations: pd.DataFrame
    """The columns of gold.evaluations, for this run's date; may be empty, even without columns.

    Rows of 0 users, which have no value, say that a shelf could not be measured on a split.
    """
    chosen: Mapping[str, str]
    """By shelf: the published model as people should read it."""
    deep_models: frozenset[str]
    """Names of the models that are trained by the fit loop; all others count as baselines."""
    users: tuple[UserExample, ...]
    neighbours: tuple[ItemNeighbours, ...]
    jobs: pd.DataFrame
    """job, seconds, outcome, counts, and message if there is one: this run's rows of gold.pipeline_runs, in order."""
    data_docs: str | None
    """Relative link to the Data Docs."""
    settings_text: str
    metric: str = "ndcg@10"
    """The metric that the charts and the summary show."""
    features: pd.DataFrame = field(default_factory=pd.DataFrame)
    """The columns of gold.feature_statistics, for this run's date; may be empty, even without columns."""
    queries: QueryExamples | None = None
    """None where no query is shown."""
    search_results: tuple[QueryResults, ...] = ()
    by_default: frozenset[str] = frozenset()
    """Shelves whose model was not chosen on anybody."""
    split: str | None = None
    """What was held out, in a line, where that is not what the settings say."""
    left_out: Mapping[str, str] = field(default_factory=dict)
    """Models that were not fitted, with the reason."""

    @property
    def measured(self) -> pd.DataFrame:
        """The evaluations that are over somebody."""
        rows = self.evaluations
        return rows if rows.empty else rows[rows["users"] > 0]

    def __post_init__(self) -> None:
        if self.data_docs is not None:
            link = urlsplit(self.data_docs)
            if link.scheme or link.netloc:
                raise ValueError(f"data_docs must be a relative link, not {self.data_docs!r}")
