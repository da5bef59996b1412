"""Run jobs: one at a time, each gated by its tables' contracts and written down in gold.pipeline_runs."""

import hashlib
import importlib
import json
import re
import textwrap
import time
import uuid
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import chain
from typing import Any

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from sparkrec.config import Settings
from sparkrec.contracts import load_contract
from sparkrec.contracts.expectations import Quality, QualityReport
from sparkrec.contracts.spark import conform, struct_type
from sparkrec.errors import ConfigurationError, DataError, GateError, SparkrecError
from sparkrec.file_systems import storage_trouble
from sparkrec.graph import JobSpec, pipeline, upstream
from sparkrec.lake import JobTables, Lake
from sparkrec.lake.damage import damage_of_files, damage_of_tables
from sparkrec.lake.days import is_of_days
from sparkrec.masking import masked
from sparkrec.steps.context import Counts, JobContext
from sparkrec.steps.due import Retrain, retrain_due
from sparkrec.steps.gates import closed_gates
from sparkrec.steps.runs import RUNS, latest_runs
from sparkrec.unexpected import cause, under_way
from sparkrec.version import __version__

_WIDTH = 80
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")


@dataclass(frozen=True)
class Runner:
    """Runs jobs of one run on one session.

    Attributes:
        settings: The run's settings.
        spark: The session.
        say: Takes lines of progress.
        run_id: Names the run in gold.pipeline_runs; jobs that are started one by one may share it.
    """

    settings: Settings
    spark: SparkSession
    say: Callable[[str], None]
    run_id: str

    @classmethod
    def start(
        cls, settings: Settings, spark: SparkSession, say: Callable[[str], None], run_id: str | None = None
    ) -> "Runner":
        """A runner with this run id, or one of its own."""
        return cls(settings, spark, say, run_id or f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{uuid.uuid4().hex[:6]}")

    @property
    def lake(self) -> Lake:
        """The run's lake."""
        return Lake(self.spark, self.settings.lake)

    def run(self, specs: Sequence[JobSpec], retrain: Retrain = "yes") -> None:
        """Run the jobs in the order given; the first that fails stops the run.

        Args:
            specs: The jobs.
            retrain: Whether those of a retrain are among them, or only when one is due; the run says which and why.
        """
        retrains = {"yes": True, "no": False}.get(retrain)
        for number, spec in enumerate(specs, 1):
            label = f"[{number}/{len(specs)}] {spec.name}"
            with under_way(f"job {spec.name} of source {self.settings.source.name}"):
                if spec.retrain and retrains is None:
                    due = retrain_due(self.settings, self.lake, self._known_until(spec))
                    self._say_below(f"a retrain is {'' if due.is_due else 'not '}due: {due.why}")
                    retrains = due.is_due
                if spec.retrain and not retrains:
                    self.say(f"{label}: left out")
                    continue
                self._run_job(spec, label)

    def _run_job(self, spec: JobSpec, label: str) -> None:
        source = self.settings.source
        names = [source.name, *[source.of_lookup(lookup).name for lookup in source.lookups]]
        tables = JobTables(self.lake, spec, names)
        known_until = self._known_until(spec)
        context = JobContext(
            settings=self.settings,
            spark=self.spark,
            tables=tables,
            run_id=self.run_id,
            known_until=known_until,
            say=self._say_below,
            runs=lambda jobs: latest_runs(self.lake, jobs),
        )
        for line in textwrap.wrap(f"{label}: {spec.description}", _WIDTH, subsequent_indent="    "):
            self.say(line)
        started, clock = datetime.now(UTC), time.monotonic()
        self.spark.sparkContext.setJobDescription(f"sparkrec {spec.name}")
        try:
            counts: Counts = _step(spec, "run")(context)
            self._gate(spec, tables)
        except Exception as error:
            raised = _of_storage(spec, error) or error
            try:
                self._put_back(tables)
                if raised is error and not isinstance(error, ConfigurationError | GateError):
                    damage = self._damage(spec, tables)
                    raised = DataError(f"{spec.name}: {damage}") if damage else error
                # What other libraries say may quote what is in a table.
                message = str(raised) if isinstance(raised, SparkrecError) else _QUOTED.sub("'...'", cause(raised))
                self._write_down(spec, tables, known_until, started, time.monotonic() - clock, {}, message)
            except Exception:  # the first error counts
                self._say_below(f"the failure of {spec.name} could not be written down in {RUNS}")
            if raised is not error:
                raise raised from error
            raise
        seconds = time.monotonic() - clock
        try:
            self._write_down(spec, tables, known_until, started, seconds, counts, None)
        except Exception as error:
            trouble = storage_trouble(str(error))
            if trouble is None:
                raise
            raise DataError(
                f"{spec.name}: {trouble}: its tables are done, but its row of {RUNS} could not be written. "
                "Free space or mend the rights, then run the same command again"
            ) from error
        told = "  ".join(f"{name} {rows:,}" for name, rows in counts.items())
        self._say_below(f"{seconds:.1f} s  {told}")

    def _say_below(self, line: str) -> None:
        """Say something of the job under way, below its own line."""
        for part in textwrap.wrap(line, _WIDTH - 4, break_on_hyphens=False, break_long_words=False):
            self.say(f"    {part}")

    def _known_until(self, spec: JobSpec) -> date | None:
        """The run's day; without one in the settings the data's last day, once silver.interactions is of this run."""
        if self.settings.run_date or "silver.interactions" in spec.writes or not upstream(pipeline())[spec.name]:
            return self.settings.run_date
        newest = self.lake.read("silver.interactions").agg(F.max("event_date").alias("day")).first()
        return newest.day if newest else None

    def _gate(self, spec: JobSpec, tables: JobTables) -> None:
        """Check the tables that the job wrote; where one breaks a `fail` rule, the job has failed."""
        checked = [table for table in tables.written if table.startswith(("silver.", "gold."))]
        if not checked:
            return
        # What was left as it is may be so because all that came for it was refused.
        kept = sorted(tables.kept - tables.written.keys())
        quality = Quality(self.settings.quality_folder)
        found: list[tuple[str, str, str]] = []
        for table in checked:
            for failure in self._validated(quality, table, tables.written_days.get(table)).failures:
                broken_by = f"broken by {failure.unexpected:,} of {failure.total:,} rows"
                found.append((table, failure.on_failure, f"{failure.rule} {broken_by}"))
        for table in [*checked, *kept]:
            by_days = table in tables.written_days or table in kept
            closed = closed_gates(self.lake, load_contract(table), tables.written, by_days, self.settings.run_date)
            found += [(table, gate.on_failure, f"{gate.name}: {trouble}") for gate, trouble in closed]
        for table, on_failure, trouble in found:
            self._say_below(f"{on_failure}: {table}: {trouble}")
        broken = [f"{table}: {trouble}" for table, on_failure, trouble in found if on_failure == "fail"]
        if broken:
            kept_all = "its tables keep their last good version"
            pages = quality.build_data_docs()
            raise GateError(f"{spec.name}: " + "; ".join(broken) + f"; {kept_all}. Data Docs: {pages}")

    def _validated(self, quality: Quality, table: str, days: Collection[date] | None) -> QualityReport:
        """What the contract's checks find in the table; only in these days of it, if it was written by days."""
        contract = load_contract(table)
        others = [check.table for check in contract.checks if check.kind == "references"]
        rows = self.lake.read(table)
        if days and contract.interval:
            # The others were checked when they were written.
            rows = rows.where(is_of_days(contract.interval, days))
        return quality.validate(rows, contract, {other: self.lake.read(other) for other in others})

    def _damage(self, spec: JobSpec, tables: JobTables) -> str | None:
        """The first damaged file among all that the job reads or writes; None where there is none."""
        folders = sorted({name.partition("/")[0] for name in (*spec.reads, *spec.writes) if "/" in name})
        of_tables = damage_of_tables(self.lake.root, [*tables.read_versions, *tables.written])
        of_files = chain.from_iterable(damage_of_files(self.lake.path(f"{folder}/")) for folder in folders)
        return next(chain(of_tables, of_files), None)

    def _put_back(self, tables: JobTables) -> None:
        """Give the tables of a failed job their last good versions again."""
        for table, version in tables.written.items():
            if version is not None and self.lake.version(table) != version:
                self.lake.restore(table, version)

    def _write_down(
        self,
        spec: JobSpec,
        tables: JobTables,
        known_until: date | None,
        started: datetime,
        seconds: float,
        counts: Counts,
        message: str | None,
    ) -> None:
        contract = load_contract(RUNS)
        outputs = {
            table: version
            for table in sorted({*tables.written, *tables.kept})
            if (version := self.lake.version_of_rows(table)) is not None
        }
        row = {
            "run_id": self.run_id,
            "job": spec.name,
            "run_date": known_until,
            "started_at": started,
            "seconds": seconds,
            "outcome": "failed" if message else "done",
            "inputs": tables.read_versions,
            "outputs": outputs,
            "counts": counts,
            "message": message,
            "settings": settings_digest(self.settings),
            # A failed run is none to go on from, and what defines it may be what it failed for.
            "definition": None if message else _step(spec, "definition", lambda settings: None)(self.settings),
            "code_version": __version__,
        }
        rows = self.spark.createDataFrame([row], struct_type(contract))
        transaction = f"{self.run_id} {spec.name} {started.isoformat()}"
        self.lake.append(RUNS, conform(rows, contract), transaction)


def _step(spec: JobSpec, name: str, default: Callable[..., Any] | None = None) -> Callable[..., Any]:
    """A function of the job's file: ``run``, or ``definition``, which not all have: what decides the rows it makes."""
    module = spec.step or f"sparkrec.steps.{spec.name}"
    found = getattr(importlib.import_module(module), name, default)
    if found is None:
        raise AttributeError(f"{module} has no {name}")
    return found


def _of_storage(spec: JobSpec, error: Exception) -> DataError | None:
    """What people are told where the storage is why the job failed."""
    trouble = storage_trouble(str(error))
    if trouble is None:
        return None
    return DataError(
        f"{spec.name}: {trouble}; its tables keep their last good version. "
        "Free space or mend the rights, then run the same command again"
    )


def settings_digest(settings: Settings) -> str:
    """First 12 hex digits of the SHA-256 of the resolved settings, secrets left out: others make no other run."""
    shown = json.dumps(masked(settings.model_dump(mode="json")))
    return hashlib.sha256(shown.encode()).hexdigest()[:12]
