"""What a job is handed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from sparkrec.cleaning.item_versions import current_items
from sparkrec.config import Settings
from sparkrec.contracts import load_contract
from sparkrec.contracts.spark import struct_type
from sparkrec.errors import DataError
from sparkrec.lake import JobTables
from sparkrec.steps.runs import JobRun

Counts = dict[str, int]
"""Rows by what became of them, for the run row and the progress line."""


@dataclass(frozen=True)
class JobContext:
    """A job's surroundings.

    Attributes:
        settings: The run's settings.
        spark: The session.
        tables: The tables that the job may touch.
        run_id: The run.
        known_until: The last day that the run knows; None before silver.interactions says it.
        say: Takes lines of progress.
        runs: Gives the latest finished run of each job named.
    """

    settings: Settings
    spark: SparkSession
    tables: JobTables
    run_id: str
    known_until: date | None
    say: Callable[[str], None]
    runs: Callable[[Sequence[str]], list[JobRun]]

    @property
    def run_date(self) -> date:
        """The last day that the run knows.

        Raises:
            DataError: silver.interactions has no event that says it.
        """
        if self.known_until is None:
            raise DataError("silver.interactions is empty: run the clean job first, and see why it keeps no line")
        return self.known_until

    def known_interactions(self) -> DataFrame:
        """silver.interactions of people, not bots, up to the run's day."""
        return self._known("silver.interactions")

    def known_searches(self) -> DataFrame:
        """silver.searches of people, not bots, up to the run's day."""
        return self._known("silver.searches")

    def current_items(self) -> DataFrame:
        """The current rows of silver.items, their texts no longer than the source's settings say."""
        return current_items(self.tables.read("silver.items"), self.settings.source.texts.longest_title)

    def _known(self, table: str) -> DataFrame:
        return self.tables.read(table).where((F.col("event_date") <= F.lit(self.run_date)) & ~F.col("is_bot"))

    def no_rows(self, table: str) -> DataFrame:
        """The columns of a table, without a row."""
        return self.spark.createDataFrame([], struct_type(load_contract(table)))
