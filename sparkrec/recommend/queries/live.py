"""Any query answered from a lake's tables, without Spark: by the code that answers the frequent ones every night."""

import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from sparkrec.cleaning.search_words import TEXT_FIELDS, words_of
from sparkrec.config import Settings
from sparkrec.contracts.features import ranking_tables
from sparkrec.errors import DataError
from sparkrec.layout import table_path
from sparkrec.recommend.queries.catalogue import Catalogue
from sparkrec.recommend.queries.click_history import ClickHistory
from sparkrec.recommend.queries.fusion import RANK_FUSION, SEARCH
from sparkrec.recommend.queries.query_ranker import QUERY_ITEMS, QUERY_RANKER, RANKER_FILE, read_trees
from sparkrec.recommend.queries.results import reasons, sources
from sparkrec.recommend.queries.retrievers import RETRIEVERS, QueryBatch
from sparkrec.registry.chosen import Chosen
from sparkrec.snapshot import snapshot
from sparkrec.text import normalised
from sparkrec.text_models.sentence_encoder import SentenceEncoder

_UNDERSTOOD = ("corrected_query", "brand", "price_min", "price_max")
_PUBLISH = ("fold", "==", "publish")


@dataclass(frozen=True)
class LiveSearch:
    """A lake's items and clicks in memory, ready to answer.

    Attributes:
        settings: Of the run that made the tables.
        items: ``title`` and the features of each item, by ``item_id``.
        catalogue: The items.
        history: The clicks that are known.
        vectors: Vectors of the texts that have one, by text.
        queries: What is understood of each known query: ``corrected_query, brand, price_min, price_max``.
        model: What orders the results.
        root: Folder or URI of the lake.
    """

    settings: Settings
    items: pd.DataFrame
    catalogue: Catalogue
    history: ClickHistory
    vectors: dict[str, NDArray[np.float32]]
    queries: dict[str, dict[str, Any]]
    model: str
    root: str

    @classmethod
    def open(cls, root: str, settings: Settings) -> Self:
        """Read the tables of a lake.

        Raises:
            DataError: The lake has no such tables, or no `evaluate` job has finished in it.
        """
        chosen = Chosen.read(f"{root}/models/chosen.json").shelves.get(SEARCH)

        def read(table: str, *columns: str, where: tuple[tuple[str, str, str], ...] = ()) -> pa.Table:
            return snapshot(table_path(root, table)).read(columns, where)

        current = read("silver.items", "item_id", *TEXT_FIELDS, "valid_to")
        current = current.filter(pc.is_null(current["valid_to"])).drop_columns(["valid_to"])
        if not len(current):
            raise DataError(f"silver.items of {root} has no item")
        texts = read("features.text_vectors", "text", "vector")
        catalogue = Catalogue.of(_described(current, texts, settings))
        queries = read("features.query_text", "normalised_query", *_UNDERSTOOD)
        clicked = read(
            QUERY_ITEMS, "normalised_query", "item_id", "impressions", "clicks", "click_score", where=(_PUBLISH,)
        )
        clicked = clicked.rename_columns(["query", *clicked.column_names[1:]])
        clicked = clicked.filter(pc.greater(clicked["impressions"], 0))
        known = queries.filter(pc.is_in(queries["normalised_query"], clicked["query"].combine_chunks()))
        of_queries = pa.table(
            {"query": known["normalised_query"], "vector": _vectors_of(known["corrected_query"], texts)}
        )
        return cls(
            settings=settings,
            items=_features(read, current),
            catalogue=catalogue,
            history=ClickHistory.of(clicked, of_queries, catalogue),
            vectors=dict(zip(texts["text"].to_pylist(), texts["vector"].to_numpy(), strict=True)),
            queries={row.pop("normalised_query"): row for row in queries.to_pylist()},
            model=chosen.model if chosen else RANK_FUSION,
            root=root,
        )

    def search(self, query: str, most: int) -> pd.DataFrame:
        """The first items that answer a query.

        A query that the lake knows is read as `understand` read it; another as it is typed.

        Args:
            query: As typed.
            most: Items.

        Returns:
            ``rank, item_id, title, score, reason, sources``; no row where nothing answers it.
        """
        asked = normalised(query[: self.settings.source.texts.longest_query])
        read = self.queries.get(asked, {**dict.fromkeys(_UNDERSTOOD), "corrected_query": asked})
        text, brand = read["corrected_query"], read["brand"]
        batch = QueryBatch(
            self.catalogue, self.history, self.settings.match, [asked], [words_of(text)], self._vector(text), [brand]
        )
        found = batch.candidates().to_pandas()
        found = found.join(self.items, on="item_id")
        for bound, is_outside in (("price_min", operator.lt), ("price_max", operator.gt)):
            if read[bound] is not None:
                found = found[~is_outside(found["price"], read[bound])]
        found = found.assign(score=self._scores(found))
        first = found.dropna(subset="score").sort_values(["score", "item_id"], ascending=[False, True]).head(most)
        listed: pd.DataFrame = first.assign(
            rank=range(1, len(first) + 1), reason=reasons(first), sources=sources(first)
        )[["rank", "item_id", "title", "score", "reason", "sources"]]
        return listed.reset_index(drop=True)

    def _vector(self, text: str) -> NDArray[np.float32]:
        """Of one query, (1, size); 0 without an encoder."""
        if text in self.vectors:
            return np.asarray(self.vectors[text], np.float32)[None]
        if self.settings.encoder.preset is None or not self.vectors or not text:
            return np.zeros((1, self.catalogue.index.vectors.shape[1]), np.float32)
        return SentenceEncoder(self.settings.encoder).encode([text])

    def _scores(self, found: pd.DataFrame) -> NDArray[np.float64]:
        """NaN where the model does not list an item."""
        if self.model in RETRIEVERS:
            return -found[f"place_{self.model}"].to_numpy(np.float64, na_value=np.nan)
        if self.model == QUERY_RANKER:
            names, trees = read_trees(f"{self.root}/{RANKER_FILE}", "publish")
            return trees[0].predict(found[[*names]].to_numpy(np.float32)).astype(np.float64)
        return found[RANK_FUSION].to_numpy(np.float64)


def _described(items: pa.Table, texts: pa.Table, settings: Settings) -> pa.Table:
    """The items as `Catalogue.of` takes them."""
    longest = settings.source.texts
    titles = [(title or "")[: longest.longest_title] for title in items["title"].to_pylist()]
    written = zip(titles, *(items[name].to_pylist() for name in TEXT_FIELDS[1:]), strict=True)
    return pa.table(
        {
            "item_id": items["item_id"],
            "title_words": pa.array([words_of(title) for title in titles], pa.list_(pa.string())),
            "text_words": pa.array(
                [words_of(" ".join(filter(None, of_item))[: longest.longest_review]) for of_item in written],
                pa.list_(pa.string()),
            ),
            "vector": _vectors_of(items["title"], texts),
            "category": items["category_path"],
            "brand": items["brand"],
        }
    )


def _vectors_of(wanted: pa.ChunkedArray, texts: pa.Table) -> pa.ChunkedArray:
    """The vector of each text, null where it has none."""
    return texts["vector"].take(pc.index_in(wanted, texts["text"].combine_chunks()))


def _features(read: Callable[..., pa.Table], items: pa.Table) -> pd.DataFrame:
    """Title of each item, and what rankers see of it at publish, by ``item_id``."""
    found: pd.DataFrame = items.select(["item_id", "title"]).to_pandas().set_index("item_id")
    indices = read("features.vocabulary", "value", "index", where=(("feature", "==", "item"),)).to_pandas()
    of_index = indices.set_index("index")["value"]
    for table, columns in ranking_tables("item").items():
        rows = read(table, "item_index", *columns, where=(_PUBLISH,)).to_pandas()
        found = found.join(rows.assign(item_id=rows.pop("item_index").map(of_index)).set_index("item_id"))
    return found
