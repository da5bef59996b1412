"""Model versions as folders of the lake, and the file that says which ones are current."""

import hashlib
import json
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, ValidationError

from sparkrec.errors import DataError
from sparkrec.file_systems import subfolders
from sparkrec.lake import files
from sparkrec.lake.files import Arrays
from sparkrec.lake.model_tables import ARRAYS, ITEMS, item_arrays

_EVERY_FOLD = "every_fold"


def model_version(name: str, inputs: dict[str, int], settings: Any, seed: int, code: str) -> str:
    """First 12 hex digits of the SHA-256 of all that a model is made from: data, settings, seed and code."""
    made_from = {"name": name, "inputs": inputs, "settings": settings, "seed": seed, "code": code}
    return hashlib.sha256(json.dumps(made_from, sort_keys=True, default=str).encode()).hexdigest()[:12]


class CurrentModels(BaseModel):
    """The models of the last finished train job.

    Attributes:
        root: Folder of all models, where the file lies.
        versions: Version of each model by name.
        folds: Folds that they were fitted at.
        items: Size of the item vocabulary.
        left_out: Models that were not fitted, with the reason.
        only_at: Folds that a model was fitted at, where these are not all of them.
        timeless: Models that are the same at every fold.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    root: str
    versions: dict[str, str]
    folds: tuple[str, ...]
    items: int
    left_out: dict[str, str]
    only_at: dict[str, tuple[str, ...]] = {}
    timeless: tuple[str, ...] = ()

    @classmethod
    def read(cls, uri: str) -> Self:
        """The current models.

        Raises:
            DataError: No train job has finished in this lake, or it was one of another version of sparkrec.
        """
        try:
            content = json.loads(files.read_bytes(uri))
            # Beside the file, wherever the lake has been moved or copied to.
            return cls.model_validate({**content, "root": uri.rpartition("/")[0]})
        except FileNotFoundError:
            raise DataError(f"{uri} does not exist: run `sparkrec job train` first") from None
        except ValidationError:
            root = uri.rpartition("/")[0]
            raise DataError(
                f"{uri} was written by another version of sparkrec: remove the folder {root} and run `sparkrec run` "
                "again, which fits the models again"
            ) from None

    @classmethod
    def find(cls, uri: str) -> Self | None:
        """The current models, if a train job has finished in this lake."""
        return cls.read(uri) if files.exists(uri) else None

    def write(self, uri: str) -> None:
        """Make these the current models and remove the versions that no longer are."""
        files.write_bytes(uri, json.dumps(self.model_dump(exclude={"root"}), indent=1).encode())
        for name in subfolders(self.root):
            for version in subfolders(f"{self.root}/{name}"):
                if version != self.versions.get(name):
                    files.delete_folder(f"{self.root}/{name}/{version}")

    def at(self, fold: str) -> tuple[str, ...]:
        """Names of the models that were fitted at the fold."""
        return tuple(name for name in self.versions if fold in self.only_at.get(name, self.folds))

    def folder(self, name: str) -> str:
        """Folder of a model's current version."""
        return f"{self.root}/{name}/{self.versions[name]}"

    def scratch(self, what: str) -> str:
        """Folder for files that processes hand to one another while a job is at work."""
        return f"{self.root}/_scratch/{what}"

    def folder_at(self, name: str, fold: str) -> str:
        """Folder of a model at a fold."""
        return f"{self.folder(name)}/{_EVERY_FOLD if name in self.timeless else fold}"

    def arrays(self, name: str, fold: str) -> Arrays:
        """Arrays of a model at a fold, with what its table of items says."""
        folder = self.folder_at(name, fold)
        arrays = files.read_arrays(f"{folder}/{ARRAYS}")
        return arrays | (item_arrays(f"{folder}/{ITEMS}", self.items) if files.exists(f"{folder}/{ITEMS}") else {})

    def known_items(self, fold: str) -> NDArray[np.bool_]:
        """Which items may be recommended at a fold: those with a known positive event, (items,)."""
        return np.asarray(self.arrays("popularity", fold)["scores"] > 0)
