"""What every rank of a training job is told."""

from pydantic import BaseModel, ConfigDict

from sparkrec.config.settings import TwoTowerSettings

TRAINING_RECORD = "training.json"
"""Last file of a finished cut; a cut without it is trained, on from its checkpoint."""


class TrainingPlan(BaseModel):
    """One training job: the same model at each cut.

    Attributes:
        shards: Folder of the shards and their manifest.
        output: Folder of the model version; each cut has a folder below it.
        cuts: Cuts in their order; the first chooses the number of epochs on its held-out samples.
        config: The model's options.
        seed: Seed of the weights, of dropout and of the order of the samples.
        checkpoint_steps: Steps of an epoch between two checkpoints.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    shards: str
    output: str
    cuts: tuple[str, ...]
    config: TwoTowerSettings
    seed: int
    checkpoint_steps: int


class EpochRecord(BaseModel):
    """One line of a cut's training log."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    epoch: int
    loss: float
    validation_loss: float | None
    validation_ndcg: float | None
    samples_per_second: float
    seconds: float


class RankRecord(BaseModel):
    """What one rank did at one cut.

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


class CutRecord(BaseModel):
    """What came of one cut: written as ``training.json`` beside the weights."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    cut: str
    best_epoch: int
    epochs: tuple[EpochRecord, ...]
    ranks: tuple[RankRecord, ...]
