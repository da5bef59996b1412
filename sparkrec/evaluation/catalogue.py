"""What lists hold beside hits: how rare their items are, and how different from one another."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from sparkrec.evaluation.metrics import Values
from sparkrec.features.vocabulary import PADDING

HEAD_SHARE = 0.5
"""The fewest items that make this share of all pairs of a user and an item they have are the head, others the tail."""


@dataclass(frozen=True)
class Catalogue:
    """The items as they are known at a fold, by item index.

    Attributes:
        information: Of the item, in bits: -log2 of its share of all pairs of a user and an item that the user has,
            (items,); 0 where nobody has it.
        head: Whether it is of the head, (items,).
        titles: TF-IDF vectors of the titles, each of length 1 or empty, (items, words).
    """

    information: Values
    head: NDArray[np.bool_]
    titles: sparse.csr_matrix

    @classmethod
    def of(cls, holders: NDArray[np.float32], titles: sparse.csr_matrix) -> Self:
        """The catalogue.

        Args:
            holders: Different users who have each item, (items,).
            titles: A vector of any length for each title, (items, words).
        """
        counts = holders.astype(np.float64)
        share = counts / max(counts.sum(), 1.0)
        information = -np.log2(np.where(share > 0, share, 1.0))
        most_first = np.argsort(-counts, kind="stable")
        sorted_counts = counts[most_first]
        head = np.zeros(len(counts), dtype=bool)
        head[most_first] = np.cumsum(sorted_counts) - sorted_counts < HEAD_SHARE * counts.sum()
        vectors = sparse.csr_matrix(titles, dtype=np.float64)
        lengths = np.sqrt(np.asarray(vectors.multiply(vectors).sum(axis=1)).ravel())
        scale = np.divide(1.0, lengths, out=np.zeros_like(lengths), where=lengths > 0)
        return cls(information, head, sparse.csr_matrix(sparse.diags(scale) @ vectors))


def list_properties(items: NDArray[np.int64], catalogue: Catalogue, k: int) -> dict[str, Values]:
    """Properties of each list's first k places.

    - ``novelty``: mean information of the items, in bits (the mean self-information of Zhou et al., "Solving the
      apparent diversity-accuracy dilemma of recommender systems", PNAS 107, 2010, by shares of all pairs as in Vargas
      and Castells, "Rank and relevance in novelty and diversity metrics", RecSys 2011).
    - ``diversity``: 1 - the mean cosine of the titles of two of the items (intra-list similarity, Ziegler et al.,
      "Improving recommendation lists through topic diversification", WWW 2005). Items without a title do not count;
      fewer than two that have one are not diverse, 0. Missing where no item of the catalogue has a title.

    Args:
        items: (lists, places): item indices, `PADDING` where a list is shorter.
        catalogue: The items.
        k: Cut-off.

    Returns:
        (lists,) by name with its cut-off, as ``novelty@10``.
    """
    items = items[:, :k]
    places = np.maximum((items != PADDING).sum(axis=1), 1)
    values = {"novelty": catalogue.information[items].sum(axis=1) / places}
    if catalogue.titles.nnz:
        values["diversity"] = _diversity(items, catalogue.titles)
    return {f"{name}@{k}": value for name, value in values.items()}


def _diversity(items: NDArray[np.int64], titles: sparse.csr_matrix) -> Values:
    lists, places = items.shape
    starts = np.arange(lists + 1) * places
    listed = sparse.csr_matrix((np.ones(items.size), items.ravel(), starts), (lists, titles.shape[0]))
    # |a + b + ...|^2 is the sum of the cosines of all pairs, each pair both ways and each vector with itself.
    together = listed @ titles
    cosines = np.asarray(together.multiply(together).sum(axis=1)).ravel()
    titled = (np.diff(titles.indptr) > 0)[items].sum(axis=1)
    pairs = titled * (titled - 1)
    return 1.0 - np.divide(cosines - titled, pairs, out=np.ones(lists), where=pairs > 0)
