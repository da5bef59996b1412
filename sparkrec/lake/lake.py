"""Tables of the lake by name."""

from collections.abc import Mapping

from delta.tables import DeltaTable
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.types import StructType

from sparkrec.errors import DataError
from sparkrec.lake import files

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
        return DeltaTable.isDeltaTable(self.spark, self.path(table))

    def version(self, table: str) -> int:
        """The table's newest Delta version."""
        history = DeltaTable.forPath(self.spark, self.path(table)).history(1)
        return int(history.select("version").first()["version"])  # type: ignore[index]

    def read(self, table: str, version: int | None = None) -> DataFrame:
        """The table's newest version, or the one named.

        Raises:
            DataError: There is no such table yet.
        """
        if not self.exists(table):
            raise DataError(f"{table} does not exist in {self.root}: run the jobs before this one first")
        reader = self.spark.read.format("delta")
        if version is not None:
            reader = reader.option("versionAsOf", version)
        return reader.load(self.path(table))

    def create(self, table: str, schema: StructType) -> None:
        """Create the table without rows where it does not exist yet."""
        if not self.exists(table):
            self._write(self.spark.createDataFrame([], schema), table, "ignore")

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
        """Rows that the table's latest write put down, from Delta's own metrics."""
        history = DeltaTable.forPath(self.spark, self.path(table)).history(1)
        metrics = history.select("operationMetrics").first()["operationMetrics"]  # type: ignore[index]
        return int(metrics["numOutputRows"])

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
