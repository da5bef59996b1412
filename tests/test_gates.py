from datetime import date
from typing import Any

import pytest
from pyspark.sql import SparkSession

from sparkrec.contracts import Contract
from sparkrec.lake import Lake
from sparkrec.steps.gates import closed_gates


@pytest.fixture(scope="module")
def lake(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """Ten events of two days, then six of one; three refused lines of events, one of searches."""
    lake = Lake(spark, str(tmp_path_factory.mktemp("gates")))
    lake.replace("silver.events", spark.sql("select id, date '2026-01-01' + cast(id % 2 as int) day from range(10)"))
    lake.replace("silver.events", spark.sql("select id, date '2026-01-01' day from range(6)"))
    refused = [("silver.events", ["late"]), ("silver.events", ["late"]), ("silver.events", ["a", "b"])]
    rows = [*refused, ("silver.searches", ["empty"])]
    lake.replace("silver.quarantine", spark.createDataFrame(rows, "table string, reasons array<string>"))
    return lake


def events(**gate: Any) -> Contract:
    """A contract of silver.events with one gate."""
    columns = {name: {"type": kind, "description": name} for name, kind in (("id", "long"), ("day", "date"))}
    given: dict[str, Any] = {"table": "silver.events", "description": "Events.", "grain": "one event"}
    given |= {"people": {"forget": "nothing", "why": "Events of nobody."}, "columns": columns}
    return Contract.model_validate(given | {"gates": [gate | {"on_failure": "fail"}]})


@pytest.mark.parametrize(
    ("gate", "name", "trouble"),
    [
        ({"kind": "refused_share", "max": 0.34}, "", None),
        (
            {"kind": "refused_share", "max": 0.3},
            "refused_share(at most 30%)",
            "3 of 9 rows refused, most of them for late 2, a + b 1",
        ),
        ({"kind": "row_count_change", "min": 0.6}, "", None),
        ({"kind": "row_count_change", "min": 0.7}, "row_count_change(0.7 to inf times)", "6 rows, 10 before"),
        ({"kind": "freshness", "column": "day", "max_days": 4}, "", None),
        (
            {"kind": "freshness", "column": "day", "max_days": 3},
            "freshness(day at most 3 days old)",
            "the newest is of 2026-01-01, the run of 2026-01-05",
        ),
    ],
)
def test_a_gate_is_closed_beyond_its_bound(lake: Lake, gate: dict[str, Any], name: str, trouble: str | None) -> None:
    found = closed_gates(lake, events(**gate), {"silver.events": 0}, by_days=False, run_date=date(2026, 1, 5))

    assert [(closed.name, told) for closed, told in found] == ([(name, trouble)] if trouble else [])


def test_a_first_version_and_a_run_without_a_day_pass(lake: Lake) -> None:
    for gate in ({"kind": "row_count_change", "min": 0.9}, {"kind": "freshness", "column": "day", "max_days": 0}):
        assert closed_gates(lake, events(**gate), {"silver.events": None}, by_days=False, run_date=None) == []


def test_where_only_days_were_written_only_what_came_is_refused_or_not(lake: Lake) -> None:
    gate = events(kind="refused_share", max=0.2)
    # Three refused lines came, and no event: the ten of before were replaced by six.
    written = {"silver.events": 0, "silver.quarantine": None}
    assert [told for _, told in closed_gates(lake, gate, written, by_days=True, run_date=None)] == [
        "3 of 3 rows refused, most of them for late 2, a + b 1"
    ]
    # The refused lines were there before.
    assert closed_gates(lake, gate, {"silver.events": 0}, by_days=True, run_date=None) == []
