"""Tables of the lake by name."""

from collections.abc import Mapping

from delta.tables import DeltaTable
from pyspark.sql import DataFrame, SparkSession

from sparkrec.errors import DataError
from sparkrec.lake import files
from sparkrec.lake.delta_log import newest_version, rows_of_commit

LAYERS = ("bronze", "silver", "features", "gold")


class Lake:
    """Delta tables at ``<root>/<layer>/<table>``.

    Args:
        spark: The session.
        root: Folder or URI.
    """

    def __init__(self, spark: SparkSession, root: str) -> None:
        self.spark = spark
        self.root = root.rstrip("/")

    def path(self, name: str) -> str:
        """Where a table (``layer.table``) or an artefact (``folder/name``) lies."""
        return f"{self.root}/{name.replace('.', '/', 1) if '/' not in name else name}"

    def exists(self, table: str) -> bool:
        """Whether the table has a version to read."""
        return newest_version(self.path(table)) is not None

    def version(self, table: str) -> int:
        """The table's newest Delta version.

        Raises:
            DataError: There is no such table yet.
        """
        version = newest_version(self.path(table))
        if version is None:
            raise DataError(f"{table} does not exist in {self.root}: run the jobs before this one first")
        return version

    def read(self, table: str, version: int | None = None) -> DataFrame:
        """The table's newest version, or the one named.

        Raises:
            DataError: There is no such table yet.
        """
        newest = self.version(table)
        reader = self.spark.read.format("delta")
        if version is not None and version != newest:
            reader = reader.option("versionAsOf", version)
        return reader.load(self.path(table))

    def replace(self, table: str, rows: DataFrame) -> None:
        """Put ``rows`` in the place of the whole table, in one commit."""
        self._write(rows, table, "overwrite", {"overwriteSchema": "true"})

    def append(self, table: str, rows: DataFrame, transaction: str) -> None:
        """Add ``rows`` in one commit, once: an append of the same ``transaction`` later adds nothing."""
        options = {"txnAppId": transaction, "txnVersion": "1", "mergeSchema": "true"}
        self._write(rows, table, "append", options)

    def restore(self, table: str, version: int) -> None:
        """Make an earlier version the newest again."""
        DeltaTable.forPath(self.spark, self.path(table)).restoreToVersion(version)

    def rows_written(self, table: str) -> int:
        """Rows that the table's newest version put down, from Delta's own metrics."""
        return rows_of_commit(self.path(table), self.version(table))

    def tables(self) -> list[str]:
        """Names of all the tables that exist."""
        return [
            f"{layer}.{table}"
            for layer in LAYERS
            for table in files.subfolders(f"{self.root}/{layer}")
            if self.exists(f"{layer}.{table}")
        ]

    def _write(self, rows: DataFrame, table: str, mode: str, options: Mapping[str, str] | None = None) -> None:
        rows.write.format("delta").mode(mode).options(**(options or {})).save(self.path(table))
