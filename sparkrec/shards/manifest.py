"""What lies in a folder of shards: agreed between the writer and the ranks before anything is read."""

import hashlib
import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Self

from pydantic import BaseModel, ConfigDict, Field

from sparkrec.errors import DataError
from sparkrec.lake import files

MANIFEST = "manifest.json"
MIN_ROWS = 2
"""Rows of a batch at least: in one alone, a sample has nothing to stand against."""


class ShardFile(BaseModel):
    """One Parquet file, which is one row group, or none where it has no rows."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    rows: int
    row_groups: int = Field(ge=0, le=1)
    sha256: str


class Dataset(BaseModel):
    """The shards of one data set of one fold, in a folder of their own."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    folder: str
    columns: dict[str, str]
    files: tuple[ShardFile, ...]

    def __hash__(self) -> int:
        return hash((self.folder, self.files))

    @property
    def rows(self) -> int:
        """Rows of all files."""
        return sum(file.rows for file in self.files)

    def of_rank(self, rank: int, ranks: int) -> tuple[ShardFile, ...]:
        """The files of one rank: every ``ranks``-th, so that each file is read by exactly one rank."""
        return self.files[rank::ranks]

    def fewest(self, ranks: int) -> int:
        """Rows of the rank that has the fewest of them."""
        return min(sum(file.rows for file in self.of_rank(rank, ranks)) for rank in range(ranks))

    def feeds(self, ranks: int) -> bool:
        """Whether every rank has as many rows as a batch must have."""
        return self.fewest(ranks) >= MIN_ROWS

    def steps(self, ranks: int, batch_size: int) -> int:
        """Full batches that every rank can make in one epoch; what is left over is the agreed remainder."""
        return min(sum(file.rows for file in self.of_rank(rank, ranks)) // batch_size for rank in range(ranks))

    def check(self, root: str) -> None:
        """Compare the footers of the files below ``root`` with the manifest; the rows themselves are not read.

        Raises:
            DataError: A file is missing or cannot be read, or has other rows, row groups or columns.
        """
        with ThreadPoolExecutor() as pool:
            list(pool.map(lambda file: self._check_file(root, file), self.files))

    def _check_file(self, root: str, file: ShardFile) -> None:
        uri = f"{root}/{self.folder}/{file.name}"
        expected = _told(file.rows, file.row_groups, self.columns)
        try:
            found = _told(*files.parquet_size(uri), files.parquet_columns(uri))
        except FileNotFoundError:
            found = "no such file"
        except (OSError, ValueError) as error:
            found = f"no Parquet file ({error})"
        if found != expected:
            raise DataError(f"{uri}: {found}, where the manifest has {expected}: run `sparkrec job shard` again")


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
        datasets: By ``<fold>/<data set>``: train (samples), held_out (samples of the fold's target split,
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
        """Whether all the files are there as listed."""
        try:
            for data in self.datasets.values():
                data.check(folder)
        except DataError:
            return False
        return True

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


def _told(rows: int, row_groups: int, columns: dict[str, str]) -> str:
    listed = ", ".join(f"{name} {kind}" for name, kind in columns.items())
    return f"{rows} rows in {row_groups} row groups of {listed}"
