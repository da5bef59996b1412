from datetime import UTC, datetime

import pytest

from sparkrec.errors import DataError
from sparkrec.steps.runs import JobRun, row_account


def clean_run(**counts: int) -> JobRun:
    return JobRun("clean", datetime(2026, 1, 1, tzinfo=UTC), 1.0, "done", counts)


def test_searches_are_kept_and_what_is_sent_again_is_a_duplicate() -> None:
    counts = {"landed": 20, "kept": 8, "searches": 3, "duplicates": 2, "redelivered": 3, "refused": 4}

    account = row_account([clean_run(**counts, **{"refused.no_price": 3, "refused.late": 1})])

    assert (account.kept, account.duplicates, account.redelivered) == (11, 5, 3)
    assert account.refused == {"no_price": 3, "late": 1}
    assert account.adds_up()


def test_a_source_without_searches_has_events_only() -> None:
    account = row_account([clean_run(landed=3, kept=2, duplicates=1, refused=0)])

    assert (account.kept, account.duplicates, account.redelivered) == (2, 1, 0)


def test_without_a_clean_job_there_is_no_account() -> None:
    with pytest.raises(DataError, match="no finished clean job"):
        row_account([])
