"""The tables that one job may touch."""

from collections.abc import Collection, Sequence
from datetime import date

from py4j.protocol import Py4JJavaError  # type: ignore[import-untyped]
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame

from sparkrec.contracts import load_contract
from sparkrec.contracts.spark import conform
from sparkrec.errors import DataError
from sparkrec.graph import JobSpec
from sparkrec.lake.delta_log import check_commit
from sparkrec.lake.fingerprint import fingerprint
from sparkrec.lake.lake import Lake
from sparkrec.layout import newest_version


class JobTables:
    """Hands a job just what its `JobSpec` names, so that graph and code cannot drift apart.

    Args:
        lake: The lake.
        spec: The job.
        sources: What ``{source}`` stands for in it: the source and its lookups.

    Attributes:
        read_versions: Delta versions that the job read, by table.
        written: Tables that the job wrote, with the version they had before (None: they did not exist).
        written_days: By table that the job wrote by days: which. Other tables were written whole.
        kept: Tables that the job left as they are and vouches for.
    """

    def __init__(self, lake: Lake, spec: JobSpec, sources: Sequence[str]) -> None:
        self._lake = lake
        self._spec = spec
        self._reads = {name.format(source=one) for name in (*spec.reads, *spec.from_outside) for one in sources}
        self._writes = {name.format(source=one) for name in spec.writes for one in sources}
        self.read_versions: dict[str, int] = {}
        self.written: dict[str, int | None] = {}
        self.written_days: dict[str, set[date]] = {}
        self.kept: set[str] = set()
        self._fingerprints: dict[str, int] = {}

    def read(self, table: str, version: int | None = None) -> DataFrame:
        """A table that the job reads, at one version for the whole job; its own last result; or an earlier version."""
        self._allow(table, self._reads | self._writes, "read")
        if version is not None:
            return self._lake.read(table, version)
        if table in self._writes:
            return self._lake.read(table)
        if table not in self.read_versions:
            self.read_versions[table] = self._lake.version(table)
        return self._lake.read(table, self.read_versions[table])

    def fingerprints(self, *tables: str) -> dict[str, int]:
        """`fingerprint` of each of these tables, which the job reads: what its result depends on.

        A run that writes a table anew with the same rows gives it a new version, but the same fingerprint.
        """
        for table in tables:
            if table not in self._fingerprints:
                self._fingerprints[table] = fingerprint(self.read(table))
        return {table: self._fingerprints[table] for table in tables}

    def exists(self, table: str) -> bool:
        """Whether a table that the job reads or writes exists."""
        self._allow(table, self._reads | self._writes, "read")
        return self._lake.exists(table)

    def replace(self, table: str, rows: DataFrame) -> int:
        """Replace a table that the job writes; the rows are brought to its contract.

        Returns: Rows written.
        """
        self._prepare(table)
        contract = load_contract(table)
        by = contract.interval if contract.partitioned else None
        self._lake.replace(table, conform(rows, contract), by, contract.looked_up_by)
        return self._lake.rows_written(table)

    def replace_days(self, table: str, rows: DataFrame, days: Collection[date]) -> int:
        """Replace days of a table that the job writes and whose contract names an ``interval``.

        Args:
            table: The table; it is written whole where it does not exist yet.
            rows: All of them of one of the days; they are brought to its contract.
            days: What is replaced; a day without rows is emptied.

        Returns: Rows written.
        """
        contract = load_contract(table)
        if contract.interval is None:
            raise ValueError(f"{table} has no interval: replace it whole")
        if not self._lake.exists(table):
            return self.replace(table, rows)
        before = self._prepare(table)
        self.written_days.setdefault(table, set()).update(days)
        rows = conform(rows, contract)
        self._lake.replace_days(table, rows, contract.interval, days, contract.partitioned)
        # Delta makes no commit of nothing in the place of nothing.
        return self._lake.rows_written(table) if self._lake.version(table) != before else 0

    def days_replaced(self, table: str, since: int) -> set[date] | None:
        """Days of a table that the job reads which commits after the version ``since`` have replaced.

        None where some commit may have changed any.
        """
        self._allow(table, self._reads | self._writes, "read")
        return self._lake.days_replaced(table, since)

    def version_of_rows(self, table: str) -> int | None:
        """The newest version that may have changed the rows of a table that the job writes; None without a table."""
        self._allow(table, self._writes, "read")
        return self._lake.version_of_rows(table)

    def has_version(self, table: str, version: int) -> bool:
        """Whether the log of a table that the job reads still has the version."""
        self._allow(table, self._reads | self._writes, "read")
        return self._lake.has_version(table, version)

    def keep(self, table: str) -> None:
        """Note that a table which the job writes is its result as it is."""
        self._allow(table, self._writes, "write")
        self.kept.add(table)

    def put_back(self, table: str, version: int) -> bool:
        """Make this version of a table that the job writes its newest rows; False where it cannot be read any more."""
        self._allow(table, self._writes, "write")
        if self._lake.version_of_rows(table) == version:
            return True
        try:
            self._lake.restore(table, version)
        except (DataError, Py4JJavaError, PySparkException):
            return False
        return True

    def append(self, table: str, rows: DataFrame, transaction: str) -> int:
        """Append to a table that the job writes, once per transaction name.

        Returns: Rows written, none where the transaction was made before.
        """
        before = self._prepare(table)
        contract = load_contract(table)
        self._lake.append(table, conform(rows, contract), transaction, contract.looked_up_by)
        return self._lake.rows_written(table) if self._lake.version(table) != before else 0

    @property
    def restaged(self) -> str:
        """Folder for copies of landing files while they are read."""
        return self._lake.path("restaged/landing")

    def read_artefact(self, name: str) -> str:
        """Folder or file of an artefact that the job reads."""
        self._allow(name, self._reads | self._writes, "read")
        return self._lake.path(name)

    def write_artefact(self, name: str) -> str:
        """Folder or file of an artefact that the job writes."""
        self._allow(name, self._writes, "write")
        return self._lake.path(name)

    def _prepare(self, table: str) -> int | None:
        """The version that the table has; after a failure it goes back to the first one noted here."""
        self._allow(table, self._writes, "write")
        before = newest_version(self._lake.path(table))
        if before is not None:
            check_commit(self._lake.path(table), before)
        self.written.setdefault(table, before)
        return before

    def _allow(self, name: str, allowed: set[str], verb: str) -> None:
        if name not in allowed:
            raise ValueError(f"job {self._spec.name} may not {verb} {name}: add it to its JobSpec in sparkrec/graph")
