from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from sparkrec.config.settings import MatchSettings
from sparkrec.recommend.queries.catalogue import Catalogue
from sparkrec.recommend.queries.click_history import ClickHistory
from sparkrec.recommend.queries.retrievers import RETRIEVERS, batch_of

Found = dict[tuple[str, str], dict[str, Any]]


def found(
    catalogue: Catalogue,
    history: ClickHistory,
    *asked: tuple[str, list[str], list[float] | None, str | None],
    **settings: Any,
) -> Found:
    """Candidates of (query, words, vector, brand), by query and item."""
    queries, words, vectors, brands = zip(*asked, strict=True)
    rows = pa.RecordBatch.from_pydict(
        {
            "query": list(queries),
            "words": list(words),
            "vector": pa.array(vectors, pa.list_(pa.float32())),
            "brand": pa.array(brands, pa.string()),
        }
    )
    table = batch_of(rows, catalogue, history, MatchSettings(**settings)).candidates()
    return {(row["query"], row["item_id"]): row for row in table.to_pylist()}


def places(row: dict[str, Any]) -> dict[str, int]:
    return {name: row[f"place_{name}"] for name in RETRIEVERS if row[f"place_{name}"] is not None}


def test_each_retriever_names_its_items_and_all_features_stand_beside(
    catalogue: Catalogue, history: ClickHistory
) -> None:
    rows = found(catalogue, history, ("lamp", ["lamp", "acme"], [0.96, 0.28], "Acme"))

    assert {item: places(row) for (_, item), row in rows.items()} == {
        # Cosines: 0.96 and 0.936; of the rake 0.28, which is too far.
        "a": {"text_bm25": 3, "embedding": 1},
        "b": {"bm25": 1, "text_bm25": 1, "embedding": 2, "clicks": 1},
        # The brand is in two texts, the lamp in one; a short text says it plainer than a long one.
        "d": {"text_bm25": 2},
    }
    assert {item: row["rank_fusion"] for (_, item), row in rows.items()} == pytest.approx(
        {"a": 1 / 63 + 1 / 61, "b": 3 / 61 + 1 / 62, "d": 1 / 62}
    )
    lamp = rows["lamp", "b"]
    assert (lamp["impressions"], lamp["clicks"], lamp["click_score"]) == (4, 1, 1.5)
    assert lamp["embedding_cosine"] == pytest.approx(0.936)
    assert lamp["category_share"] == 1.0
    assert lamp["same_brand"] == 0.0
    mug = rows["lamp", "a"]
    assert (mug["impressions"], mug["clicks"], mug["click_score"], mug["bm25"]) == (2, 0, 0.5, 0.0)
    assert (mug["same_brand"], mug["category_share"]) == (1.0, 0.0)
    shelf = rows["lamp", "d"]
    assert (shelf["impressions"], shelf["click_score"], shelf["category_share"]) == (0, 1.0, 0.0)
    assert np.isnan(shelf["embedding_cosine"])


def test_a_new_query_learns_from_clicks_after_those_that_mean_about_the_same(
    catalogue: Catalogue, history: ClickHistory
) -> None:
    rows = found(catalogue, history, ("hay", [], [0.0, 1.0], None), ("light", [], [0.6, 0.8], None))

    # All of the 3 clicks, each twice what its place lets expect.
    assert places(rows["hay", "c"]) == {"embedding": 1, "neighbour_clicks": 1}
    assert rows["hay", "c"]["neighbour_clicks"] == pytest.approx(6.0)
    # Two neighbours: 0.8 of the rake's clicks, 0.6 of the lamp's.
    assert rows["light", "c"]["neighbour_clicks"] == pytest.approx(4.8)
    assert rows["light", "b"]["neighbour_clicks"] == pytest.approx(0.9)
    assert rows["light", "c"]["category_share"] == pytest.approx(4.8 / 5.7)


def test_a_query_does_not_learn_from_itself_as_a_neighbour(catalogue: Catalogue, history: ClickHistory) -> None:
    rows = found(catalogue, history, ("rake", ["rake"], [0.0, 1.0], None))

    assert rows["rake", "c"]["neighbour_clicks"] == 0
    assert places(rows["rake", "c"]) == {"bm25": 1, "text_bm25": 1, "embedding": 1, "clicks": 1}


def test_a_query_without_words_vector_and_clicks_has_no_candidate(catalogue: Catalogue, history: ClickHistory) -> None:
    assert found(catalogue, history, ("?!", [], None, None)) == {}
    both = found(catalogue, history, ("?!", [], None, None), ("rake", ["rake"], None, None))
    assert {*both} == {("rake", "c")}


def test_no_more_items_are_named_than_wanted_and_equals_go_by_item(catalogue: Catalogue, history: ClickHistory) -> None:
    rows = found(catalogue, history, ("red", ["red"], None, None), items=1)

    # Titles of the same length: the mug and the lamp answer alike; of the texts the lamp's is the shorter.
    assert {item: places(row) for (_, item), row in rows.items()} == {"a": {"bm25": 1}, "b": {"text_bm25": 1}}


def test_a_shop_without_vectors_and_without_clicks_is_searched_by_words(history: ClickHistory) -> None:
    nothing = pa.array([None], pa.list_(pa.float32()))
    columns = {"item_id": ["a"], "title_words": [["mug"]], "text_words": [["mug"]], "vector": nothing}
    texts = Catalogue.of(pa.table({**columns, "category": pa.nulls(1, pa.string()), "brand": pa.nulls(1, pa.string())}))
    clicks = {name: pa.array([], kind) for name, kind in [("query", pa.string()), ("item_id", pa.string())]}
    clicks |= {name: pa.array([], pa.float64()) for name in ("impressions", "clicks", "click_score")}
    queries = pa.table({"query": pa.array([], pa.string()), "vector": pa.array([], pa.list_(pa.float32()))})

    rows = found(texts, ClickHistory.of(pa.table(clicks), queries, texts), ("mug", ["mug"], None, None))

    assert places(rows["mug", "a"]) == {"bm25": 1, "text_bm25": 1}


def test_whatever_is_found_the_columns_have_the_same_types(catalogue: Catalogue, history: ClickHistory) -> None:
    asked = [("lamp", ["lamp"], [1.0, 0.0]), ("mug", ["mug"], None), ("?!", [], None)]
    schemas = set()
    for query, words, vector in asked:
        rows = {"query": [query], "words": [words], "vector": pa.array([vector], pa.list_(pa.float32()))}
        batch = pa.RecordBatch.from_pydict({**rows, "brand": pa.array([None], pa.string())})
        table = batch_of(batch, catalogue, history, MatchSettings()).candidates()
        schemas.add(str(table.schema))

    assert len(schemas) == 1
    assert "int64" not in schemas.pop()
