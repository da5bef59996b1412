"""Texts by their words, and how well they answer queries by the words that they share."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from scipy import sparse

SATURATION, LENGTH_NORMALISATION = 1.2, 0.75


@dataclass(frozen=True)
class Postings:
    """Weights of words in texts.

    Attributes:
        places: Row of each word in the matrices.
        bm25: BM25 weights (Robertson and Zaragoza, "The Probabilistic Relevance Framework", 2009), (words, texts):
            ln(1 + (N - n + 0.5) / (n + 0.5)) x f (k + 1) / (f + k (1 - b + b length / mean length)), where N texts have
            words, n of them this one, the text f times; k is 1.2 and b 0.75. The logarithm is never negative.
        tfidf: TF-IDF weights, each text's vector of length 1, (words, texts).
        rarity: ln((1 + texts) / (1 + texts with the word)) + 1, the smooth form of scikit-learn's TfidfVectorizer,
            (words,).
    """

    places: dict[str, int]
    bm25: sparse.csr_matrix
    tfidf: sparse.csr_matrix
    rarity: NDArray[np.float32]

    @classmethod
    def of(cls, words: pa.ChunkedArray) -> Self:
        """Of texts, each a list of its words."""
        lists = words.combine_chunks() if isinstance(words, pa.ChunkedArray) else words
        encoded = pc.list_flatten(lists).dictionary_encode()
        names = encoded.dictionary.to_pylist()
        lengths = pc.fill_null(pc.list_value_length(lists), 0).to_numpy(zero_copy_only=False)
        texts = np.repeat(np.arange(len(lists)), lengths)
        codes = encoded.indices.to_numpy(zero_copy_only=False)
        shape = (len(names), len(lists))
        counts = sparse.csr_matrix((np.ones(len(codes), np.float32), (codes, texts)), shape)
        counts.sum_duplicates()
        holders = np.diff(counts.indptr)
        texted = np.count_nonzero(lengths)
        longer = 1 - LENGTH_NORMALISATION + LENGTH_NORMALISATION * lengths / max(lengths.sum() / max(texted, 1), 1e-9)
        rows = np.repeat(np.arange(len(names)), holders)
        often = counts.data * (SATURATION + 1) / (counts.data + SATURATION * longer[counts.indices])
        weight = np.log1p((texted - holders + 0.5) / (holders + 0.5))[rows] * often
        rarity = np.log((1 + len(lists)) / (1 + holders)) + 1
        raw = counts.data * rarity[rows]
        length = np.sqrt(np.bincount(counts.indices, raw**2, minlength=len(lists)))
        return cls(
            dict(zip(names, range(len(names)), strict=True)),
            _like(counts, weight),
            _like(counts, raw / length[counts.indices]),
            rarity.astype(np.float32),
        )

    def counts(self, queries: Sequence[Sequence[str]]) -> sparse.csr_matrix:
        """How often each query has each word that some text has, (queries, words)."""
        found = [[self.places[word] for word in words if word in self.places] for words in queries]
        ends = np.concatenate([[0], np.cumsum([*map(len, found)])]).astype(np.int64)
        columns = np.fromiter((place for places in found for place in places), np.int64, int(ends[-1]))
        counted = sparse.csr_matrix(
            (np.ones(len(columns), np.float32), columns, ends), (len(queries), len(self.places))
        )
        counted.sum_duplicates()
        return counted

    def bm25_scores(self, counts: sparse.csr_matrix) -> sparse.csr_matrix:
        """Scores of the texts that share a word with a query, (queries, texts)."""
        return _in_order(counts @ self.bm25)

    def cosines(self, counts: sparse.csr_matrix) -> sparse.csr_matrix:
        """Cosines of the TF-IDF vectors of queries and texts, (queries, texts)."""
        weighed = counts @ sparse.diags(self.rarity)
        length = np.sqrt(np.asarray(weighed.multiply(weighed).sum(axis=1)).ravel())
        return _in_order(sparse.diags(1 / np.maximum(length, 1e-9).astype(np.float32)) @ weighed @ self.tfidf)


def _like(counts: sparse.csr_matrix, values: NDArray[np.float64]) -> sparse.csr_matrix:
    return sparse.csr_matrix((values.astype(np.float32), counts.indices, counts.indptr), counts.shape)


def _in_order(scores: sparse.csr_matrix) -> sparse.csr_matrix:
    found = sparse.csr_matrix(scores)
    found.sort_indices()
    return found
