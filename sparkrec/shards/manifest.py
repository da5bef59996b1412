"""What lies in a folder of shards: agreed between the writer and the ranks before anything is read."""

import hashlib
import json
from collections.abc import Sequence
from typing import Self

from pydantic import BaseModel, ConfigDict

from sparkrec.errors import DataError
from sparkrec.lake import files

MANIFEST = "manifest.json"


class ShardFile(BaseModel):
    """One Parquet file, which is one row group."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    rows: int
    row_groups: int
    sha256: str


class Dataset(BaseModel):
    """The shards of one data set of one cut, in a folder of their own."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    folder: str
    columns: dict[str, str]
    files: tuple[ShardFile, ...]

    @property
    def rows(self) -> int:
        """Rows of all files."""
        return sum(file.rows for file in self.files)

    def of_rank(self, rank: int, ranks: int) -> tuple[ShardFile, ...]:
        """The files of one rank: every ``ranks``-th, so that each file is read by exactly one rank."""
        return self.files[rank::ranks]

    def steps(self, ranks: int, batch_size: int) -> int:
        """Full batches that every rank can make in one epoch; what is left over is the agreed remainder."""
        return min(sum(file.rows for file in self.of_rank(rank, ranks)) // batch_size for rank in range(ranks))


class Manifest(BaseModel):
    """All data sets of one run of the shard job.

    Attributes:
        version: First 12 hex digits of the SHA-256 of what the shards were made from.
        inputs: Delta versions of the tables they were made from.
        seed: Seed of the global shuffle.
        history_length: Length of the ``history`` lists.
        title_words: Length of the ``item_words`` lists.
        users: Rows that an embedding table of users needs.
        items: Likewise of items.
        words: Likewise of words.
        datasets: By ``<cut>/<data set>``: train (samples), held_out (samples of the cut's target part,
            where choices are made on it), users (each user's latest events), items (each item's words).
        checksum: SHA-256 over the files' checksums.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: str
    inputs: dict[str, int]
    seed: int
    history_length: int
    title_words: int
    users: int
    items: int
    words: int
    datasets: dict[str, Dataset]
    checksum: str

    @staticmethod
    def checksum_of(datasets: Sequence[Dataset]) -> str:
        """SHA-256 over the checksums of all files in name order."""
        sums = sorted(f"{data.folder}/{file.name} {file.sha256}" for data in datasets for file in data.files)
        return hashlib.sha256("\n".join(sums).encode()).hexdigest()

    def write(self, folder: str) -> None:
        """Put the manifest into the folder; from then on these shards are the ones to read."""
        files.write_bytes(f"{folder}/{MANIFEST}", json.dumps(self.model_dump(), indent=1).encode())

    def is_complete(self, folder: str) -> bool:
        """Whether all the files listed are there."""
        return all(
            {file.name for file in data.files}
            <= {uri.rpartition("/")[2] for uri in files.find_files(f"{folder}/{data.folder}/*.parquet")}
            for data in self.datasets.values()
        )

    @classmethod
    def find(cls, folder: str) -> Self | None:
        """The folder's manifest, if there is one."""
        return cls.read(folder) if files.exists(f"{folder}/{MANIFEST}") else None

    @classmethod
    def read(cls, folder: str) -> Self:
        """The folder's manifest.

        Raises:
            DataError: There is none, or its checksum does not fit its own files.
        """
        uri = f"{folder}/{MANIFEST}"
        try:
            manifest = cls.model_validate_json(files.read_bytes(uri))
        except FileNotFoundError:
            raise DataError(f"{uri} does not exist: run `sparkrec job shard` first") from None
        if manifest.checksum != cls.checksum_of(list(manifest.datasets.values())):
            raise DataError(f"{uri}: the checksum does not fit the files listed: run `sparkrec job shard` again")
        return manifest
