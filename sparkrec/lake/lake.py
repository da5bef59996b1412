"""Tables of the lake by name."""

import re
import uuid
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, timedelta
from functools import partial

from delta.tables import DeltaTable
from pyspark.errors import AnalysisException
from pyspark.sql import Column, DataFrame, SparkSession

from sparkrec.compat.spark import delta_log, drop_delta_log
from sparkrec.contracts.load import LAYERS
from sparkrec.errors import DataError
from sparkrec.file_systems import file_names
from sparkrec.lake import files
from sparkrec.lake.days import days_of_note, is_of_days, note_of_days
from sparkrec.lake.delta_log import (
    active_files,
    check_commit,
    has_commit,
    keeps_rows,
    metric_of_commit,
    newest_version_of_rows,
    note_of_commit,
    removes_with_values,
)
from sparkrec.layout import absolute, newest_version, table_names, table_path

# Bytes of all Parquet files together.
_FEW = 32 << 20
_UNUSUAL = re.compile(r"[ ,;{}()\n\t=]")


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
        return f"{self.root}/{name}" if "/" in name else table_path(self.root, name)

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

    def has_version(self, table: str, version: int) -> bool:
        """Whether the table's log still has the commit of this version."""
        return has_commit(self.path(table), version)

    def version_of_rows(self, table: str) -> int | None:
        """The newest Delta version that may have changed the table's rows; None where there is no table."""
        return newest_version_of_rows(self.path(table))

    def read(self, table: str, version: int | None = None) -> DataFrame:
        """The table's newest version, or the one named.

        Raises:
            DataError: There is no such table yet, or a part of its newest commit is missing.
        """
        check_commit(self.path(table), self.version(table))
        reader = self.spark.read.format("delta")
        if version is not None:
            # Also of the newest one: else Delta would read what is the newest when the rows are wanted.
            reader = reader.option("versionAsOf", version)
        return reader.load(self.path(table))

    def replace(
        self, table: str, rows: DataFrame, interval: str | None = None, looked_up_by: Sequence[str] = ()
    ) -> None:
        """Put ``rows`` in the place of the whole table, in one commit.

        Args:
            table: The table.
            rows: Its rows.
            interval: The date that the table is partitioned by, so that `replace_days` touches no other days.
            looked_up_by: As for `append`.
        """
        whole_days = _in_whole_days(rows, interval) if interval else rows
        # Of a day with files of its own nothing need be noted.
        noted = [name for name in looked_up_by if name != interval]
        options = {"overwriteSchema": "true", **_statistics(noted)}
        write = partial(self._write, whole_days, table, "overwrite", options, interval)
        try:
            write()
        except AnalysisException as error:
            if "DELTA_COLUMN_NOT_FOUND_IN_SCHEMA" not in str(error):
                raise
            # The table is there with a column less, of which Delta was to note the values.
            quoted, property_ = _quoted(self.path(table)), "delta.dataSkippingStatsColumns"
            self.spark.sql(f"alter table {quoted} unset tblproperties if exists ('{property_}')")
            write()
            self.spark.sql(f"alter table {quoted} set tblproperties ('{property_}' = '{','.join(noted)}')")

    def replace_days(
        self, table: str, rows: DataFrame, column: str, days: Collection[date], partitioned: bool = False
    ) -> None:
        """Put ``rows`` in the place of the rows of these days, in one commit; those of other days stay.

        Args:
            table: A table that exists.
            rows: All of them of one of the days.
            column: The date that says of which day a row is. Where the table is not partitioned by it, files that
                hold other days, too, are written anew.
            days: What is replaced; a day without rows is emptied.
            partitioned: Whether it is partitioned by it.
        """
        rows = _in_whole_days(rows, column) if partitioned else rows
        self._write(rows, table, "overwrite", {"replaceWhere": is_of_days(column, days), **note_of_days(days)})

    def days_replaced(self, table: str, since: int) -> set[date] | None:
        """Days that commits after the version ``since`` have replaced; None where some commit may have changed any."""
        days: set[date] = set()
        for version in range(since + 1, self.version(table) + 1):
            if keeps_rows(self.path(table), version):
                continue
            replaced = days_of_note(note_of_commit(self.path(table), version))
            if replaced is None:
                return None
            days |= replaced
        return days

    def append(self, table: str, rows: DataFrame, transaction: str, looked_up_by: Sequence[str] = ()) -> None:
        """Add ``rows`` in one commit, once: an append of the same ``transaction`` later adds nothing.

        Args:
            table: The table.
            rows: What is added.
            transaction: Its name.
            looked_up_by: Columns of which a new table notes the least and the greatest value of each file, so that
                readers can pass over files; to note those of all columns would take longer than to write them.
        """
        options = {"txnAppId": transaction, "txnVersion": "1", "mergeSchema": "true", **_statistics(looked_up_by)}
        self._write(rows, table, "append", options)

    def restore(self, table: str, version: int) -> None:
        """Make an earlier version the newest again."""
        DeltaTable.forPath(self.spark, self.path(table)).restoreToVersion(version)

    def delete(self, table: str, found: DataFrame, condition: Column | str) -> int:
        """Delete the rows that meet the condition with any row of ``found`` (``f``), in one commit.

        What is looked for stands in a table and not in the condition, so that it does not get into plans and logs.

        Returns: Rows deleted.
        """
        target = DeltaTable.forPath(self.spark, self.path(table)).alias("t")
        before = self.version(table)
        target.merge(found.alias("f"), condition).whenMatchedDelete().execute()
        version = self.version(table)
        return metric_of_commit(self.path(table), version, "numTargetRowsDeleted") if version != before else 0

    def update(self, table: str, found: DataFrame, condition: str, values: Mapping[str, str]) -> None:
        """Give the rows that meet the condition with a row of ``found`` (``f``) these values, in one commit."""
        target = DeltaTable.forPath(self.spark, self.path(table)).alias("t")
        target.merge(found.alias("f"), condition).whenMatchedUpdate(set=dict(values)).execute()

    def purge(self, table: str) -> None:
        """Leave nothing of the table but its newest version: no earlier one can be read or restored any more."""
        path = self.path(table)
        if removes_with_values(path, self.version(table)):
            # The commit tells of the files that it removed what the commits told that added them.
            self.append(table, self.read(table).limit(0), f"purge {uuid.uuid4().hex}")
        newest = self.version(table)
        log = [(name, name.partition(".")[0]) for name in file_names(f"{path}/_delta_log")]
        # Commits hold the least and the greatest values of the files that they added.
        earlier = [name for name, version in log if version.isdigit() and int(version) < newest]
        if earlier:
            delta_log(self.spark, path).checkpoint()
            # Delta passes over a checkpoint that it cannot write, and without one the earlier commits are needed.
            if f"{newest:020d}.checkpoint.parquet" not in file_names(f"{path}/_delta_log"):
                raise DataError(f"{table}: no checkpoint of version {newest} can be written, so its history stays")
            for name in earlier:
                files.delete_file(f"{path}/_delta_log/{name}")
            drop_delta_log(self.spark, path)
        # Delta's own vacuum takes several Spark jobs for each table.
        files.delete_others(path, active_files(path), besides="_delta_log")

    def vacuum(self, table: str, keep: timedelta) -> None:
        """Remove the files that no version of the last ``keep`` needs; others can then no longer be read."""
        listing = {
            "spark.databricks.delta.retentionDurationCheck.enabled": "false",
            # Else it lists the files in ten thousand tasks, however few there are.
            "spark.sql.sources.parallelPartitionDiscovery.parallelism": str(
                4 * self.spark.sparkContext.defaultParallelism
            ),
        }
        with self._conf(listing):
            DeltaTable.forPath(self.spark, self.path(table)).vacuum(keep / timedelta(hours=1))

    def compact(self, table: str, clustered_by: Sequence[str] = ()) -> None:
        """Join small files of the table into larger ones; its rows stay the same.

        Args:
            table: The table; where nothing was written since it was last compacted it stays as it is.
            clustered_by: Columns by whose values rows are brought together (Z-order), so that who looks for one
                passes over most files and pages. They must be among those it is ``looked_up_by``.
        """
        if self.version(table) != self.version_of_rows(table):
            return
        # The builder of DeltaTable does not get along with a backquote in the path.
        columns = f" zorder by ({', '.join(f'`{name}`' for name in clustered_by)})" if clustered_by else ""
        self.spark.sql(f"optimize {_quoted(self.path(table))}{columns}")

    @contextmanager
    def as_of_few_rows(self) -> Iterator[None]:
        """Let Spark work as suits the lake: of a small one it plans and compiles queries longer than it runs them.

        What `delete` is given meanwhile must not come out otherwise when it is read again.
        """
        if files.size_of(self.root, ".parquet") > _FEW:
            yield
            return
        few = {
            "spark.sql.adaptive.enabled": "false",
            "spark.sql.codegen.wholeStage": "false",
            "spark.sql.codegen.factoryMode": "NO_CODEGEN",
            "spark.sql.shuffle.partitions": str(self.spark.sparkContext.defaultParallelism),
            "spark.databricks.delta.snapshotPartitions": "1",
            # What is looked for is checkpointed; Delta would copy it once more for each table.
            "spark.databricks.delta.merge.materializeSource": "none",
            "spark.databricks.delta.writeChecksumFile.enabled": "false",
        }
        with self._conf(few):
            yield

    @contextmanager
    def _conf(self, settings: Mapping[str, str]) -> Iterator[None]:
        before = {key: self.spark.conf.get(key, None) for key in settings}
        for key, value in settings.items():
            self.spark.conf.set(key, value)
        try:
            yield
        finally:
            for key, earlier in before.items():
                if earlier is None:
                    self.spark.conf.unset(key)
                else:
                    self.spark.conf.set(key, earlier)

    def rows_written(self, table: str) -> int:
        """Rows that the table's newest version put down, from Delta's own metrics."""
        return metric_of_commit(self.path(table), self.version(table), "numOutputRows")

    def tables(self, with_private: bool = False) -> list[str]:
        """Names of all the tables that exist; those of the layer ``private`` where they are asked for."""
        return table_names(self.root, (*LAYERS, *(("private",) if with_private else ())))

    def _write(
        self, rows: DataFrame, table: str, mode: str, options: Mapping[str, str], interval: str | None = None
    ) -> None:
        names = self._any_names(table) if _UNUSUAL.search("".join(rows.columns)) else {}
        writer = rows.write.format("delta").mode(mode).options(**options, **names)
        (writer.partitionBy(interval) if interval else writer).save(self.path(table))

    def _any_names(self, table: str) -> dict[str, str]:
        """What lets the table have columns of any name, though Parquet's own may not have blanks and the like."""
        if self.exists(table):
            self.spark.sql(
                f"alter table {_quoted(self.path(table))} set tblproperties ('delta.columnMapping.mode' = 'name', "
                "'delta.minReaderVersion' = '2', 'delta.minWriterVersion' = '5')"
            )
        return {"delta.columnMapping.mode": "name"}


def _quoted(path: str) -> str:
    """The table at a path, in SQL."""
    return "delta.`" + absolute(path).replace("`", "``") + "`"


def _in_whole_days(rows: DataFrame, interval: str) -> DataFrame:
    # Else every task would write a file for every day.
    return rows.hint("rebalance", interval)


def _statistics(looked_up_by: Sequence[str]) -> dict[str, str]:
    if looked_up_by:
        return {"delta.dataSkippingStatsColumns": ",".join(looked_up_by)}
    return {"delta.dataSkippingNumIndexedCols": "0"}
