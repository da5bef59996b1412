"""What an engine finds."""

from collections.abc import Sequence
from typing import Literal, Protocol

import pyarrow as pa

Form = Literal["texts", "fields", "json", "typed"]
"""How rows are wanted. texts: every value as text. fields: numbers and booleans as such, all else as text. json: one
column, with a row's JSON object. typed: as they are."""


class Result(Protocol):
    """The rows of a query, which is run when they are read."""

    @property
    def columns(self) -> Sequence[str]:
        """Names of the columns, which may be alike."""

    def read(self, form: Form, most: int | None) -> pa.RecordBatchReader:
        """At most so many rows (None: all), in batches; columns are named by their places but where they are typed.

        Raises:
            DataError: The query fails on what the tables hold.
        """
