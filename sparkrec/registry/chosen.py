"""What was chosen to be published."""

import json
from datetime import date
from typing import Self

from pydantic import BaseModel, ConfigDict

from sparkrec.errors import DataError
from sparkrec.lake import files


class ChosenList(BaseModel):
    """The ranking of one shelf.

    Attributes:
        model: Name in gold.evaluations: a model, or a blend of several.
        version: Its version.
        weights: Weight of each model's standardised scores.
        validation: Its metric on the validation users; None where there were none to choose on.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    model: str
    version: str
    weights: dict[str, float]
    validation: float | None


class Chosen(BaseModel):
    """The choice of one evaluate job.

    Attributes:
        run_date: The last day of the data that it was made on.
        metric: What it was made by.
        shelves: The ranking of each shelf.
        split: What was held out, in a line, where that is not what the settings say.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    run_date: date
    metric: str
    shelves: dict[str, ChosenList]
    split: str | None = None

    @classmethod
    def read(cls, uri: str) -> Self:
        """The current choice.

        Raises:
            DataError: No evaluate job has finished in this lake.
        """
        try:
            return cls.model_validate_json(files.read_bytes(uri))
        except FileNotFoundError:
            raise DataError(f"{uri} does not exist: run `sparkrec job evaluate` first") from None

    def write(self, uri: str) -> None:
        """Make this the current choice."""
        files.write_bytes(uri, json.dumps(self.model_dump(mode="json"), indent=1).encode())
