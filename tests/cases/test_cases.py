"""Small deliveries as shops make them, each in a folder of its own: what lands, what is refused, and what is said."""

import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from sparkrec.config import load_settings, shipped_root
from sparkrec.errors import SparkrecError
from sparkrec.features.effective_split import effective_split
from sparkrec.graph import JOBS
from sparkrec.lake import Lake
from sparkrec.lake.one_source import check_source
from sparkrec.steps.runner import Runner

CASES = Path(__file__).parent
MONDAY = "2024-01-01 10:00:00"
THREE = [("u1", "i1", MONDAY, 1.0, 2.5), ("u2", "i2", "2024-01-02 11:00:00", 2.0, 3.5)]
THREE += [("u3", "i1", "2024-01-03 12:00:00", 1.0, 2.5)]
TWO = [("u1", "i1", MONDAY, 1.0, 2.5), ("u2", "i2", "2024-01-02 10:00:00", 2.0, 3.5)]
FEBRUARY = "2024-02-01 10:00:00"


@dataclass(frozen=True)
class Case:
    """What a delivery must come to.

    Attributes:
        name: The folder.
        counts: Of the last job that ran; those of the first delivery's lines among them where there is a second.
        rows: Events of silver: user, item, time, quantity and price. None runs no clean job.
        refused: Quarantined rows by reason.
        columns: Of bronze, where they are what the case is about.
        told: Patterns of what is said, or of the message of the job that fails.
        exit_status: Of the job that fails; None where none does.
        settings: Overrides.
    """

    name: str
    counts: dict[str, int]
    rows: Sequence[tuple[object, ...]] | None = None
    refused: dict[str, int] = field(default_factory=dict)
    columns: tuple[str, ...] = ()
    told: tuple[str, ...] = ()
    exit_status: int | None = None
    settings: tuple[str, ...] = ()


ROW = ("u1", "i1", MONDAY, 1.0, 2.5)
THIRD = ("u3", "i3", "2024-01-03 10:00:00", 1.0, 2.5)
ONE = {"files": 1, "new_files": 1, "new_lines": 1}
LINES_OF_TWO = {"files": 1, "new_files": 1, "new_lines": 2}

CASE_LIST = [
    Case(
        "bad_pattern",
        {},
        told=(r"^interactions\.event_time: .*the pattern 'YYYY-MM-DD hh:mm:ss' is wrong: Y is the year of a week",),
        exit_status=2,
    ),
    Case("col_backtick", ONE, columns=("we`ird",)),
    Case("col_blank_pad", {"landed": 1, "kept": 1}, [ROW], columns=("user", "item")),
    Case("col_spaces", ONE, columns=("Customer ID", "Lineitem quantity", "Item (name)")),
    Case(
        "corrected_in_place",
        {"landed": 12, "kept": 6, "redelivered": 6, "duplicates": 0, "refused": 0},
        [("u1", f"i{n}", f"2024-01-0{n} 10:00:00", 1.0, 20.0 + n) for n in range(1, 7)],
    ),
    Case("csv_partitioned", {"landed": 1, "kept": 1}, [("u1", "i1", "2024-01-01 00:00:00", 1.0, 2.5)], columns=("dt",)),
    Case("csv_partitioned_base", {"files": 2, "new_files": 2, "new_lines": 2}, columns=("dt",)),
    Case("empty_among", {"files": 2, "new_lines": 1}, told=("part-1.csv is empty: there is no line in it",)),
    Case(
        "far_year",
        {"landed": 2, "kept": 1, "refused": 1},
        [ROW],
        {"event_time_out_of_range": 1},
        told=(r"event_time_out_of_range 1: the first in a.csv has at '1704103200000': it looks like milliseconds",),
    ),
    Case(
        "file_date",
        {"landed": 4, "kept": 4, "duplicates": 0},
        [
            (user, item, f"2024-01-0{day} 00:00:00", 1.0, 2.5)
            for user, item, day in (("u1", "i1", 1), ("u1", "i1", 2), ("u2", "i2", 1), ("u3", "i2", 2))
        ],
    ),
    Case(
        "hm_duplicates",
        {"landed": 4, "kept": 2, "duplicates": 2},
        [(user, "a1", "2018-09-20 00:00:00", None, 0.05) for user in ("c1", "c2")],
    ),
    Case(
        "hm_duplicates",
        {"landed": 4, "kept": 4, "duplicates": 0},
        [(user, "a1", "2018-09-20 00:00:00", None, 0.05) for user in ("c1", "c1", "c1", "c2")],
        settings=("source.duplicates=keep",),
    ),
    Case(
        "hm_duplicates",
        {"landed": 4, "kept": 2, "duplicates": 2},
        [(user, "a1", "2018-09-20 00:00:00", pieces, 0.05) for user, pieces in (("c1", 3.0), ("c2", 1.0))],
        settings=("source.duplicates=sum",),
    ),
    Case(
        "ids",
        {"landed": 34, "kept": 24, "refused": 10},
        refused={"item_id_missing": 9, "item_id_too_long": 1, "user_id_too_long": 1},
    ),
    Case("json_array_items", {"landed": 2, "kept": 2}, [("u1", item, MONDAY, None, None) for item in "AB"]),
    Case("json_dupkeys", LINES_OF_TWO),
    Case("json_key_space", ONE, columns=("Created at", "utm;source")),
    Case("json_pretty", {"landed": 2, "kept": 2}, [(user, "i1", MONDAY, 1.0, 2.5) for user in ("u1", "u2")]),
    Case(
        "json_redelivery_clean",
        {"landed": 4, "kept": 3, "duplicates": 1, "redelivered": 0},
        [(user, "i1", MONDAY, 1.0, 2.5) for user in ("u1", "u2", "u3")],
    ),
    Case("json_trailing_comma", {"files": 1, "new_lines": 13}),
    # Upper and lower case are the same; a line with both is refused.
    Case("json_key_case", {"landed": 3, "kept": 2}, [ROW, THIRD], {"line_unreadable": 1}),
    Case(
        "json_key_space",
        {},
        told=(r"a\.jsonl, and of files beside it, have more than 2 different keys: mend it, or raise `max_columns`",),
        exit_status=1,
        settings=("source.max_columns=2",),
    ),
    Case("json_two_in_line", LINES_OF_TWO),
    Case(
        "latin1_noopt",
        {},
        [],
        {"user_id_undecodable": 2},
        told=(r"a\.csv: 2 lines, the first is line 2, hold bytes that are not of the file's encoding", "2 of 2 rows"),
        exit_status=1,
    ),
    Case(
        "latin1_noopt",
        {"landed": 2, "kept": 2},
        [("jos\u00e9", "i1", MONDAY, 1.0, 2.5), ("jos\u00e8", "i2", "2024-01-02 10:00:00", 1.0, 2.5)],
        settings=("source.options={encoding: latin-1}",),
    ),
    Case(
        "long_line_csv",
        {"landed": 3, "kept": 2, "refused": 1},
        [ROW, THIRD],
        {"line_too_long": 1},
        told=(
            r"a\.csv: 1 of its lines have more than 1,000 characters \(`longest_line`\), the first is line 3: refused",
        ),
        settings=("source.longest_line=1000",),
    ),
    Case(
        "long_line_json",
        {"landed": 3, "kept": 2, "refused": 1},
        [ROW, THIRD],
        {"line_too_long": 1},
        told=(r"a\.jsonl\.gz: 1 of its lines have more than 1,000 characters", "too_long_lines 1"),
        settings=("source.longest_line=1000",),
    ),
    Case("many_cols", ONE, columns=("c0", "c2993")),
    Case(
        "many_cols",
        {},
        told=(r"it has [0-9,]+ columns, more than `max_columns`, 100", "on_bad_file: skip"),
        exit_status=1,
        settings=("source.max_columns=100",),
    ),
    Case("nl_last", {"landed": 2, "kept": 2}, THREE[:2]),
    Case(
        "olist_chain",
        {"landed": 3, "kept": 3},
        [
            ("P", item, time, None, price)
            for item, time, price in (
                ("p1", "2017-10-02 10:56:33", 10.0),
                ("p1", "2017-10-02 10:56:33", 10.0),
                ("p2", "2018-01-01 00:00:00", 5.0),
            )
        ],
    ),
    Case("pandas_default_new", LINES_OF_TWO),
    Case(
        "pattern_width",
        {"landed": 2, "kept": 1, "refused": 1},
        [("u1", "i2", "2010-12-10 08:26:00", 6.0, 2.55)],
        {"event_time_unreadable": 1},
        told=(r"the first in a\.csv has at '12/1/2010 8:26': the pattern M/d/yyyy H:mm reads it",),
    ),
    Case("pq_float_ids", LINES_OF_TWO),
    Case("pq_int32_int64", {"files": 2, "new_lines": 4}),
    Case(
        "pq_int_then_float",
        {"landed": 4, "kept": 4},
        [
            (user, item, time, pieces, price)
            for user, item, pieces, price, times in (
                ("17850", "i1", 1.0, 2.5, (MONDAY, FEBRUARY)),
                ("541312140", "i2", 2.0, 3.5, ("2024-01-02 10:00:00", FEBRUARY)),
            )
            for time in times
        ],
    ),
    Case("pq_ns", LINES_OF_TWO),
    Case("pq_null_part", {"files": 2, "new_lines": 4}),
    Case("pq_spaces", LINES_OF_TWO, columns=("Customer ID",)),
    Case("quotes", {"landed": 8, "kept": 6, "refused": 2}, refused={"line_unreadable": 2}),
    # A search is told by the id that impressions name, whatever its event's.
    Case("search_ids", {"landed": 5, "kept": 1, "searches": 2, "redelivered": 2, "refused": 0}, [ROW]),
    Case("snappy", {}, told=(r"a\.csv\.snappy: its compression is not known here", "on_bad_file: skip"), exit_status=1),
    Case("stray_files", {}, told=(r"^source shop: README\.txt: it has no at, item, price",), exit_status=1),
    Case(
        "stray_files",
        {"files": 2, "skipped_files": 1},
        told=(r"skipped README\.txt: it has no at",),
        settings=("source.on_bad_file=skip",),
    ),
    Case(
        "time_only",
        {"landed": 2, "kept": 1, "refused": 1},
        [("u2", "i2", "2024-01-01 10:15:00", 1.0, 2.5)],
        {"event_time_without_date": 1},
        told=("the first in a.csv has at '10:15': it is a time of day without a day",),
    ),
    Case(
        "times_clean",
        {},
        refused={"event_time_out_of_range": 10, "event_time_unreadable": 22, "event_time_without_date": 2},
        told=("34 of 48 rows refused",),
        exit_status=1,
    ),
    Case("two_sources", {"landed": 3, "kept": 3}, THREE),
    Case("utf16_opt", {"landed": 3, "kept": 3}, THREE),
    Case(
        "weights",
        {"landed": 3, "kept": 3},
        [(user, "i1", MONDAY, weight, 2.5) for user, weight in (("u1", 1.75), ("u2", 0.45), ("u3", 1.0))],
    ),
    Case("window_expr", {}, told=(r"^interactions\.event_time: .*it has a window function \(over\)",), exit_status=2),
    Case("zip", {"files": 1, "new_lines": 3}),
    Case("one_month", {"landed": 4000, "kept": 4000}, told=("windows are 7 days instead of 28",)),
    Case("future", {"landed": 4001, "kept": 4000, "refused": 1}, refused={"event_time_out_of_range": 1}),
]
# What these land as text in bronze; the other cases are asked for their events.
LANDED = {
    "csv_partitioned_base": [("u1", "i1")] * 2,
    "empty_among": [("u1", "i1")],
    "json_dupkeys": [("u1", "i1"), (None, None)],
    "json_key_space": [("u1", "i1")],
    "json_trailing_comma": [
        ("a1", "i1"),
        ("a2", "i1"),
        ("u1", "i1"),
        ("u3", "i1"),
        ("u8", '"NaN"'),
        *[(None, None)] * 8,
    ],
    "json_two_in_line": [(None, None)] * 2,
    "pandas_default_new": [("u1", "i1"), ("u2", "i2")],
    "pq_float_ids": [("17850", "12345678"), ("541312140", "1.0E22")],
    "pq_int32_int64": [("u1", "i1"), ("u1", "i1"), ("u2", "i2"), ("u2", "i2")],
    "pq_ns": [("u1", "i1"), ("u2", "i2")],
    "pq_null_part": [("u1", "i1"), ("u1", "i1"), ("u2", "i2"), ("u2", "i2")],
    "zip": [("u1", "i1"), ("u2", "i2"), ("u3", "i1")],
    "many_cols": [("u1", "i1")],
}


class Delivered:
    """A lake with what a case delivers, one delivery after the other."""

    def __init__(self, spark: SparkSession, folder: Path, case: Case) -> None:
        self.case, self.spark, self.said = case, spark, list[str]()
        self.folder = folder / case.name
        shutil.copytree(CASES / case.name, self.folder)
        self.runner = self._runner("source.yaml")
        self.lake: Lake = self.runner.lake
        self.error: SparkrecError | None = None
        jobs = ["ingest", *(["clean"] if "landed" in case.counts or case.exit_status or case.rows else [])]
        self._run(jobs)
        if (self.folder / "second").is_dir() and case.name != "far_year":
            shutil.copytree(self.folder / "second", self.folder / "landing", dirs_exist_ok=True)
            self._run(jobs)

    def _runner(self, source: str) -> Runner:
        path = self.folder / source
        settings = load_settings("test", str(path), str(self.folder / "lake"), overrides=self.case.settings)
        return Runner.start(settings, self.spark, self.said.append)

    def _run(self, jobs: list[str]) -> None:
        try:
            for name in jobs:
                self.runner.run([job for job in JOBS if job.name == name])
        except SparkrecError as error:
            self.error = error
            self.said.append(str(error))

    @property
    def counts(self) -> dict[str, int]:
        """Of the job that was written down last."""
        runs = self.lake.read("gold.pipeline_runs").orderBy("started_at").tail(1)
        return dict(runs[0].counts)

    @property
    def told(self) -> str:
        """All that was said, in one line; first of all the message of an error."""
        message = [str(self.error)] if self.error else []
        return " ".join(" ".join([*message, *self.said]).split())

    def rows(self) -> list[tuple[object, ...]]:
        """User, item, time, quantity and price of each event, sorted."""
        if not self.lake.exists("silver.interactions"):
            return []
        time = "cast(event_time as string) as at"
        events = self.lake.read("silver.interactions").selectExpr("user_id", "item_id", time, "quantity", "unit_price")
        return sorted((tuple(row) for row in events.collect()), key=str)

    def refused(self) -> dict[str, int]:
        """How many quarantined rows have each reason."""
        if not self.lake.exists("silver.quarantine"):
            return {}
        rows = self.lake.read("silver.quarantine").selectExpr("explode(reasons) as reason").groupBy("reason").count()
        return {row.reason: row["count"] for row in rows.collect()}

    def landed(self) -> list[tuple[str | None, str | None]]:
        """User and item as they landed, by the expressions of the source file."""
        mapping = self.runner.settings.source.interactions
        lines = self.lake.read("bronze.shop").selectExpr(mapping.user_id, mapping.item_id)
        return sorted((tuple(row) for row in lines.collect()), key=str)


def check_ids(rows: Sequence[tuple[object, ...]]) -> None:
    """Ids are trimmed, whole numbers have no point, and null words are none."""
    items = [str(item) for _, item, *_ in rows]
    # Six ways to write u1: blank, tab, no-break space, byte order mark, zero-width space and none around it.
    assert items.count("u1") == 6
    assert len(items) - len({*items}) == 5
    assert {"-", "-1", "..", "'u1'", "0", "00123", "12345", "123", "1e10", "U1", "a/b", "anonymous"} <= {*items}
    assert {"\u00e9", "e\u0301", "dt=1", "\U0001f600"} <= {*items}
    assert not {"nan", "None", "NULL", "null", "\\N", "N/A", "NA", ""} & {*items}


def check_second_source(shop: Delivered) -> None:
    """A second source is refused."""
    other = load_settings("test", str(shop.folder / "source2.yaml"), str(shop.folder / "lake"))
    told = "holds the source shop, whose tables the source web would replace"
    with pytest.raises(SparkrecError, match=told) as error:
        check_source(other.lake, other.source)
    assert error.value.exit_status == 2


@pytest.mark.parametrize("case", CASE_LIST, ids=lambda case: " ".join([case.name, *case.settings]))
def test_what_a_delivery_comes_to(spark: SparkSession, tmp_path: Path, case: Case) -> None:
    shop = Delivered(spark, tmp_path, case)

    assert (shop.error and shop.error.exit_status) == case.exit_status, shop.told
    if case.exit_status is None:
        assert {name: shop.counts.get(name) for name in case.counts} == case.counts
        if "landed" in case.counts:
            fates = ("kept", "searches", "duplicates", "redelivered", "refused")
            assert shop.counts["landed"] == sum(shop.counts.get(name, 0) for name in fates)
    if case.rows is not None:
        assert shop.rows() == sorted(case.rows, key=str)
    if shop.case.name in LANDED and case.exit_status is None:
        assert shop.landed() == sorted(LANDED[case.name], key=str)
    assert shop.refused() == case.refused
    if case.columns:
        assert {*case.columns} <= {*shop.lake.read("bronze.shop").columns}
    if case.name == "ids":
        check_ids(shop.rows())
    if case.name == "two_sources":
        check_second_source(shop)
    if case.name == "one_month":
        events = shop.lake.read("silver.interactions")
        shop.said.append(str(effective_split(events, shop.runner.settings.split).told))
    for pattern in case.told:
        assert re.search(pattern, shop.told), shop.told
    assert "Traceback" not in shop.told


def test_every_case_is_asked_for() -> None:
    assert {path.name for path in CASES.iterdir() if path.is_dir() and path.name != "__pycache__"} == {
        case.name for case in CASE_LIST
    }


def test_reasons_that_the_document_names_are_those_of_the_cases() -> None:
    text = (shipped_root() / "docs" / "formats.md").read_text(encoding="utf-8")
    named = {*re.findall(r"`([a-z_]+_(?:unreadable|out_of_range|without_date))`", text)}

    assert len(named) > 3
    assert named <= {reason for case in CASE_LIST for reason in case.refused}
