"""Items whose titles are alike."""

import numpy as np
from pyspark.sql import DataFrame
from scipy import sparse

from sparkrec.recommend.scorers.item_item import heaviest_of_rows

_TITLES_AT_ONCE = 1024
_MIN_SIMILARITY = 1e-3


def title_vectors(item_text: DataFrame, items: int) -> sparse.csr_matrix:
    """TF-IDF vectors of all titles of features.item_text, (items, words)."""
    rows = item_text.select("item_index", "word_indices", "weights").orderBy("item_index").toPandas()
    lengths = rows["word_indices"].str.len().to_numpy(np.int64)
    words = np.concatenate([np.zeros(0, np.int64), *rows["word_indices"]]).astype(np.int64)
    weights = np.concatenate([np.zeros(0, np.float32), *rows["weights"]]).astype(np.float32)
    shape = (items, int(words.max(initial=0)) + 1)
    return sparse.csr_matrix((weights, (np.repeat(rows["item_index"].to_numpy(np.int64), lengths), words)), shape)


def title_similarity(titles: sparse.csr_matrix, power: int, most: int) -> sparse.csr_matrix:
    """Cosine of the TF-IDF vectors of two titles, to a power that leaves only near ones a say.

    Args:
        titles: `title_vectors`, each of length 1 or empty.
        power: Of the cosine.
        most: Titles that each keeps, the nearest ones.
    """
    found = []
    # A part at a time: titles that share a common word are many, those that are alike few.
    for start in range(0, titles.shape[0], _TITLES_AT_ONCE):
        part = (titles[start : start + _TITLES_AT_ONCE] @ titles.T).tocoo()
        similarity = part.data**power
        kept = (similarity >= _MIN_SIMILARITY) & (part.row + start != part.col)
        alike = sparse.csr_matrix((similarity[kept], (part.row[kept], part.col[kept])), part.shape)
        found.append(heaviest_of_rows(alike, most))
    return sparse.csr_matrix(sparse.vstack(found))
