"""Look at a table beside what it was, what was refused and what day it is."""

from collections.abc import Mapping
from datetime import date

from pyspark.sql import Column
from pyspark.sql import functions as F

from sparkrec.cleaning.refusals import reason_set
from sparkrec.contracts import Contract
from sparkrec.contracts.contract import FreshnessGate, RefusedShareGate, RowCountChangeGate, TableGate
from sparkrec.lake import Lake

_QUARANTINE = "silver.quarantine"


def closed_gates(
    lake: Lake, contract: Contract, written: Mapping[str, int | None], by_days: bool, run_date: date | None
) -> list[tuple[TableGate, str]]:
    """Gates of the table that its newest version does not pass.

    Args:
        lake: The lake.
        contract: The table's contract.
        written: Tables that the job wrote, with the version they had before; None where there was none.
        by_days: Whether the job added to what there was, so that only what came counts as refused or not.
        run_date: The day of the run, if it was given one.
    """
    found = [(gate, _trouble(lake, contract.table, gate, written, by_days, run_date)) for gate in contract.gates]
    return [(gate, trouble) for gate, trouble in found if trouble]


def _trouble(
    lake: Lake, table: str, gate: TableGate, written: Mapping[str, int | None], by_days: bool, run_date: date | None
) -> str | None:
    match gate:
        case RefusedShareGate():
            return _refused(lake, table, gate, written if by_days else {})
        case RowCountChangeGate():
            before = written.get(table)
            if before is None:
                return None
            was, is_ = lake.read(table, before).count(), lake.read(table).count()
            if gate.min * was <= is_ <= gate.max * was:
                return None
            return f"{is_:,} rows, {was:,} before"
        case FreshnessGate():
            if run_date is None:
                return None
            row = lake.read(table).agg(F.max(gate.column).alias("newest")).first()
            if not row or row.newest is None or (run_date - row.newest).days <= gate.max_days:
                return None
            return f"the newest is of {row.newest}, the run of {run_date}"


def _refused(lake: Lake, table: str, gate: RefusedShareGate, before: Mapping[str, int | None]) -> str | None:
    of_table = F.col("table") == table
    refused = lake.read(_QUARANTINE).where(of_table)
    bad, good = refused.count(), lake.read(table).count()
    if before:
        bad -= _rows(lake, _QUARANTINE, before, of_table)
        good -= _rows(lake, table, before, F.lit(True))
    if bad <= gate.max * (bad + max(good, 0)):
        return None
    by_reason = reason_set(F.col("reasons")).alias("reasons")
    came = refused.select(by_reason)
    earlier = before.get(_QUARANTINE)
    if earlier is not None:
        came = came.exceptAll(lake.read(_QUARANTINE, earlier).where(of_table).select(by_reason))
    worst = came.groupBy("reasons").count().orderBy(F.desc("count"), "reasons").limit(3).collect()
    told = ", ".join(f"{row.reasons} {row['count']:,}" for row in worst)
    return f"{bad:,} of {bad + max(good, 0):,} rows refused, most of them for {told}"


def _rows(lake: Lake, table: str, before: Mapping[str, int | None], condition: Column) -> int:
    """Rows that the table had before the job; one that the job did not write has them still."""
    version = before.get(table, lake.version(table))
    return 0 if version is None else lake.read(table, version).where(condition).count()
