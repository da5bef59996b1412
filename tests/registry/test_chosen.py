from datetime import date
from pathlib import Path

import pytest

from sparkrec.errors import DataError
from sparkrec.registry.chosen import Chosen, ChosenList


def test_a_choice_is_read_as_it_was_written(tmp_path: Path) -> None:
    blend = ChosenList(model="blend", version="0123456789ab", weights={"ease": 0.75, "als": 0.25}, validation=0.125)
    default = ChosenList(model="popularity", version="ab", weights={"popularity": 1.0}, validation=None)
    chosen = Chosen(run_date=date(2011, 12, 9), metric="ndcg@10", shelves={"discover": blend, "reorder": default})

    chosen.write(f"{tmp_path}/models/chosen.json")

    assert Chosen.read(f"{tmp_path}/models/chosen.json") == chosen


def test_before_the_first_evaluation_the_job_to_run_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"chosen\.json does not exist: run `sparkrec job evaluate` first"):
        Chosen.read(f"{tmp_path}/chosen.json")
