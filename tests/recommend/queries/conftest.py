"""A small shop in memory: four items, and clicks of three queries."""

import pyarrow as pa
import pytest

from sparkrec.recommend.queries.catalogue import Catalogue
from sparkrec.recommend.queries.click_history import ClickHistory

RED, GREEN, NEAR_RED = [1.0, 0.0], [0.0, 1.0], [0.8, 0.6]


@pytest.fixture(scope="session")
def catalogue() -> Catalogue:
    return Catalogue.of(
        pa.table(
            {
                # Not in their order.
                "item_id": ["d", "a", "b", "c"],
                "title_words": [[], ["red", "mug"], ["red", "lamp"], ["oak", "rake"]],
                "text_words": [["acme"], ["red", "mug", "acme"], ["red", "lamp"], ["oak", "rake", "garden"]],
                "vector": pa.array([None, RED, NEAR_RED, GREEN], pa.list_(pa.float32())),
                "category": [None, "kitchen", "light", "garden"],
                "brand": ["Acme", "Acme", None, None],
            }
        )
    )


@pytest.fixture(scope="session")
def history(catalogue: Catalogue) -> ClickHistory:
    clicks = [("rake", "c", 9, 3, 2.0), ("lamp", "b", 4, 1, 1.5), ("lamp", "a", 2, 0, 0.5), ("gone", "z", 1, 1, 2.0)]
    names = ["query", "item_id", "impressions", "clicks", "click_score"]
    queries = {"query": ["rake", "lamp", "gone"], "vector": pa.array([GREEN, RED, None], pa.list_(pa.float32()))}
    table = pa.table(dict(zip(names, map(list, zip(*clicks, strict=True)), strict=True)))
    return ClickHistory.of(table, pa.table(queries), catalogue)
