"""All items, as queries are answered from them."""

from dataclasses import dataclass
from typing import Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from sparkrec.recommend.queries.postings import Postings
from sparkrec.recommend.search.index import ItemIndex


@dataclass(frozen=True)
class Catalogue:
    """Items in one order, by which all arrays here go.

    Attributes:
        item_ids: (items,).
        titles: Their titles.
        texts: All that is written of them: title, brand, category and description.
        index: Vectors of the titles; 0 where a title has none.
        categories: Code of each item's category, -1 without one, (items,).
        brands: Code of each brand by name.
        brand_of: Code of each item's brand, -1 without one, (items,).
    """

    item_ids: pa.Array
    titles: Postings
    texts: Postings
    index: ItemIndex
    categories: NDArray[np.int32]
    brands: dict[str, int]
    brand_of: NDArray[np.int32]

    @classmethod
    def of(cls, items: pa.Table) -> Self:
        """Of rows of ``item_id, title_words, text_words, vector, category, brand``."""
        items = items.sort_by("item_id").combine_chunks()
        brands, brand_of = _codes(items["brand"])
        return cls(
            items["item_id"].combine_chunks(),
            Postings.of(items["title_words"]),
            Postings.of(items["text_words"]),
            ItemIndex.flat(vectors_of(items["vector"])),
            _codes(items["category"])[1],
            brands,
            brand_of,
        )

    def __len__(self) -> int:
        return len(self.item_ids)


def vectors_of(column: pa.ChunkedArray) -> NDArray[np.float32]:
    """A column of lists of one length as rows, (rows, length); 0 where there is none, length 1 where none has any."""
    column = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    there = column.is_valid().to_numpy(zero_copy_only=False)
    values = column.flatten().to_numpy(zero_copy_only=False)
    found = np.zeros((len(column), len(values) // there.sum() if there.any() else 1), np.float32)
    if there.any():
        found[there] = values.reshape(there.sum(), -1)
    return found


def _codes(column: pa.ChunkedArray) -> tuple[dict[str, int], NDArray[np.int32]]:
    encoded = column.combine_chunks().dictionary_encode()
    names = encoded.dictionary.to_pylist()
    codes = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int32)
    return dict(zip(names, range(len(names)), strict=True)), codes
