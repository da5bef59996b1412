from pathlib import Path

import pytest
from tiny_language_model import save_tiny_language_model

from sparkrec.errors import ConfigurationError
from sparkrec.lake import Lake
from sparkrec.steps import tag

USERS = [{"user_id": f"u{number}", "tags": ["red", f"mug{number}"]} for number in range(3)]
ITEMS = [{"item_id": "i", "words": ["oak", "rake"]}, {"item_id": "j", "words": []}]


@pytest.fixture(autouse=True)
def tables(fill) -> None:
    fill("features.user_interests", USERS)
    fill("features.item_text", ITEMS)


def test_the_words_describe_where_no_language_model_is_named(lake: Lake, run_step) -> None:
    assert run_step(tag) == {"users": 3, "items": 2}
    found = {row.item_id: (row.tags, row.written_by) for row in lake.read("features.item_descriptions").collect()}
    assert found == {"i": (["oak", "rake"], "words"), "j": ([], "words")}


def test_a_language_model_writes_once_for_the_same_words(lake: Lake, fill, run_step, tmp_path: Path) -> None:
    preset = tmp_path / "preset"
    save_tiny_language_model(preset)
    named = (f"language_model.preset={preset}", "language_model.instruction=Describe.", "language_model.max_tokens=60")

    assert run_step(tag, *named) == {"users_written": 3, "users": 3, "items_written": 1, "items": 2}
    first = {row.user_id: row for row in lake.read("features.user_descriptions").collect()}
    by = {row.item_id: row.written_by for row in lake.read("features.item_descriptions").collect()}
    assert by["j"] == "words"
    assert {row.written_by for row in first.values()} == {by["i"]} != {"words"}
    assert all(row.tags and row.description for row in first.values())

    fill("features.user_interests", [*USERS[:2], {"user_id": "u2", "tags": ["blue"]}])
    assert run_step(tag, *named) == {"users_written": 1, "users": 3, "items_written": 0, "items": 2}
    second = {row.user_id: row for row in lake.read("features.user_descriptions").collect()}
    assert {user for user in first if first[user] == second[user]} == {"u0", "u1"}


def test_a_preset_that_is_not_there_is_told(run_step) -> None:
    with pytest.raises(ConfigurationError, match=r"language_model\.preset: there is no folder /no/such"):
        run_step(tag, "language_model.preset=/no/such")
