"""Item-to-item models: a user's score of an item is the sum of the weights from what the user has."""

import math
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property, partial

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from scipy import linalg, sparse

from sparkrec.lake.files import Arrays
from sparkrec.recommend.scorers.scorer import Scorer
from sparkrec.recommend.users import Floats, UserBatch

_TITLES_AT_ONCE = 1024
_MATRICES_AT_ONCE = 4
_LEAST_SIMILARITY = 1e-3


class ItemItem(Scorer):
    """Array ``weights`` (items, items), from what a user has to what is scored.

    Few weights come as ``values``, ``columns`` and ``starts``, the parts of a sparse matrix in CSR form.
    Optional ``half_life_days``: what the user has counts the less the older it is. Optional
    ``own_weight``: what an event of the user with the very item adds.
    """

    @cached_property
    def weights(self) -> NDArray[np.float32] | sparse.csr_matrix:
        """The weights as a matrix."""
        if "weights" in self.arrays:
            return self.arrays["weights"]
        parts = (self.arrays[name] for name in ("values", "columns", "starts"))
        items = len(self.arrays["starts"]) - 1
        return sparse.csr_matrix(tuple(parts), (items, items))

    def score(self, users: UserBatch) -> Floats:
        """Sum of the weights from the user's items."""
        has = users.decayed(float(self.arrays["half_life_days"])) if "half_life_days" in self.arrays else users.bought
        product = has @ self.weights
        scores = np.asarray(product.todense() if sparse.issparse(product) else product, np.float32)
        if "own_weight" in self.arrays:
            scores += np.float32(self.arrays["own_weight"]) * np.asarray(users.events.todense(), np.float32)
        return scores

    def between(self, has: NDArray[np.int32], others: NDArray[np.int64]) -> Floats:
        """Weights from each of some items to each of others, (has, others)."""
        if "weights" in self.arrays:
            return np.asarray(self.arrays["weights"][np.ix_(has, others)], np.float32)
        return np.asarray(sparse.csr_matrix(self.weights)[has][:, others].todense(), np.float32)


def gram(sequences: DataFrame, items: int, half_life_days: float | None = None) -> NDArray[np.float64]:
    """X^T X of the user-item matrix X, (items, items).

    X holds 1 where a user has an item, or 2^(-days_since / half_life_days). Executors multiply batches of
    users and add up in a tree, so that the driver holds items x items numbers whatever the users' number.

    Args:
        sequences: Rows of features.behaviour_sequences of one cut.
        items: Size of the item vocabulary.
        half_life_days: See above.
    """

    return _summed(sequences, items, partial(square, half_life_days=half_life_days))


def square(users: UserBatch, half_life_days: float | None = None) -> sparse.csr_matrix:
    """What `gram` adds up: X^T X of some users."""
    matrix = users.bought if half_life_days is None else users.decayed(half_life_days)
    return sparse.csr_matrix(matrix.T.tocsr() @ matrix)


def recent_neighbours(sequences: DataFrame, items: int, days: float) -> Arrays:
    """What those who have an item, too, had of late: X^T diag(1 / sqrt(|X_u|)) R.

    R holds 1 where a user had an item within the last ``days``. A user-based neighbourhood whose similarity of
    two users is the number of items that both have, each neighbour's votes shared out by the root of all that
    it has (after Deshpande and Karypis, TOIS 2004), written as item-item weights.

    Args:
        sequences: Rows of features.behaviour_sequences of one cut.
        items: Size of the item vocabulary.
        days: See above.
    """

    return {"weights": _summed(sequences, items, partial(recent_votes, days=days)).astype(np.float32)}


def recent_votes(users: UserBatch, days: float) -> sparse.csr_matrix:
    """What `recent_neighbours` adds up: X^T diag(1 / sqrt(|X_u|)) R of some users."""
    share = 1 / np.sqrt(np.maximum(np.diff(users.bought.indptr), 1))
    shared = users.bought.T @ sparse.diags(share.astype(np.float32))
    return sparse.csr_matrix(shared.tocsr() @ users.within(days))


def _summed(sequences: DataFrame, items: int, product: Callable[[UserBatch], sparse.csr_matrix]) -> NDArray[np.float64]:
    """The products of all batches of users, (items, items), added up."""

    def multiply(batches: Iterable[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        yield _sum_of((product(UserBatch.of(rows, items)).toarray() for rows in batches), items)

    def add_up(batches: Iterable[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        yield _sum_of((_matrix(part, items) for rows in batches for part in rows["product"]), items)

    has = what_users_have(sequences)
    products, parts = has.mapInPandas(multiply, "product binary"), has.rdd.getNumPartitions()
    while parts > _MATRICES_AT_ONCE:
        parts = math.ceil(parts / _MATRICES_AT_ONCE)
        products = products.repartition(parts).mapInPandas(add_up, "product binary")
    total = np.zeros((items, items))
    for part in products.toPandas()["product"]:
        total += _matrix(part, items)
    return total


def what_users_have(sequences: DataFrame) -> DataFrame:
    """Columns of a `UserBatch` that are needed where nothing is shown to anybody; the others stand for nothing."""
    touched = F.array().cast("array<int>").alias("touched")
    return sequences.select(
        "user_index", "items", "events", "days_since", F.col("days_since").alias("first_days_since"), touched
    )


def _sum_of(matrices: Iterable[Floats], items: int) -> pd.DataFrame:
    total = np.zeros((items, items), np.float32)
    for matrix in matrices:
        total += matrix
    return pd.DataFrame({"product": [total.tobytes()]})


def _matrix(content: bytes, items: int) -> Floats:
    return np.frombuffer(content, np.float32).reshape(items, items)


def fit_item_knn(products: NDArray[np.float64]) -> Arrays:
    """ItemKNN with cosine similarity over all neighbours (Sarwar et al., WWW 2001).

    Args:
        products: X^T X of the binary user-item matrix.
    """
    length = np.sqrt(np.diag(products))
    scale = np.divide(1.0, length, out=np.zeros_like(length), where=length > 0)
    weights = products * scale[:, None] * scale[None, :]
    np.fill_diagonal(weights, 0.0)
    return {"weights": weights.astype(np.float32)}


def fit_ease(products: NDArray[np.float64], regularisation: float, half_life_days: float | None = None) -> Arrays:
    """EASE (Steck, "Embarrassingly shallow autoencoders for sparse data", WWW 2019).

    Args:
        products: X^T X.
        regularisation: Added to its diagonal (lambda).
        half_life_days: Decay of X, which the scorer then applies, too.
    """
    regular = products + regularisation * np.eye(len(products))
    # By Cholesky's factors, in half the time that a general inverse takes: the matrix is positive definite.
    factor, failed = linalg.lapack.dpotrf(regular, lower=True, overwrite_a=True)
    half, failed_too = linalg.lapack.dpotri(factor, lower=True, overwrite_c=True)
    if failed or failed_too:
        raise ValueError("X^T X is no product of a matrix with itself")
    inverse = np.tril(half) + np.tril(half, -1).T
    weights = inverse / -np.diag(inverse)[None, :]
    np.fill_diagonal(weights, 0.0)
    arrays: Arrays = {"weights": weights.astype(np.float32)}
    return arrays if half_life_days is None else {**arrays, "half_life_days": np.array(half_life_days)}


def title_vectors(item_text: DataFrame, items: int) -> sparse.csr_matrix:
    """TF-IDF vectors of all titles of features.item_text, (items, words)."""
    rows = item_text.select("item_index", "word_indices", "weights").orderBy("item_index").toPandas()
    lengths = rows["word_indices"].str.len().to_numpy(np.int64)
    words = np.concatenate([np.zeros(0, np.int64), *rows["word_indices"]]).astype(np.int64)
    weights = np.concatenate([np.zeros(0, np.float32), *rows["weights"]]).astype(np.float32)
    shape = (items, int(words.max(initial=0)) + 1)
    return sparse.csr_matrix((weights, (np.repeat(rows["item_index"].to_numpy(np.int64), lengths), words)), shape)


def fit_title_similarity(item_text: DataFrame, items: int, power: int) -> Arrays:
    """Cosine of the TF-IDF vectors of two titles, to a power that leaves only near ones a say.

    Args:
        item_text: features.item_text.
        items: Size of the item vocabulary.
        power: Of the cosine.
    """
    titles = title_vectors(item_text, items)
    found = []
    # A part at a time: titles that share a common word are many, those that are alike few.
    for start in range(0, items, _TITLES_AT_ONCE):
        part = (titles[start : start + _TITLES_AT_ONCE] @ titles.T).tocoo()
        row, similarity = part.row + start, part.data**power
        kept = (similarity >= _LEAST_SIMILARITY) & (row != part.col)
        found.append((similarity[kept], row[kept], part.col[kept]))
    similarity, row, column = (np.concatenate(parts) for parts in zip(*found, strict=True))
    similar = sparse.csr_matrix((similarity, (row, column)), (items, items))
    similar.sort_indices()
    return {
        "values": similar.data.astype(np.float32),
        "columns": similar.indices.astype(np.int32),
        "starts": similar.indptr.astype(np.int32),
    }
