"""What every rank of a training job is told."""

import json
from typing import Any, Self

from pydantic import BaseModel, ConfigDict

from sparkrec.config.settings import TrainingSettings
from sparkrec.lake import files
from sparkrec.lake.model_tables import ARRAYS
from sparkrec.shards.manifest import Dataset

TRAINING_RECORD = "training.json"
"""Last file of a finished fold; a fold without it is trained, on from its checkpoint."""

DATASETS = "datasets.json"
"""The ranker's data sets, in the folder of its shards."""

WEIGHTS = "weights.npz"
"""Of a finished DeepFM."""


class TrainingPlan(BaseModel):
    """One training job: the same model at each fold.

    Attributes:
        shards: Folder of the shards and their manifest.
        output: Folder of the model version; each fold has a folder below it.
        folds: Folds in their order; the first chooses the number of epochs on its held-out samples.
        model: Name of the model.
        config: Its options, the settings' section of that name.
        training: How it is trained.
        seed: Seed of the weights, of dropout and of the order of the samples.
        warm_start: Folder of the version to go on from, if any.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    shards: str
    output: str
    folds: tuple[str, ...]
    model: str
    config: dict[str, Any]
    training: TrainingSettings
    seed: int
    warm_start: str | None = None


class RankerData(BaseModel):
    """What DeepFM learns from: written as ``datasets.json`` into the folder of the shards.

    Attributes:
        buckets: Values of a field, so many rows of the table each.
        fields: Fields of each data set.
        datasets: Of each fold of the plan, which here is a fold and a shelf: pairs with ``field_rows`` and ``label``.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    buckets: int
    fields: dict[str, int]
    datasets: dict[str, Dataset]


class EpochRecord(BaseModel):
    """One line of a fold's training log."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    epoch: int
    loss: float
    validation_loss: float | None
    validation_ndcg: float | None
    samples_per_second: float
    seconds: float


class RankRecord(BaseModel):
    """What one rank did at one fold.

    Attributes:
        rows: Rows that the rank's part holds.
        steps: Steps of each epoch.
        checksum: First 16 hex digits of the SHA-256 of all weights after the last step.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    rank: int
    rows: int
    steps: int
    epochs: int
    checksum: str


class FoldRecord(BaseModel):
    """What came of one fold: written as ``training.json`` beside the weights."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    fold: str
    best_epoch: int
    epochs: tuple[EpochRecord, ...]
    ranks: tuple[RankRecord, ...]

    @classmethod
    def read(cls, folder: str) -> Self:
        """The record of a finished fold's folder."""
        return cls.model_validate_json(files.read_bytes(f"{folder}/{TRAINING_RECORD}"))

    @classmethod
    def find(cls, folder: str) -> Self | None:
        """The record of a fold's folder, if the fold is finished and what it gave is still there."""
        given = any(files.exists(f"{folder}/{name}") for name in (ARRAYS, WEIGHTS))
        return cls.read(folder) if given and files.exists(f"{folder}/{TRAINING_RECORD}") else None

    def write(self, folder: str) -> None:
        """Put it into the fold's folder, as the last of its files."""
        files.write_bytes(f"{folder}/{TRAINING_RECORD}", json.dumps(self.model_dump(), indent=1).encode())
