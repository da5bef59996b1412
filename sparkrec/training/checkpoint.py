"""Checkpoints: all that a killed run needs to go on."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np

from sparkrec.errors import DataError
from sparkrec.lake import files
from sparkrec.training.plan import EpochRecord


@dataclass
class Progress:
    """How far a fold's training has come.

    Attributes:
        epochs: What the finished epochs gave.
        best_epoch: The best of them on the held-out samples, from 1; 0 before the first.
        best_ndcg: Its NDCG on them.
        best_weights: The model's weights then.
        step: Steps made of the epoch under way.
        loss_sum: Sum of their losses, the mean over the ranks.
    """

    epochs: list[EpochRecord] = field(default_factory=list)
    best_epoch: int = 0
    best_ndcg: float = float("-inf")
    best_weights: list[np.ndarray[Any, Any]] = field(default_factory=list)
    step: int = 0
    loss_sum: float = 0.0


def checksum(variables: Sequence[keras.Variable]) -> str:
    """First 16 hex digits of the SHA-256 of the variables' bytes."""
    digest = hashlib.sha256()
    for variable in variables:
        digest.update(np.ascontiguousarray(variable.numpy()).tobytes())
    return digest.hexdigest()[:16]


def save(uri: str, variables: Sequence[keras.Variable], progress: Progress) -> None:
    """Write weights, optimizer state, random state and progress as one file, all or nothing."""
    arrays = {f"variable_{number}": variable.numpy() for number, variable in enumerate(variables)}
    best = {f"best_{number}": array for number, array in enumerate(progress.best_weights)}
    state = {
        "epochs": [epoch.model_dump() for epoch in progress.epochs],
        "best_epoch": progress.best_epoch,
        "best_ndcg": progress.best_ndcg,
        "step": progress.step,
        "loss_sum": progress.loss_sum,
    }
    files.write_arrays(uri, {**arrays, **best, "state": np.array(json.dumps(state))})


def load(uri: str, variables: Sequence[keras.Variable]) -> Progress:
    """Put a checkpoint's values into the variables; a fresh `Progress` where there is no checkpoint."""
    if not files.exists(uri):
        return Progress()
    arrays = files.read_arrays(uri)
    for number, variable in enumerate(variables):
        variable.assign(arrays[f"variable_{number}"])
    state = json.loads(str(arrays["state"]))
    best = [arrays[f"best_{number}"] for number in range(sum(name.startswith("best_") for name in arrays))]
    epochs = [EpochRecord.model_validate(epoch) for epoch in state["epochs"]]
    return Progress(epochs, state["best_epoch"], state["best_ndcg"], best, state["step"], state["loss_sum"])


def warm_start(uri: str, variables: Sequence[keras.Variable]) -> None:
    """Put an earlier model's weights into a new one whose tables may have more rows; these keep their own values.

    Args:
        uri: Checkpoint of the earlier model.
        variables: All of the new model.

    Raises:
        DataError: There is none, or it is of a model of other sizes.
    """
    try:
        arrays = files.read_arrays(uri)
    except FileNotFoundError:
        raise DataError(f"{uri} does not exist: set training.warm_start=false") from None
    for number, variable in enumerate(variables):
        if not variable.trainable:
            continue
        found = arrays.get(f"variable_{number}")
        if found is None or found.shape[1:] != variable.shape[1:] or len(found) > variable.shape[0]:
            sizes = "nothing" if found is None else found.shape
            message = f"{uri}: {variable.path} is {sizes} there, {variable.shape} here"
            raise DataError(f"{message}: set training.warm_start=false")
        value = variable.numpy()
        value[: len(found)] = found
        variable.assign(value)
