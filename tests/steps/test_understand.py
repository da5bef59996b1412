from datetime import UTC, date, datetime
from typing import Any

import pytest

from sparkrec.steps import understand

AT = datetime(2025, 1, 1, tzinfo=UTC)


def test_the_job_counts_searches_that_are_cut(fill: Any, run_step: Any, capsys: pytest.CaptureFixture[str]) -> None:
    day = {"event_date": date(2025, 12, 1), "is_bot": False, "source": "shop"}
    queries = ["red mug", "mug " * 80, "blue lamp " * 10_000]
    searches = [
        {"search_id": f"s{place}", "query": query, "normalised_query": query[:256], **day}
        for place, query in enumerate(queries)
    ]
    fill("silver.searches", searches)
    fill("silver.items", [{"item_id": "i1", "title": "Red mug", "valid_from": AT, "source": "shop"}])
    fill("silver.interactions", [{"item_id": "i1", "event_type": "click", "search_id": "s0", **day}])

    overrides = ["source.searches.query=q"]
    assert run_step(understand, *overrides) == {"queries": 3, "cut_searches": 2}
    told = "2 searches are longer than source.texts.longest_query, 256 characters: understood by their beginning"
    assert told in capsys.readouterr().out
    more = run_step(understand, *overrides, "source.texts.longest_query=100000")
    assert more == {"queries": 3}
