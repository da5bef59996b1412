"""EASE, a linear autoencoder in closed form, of which each item keeps its strongest weights."""

from collections.abc import Iterable, Iterator

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyspark.sql import DataFrame
from scipy import linalg, sparse

from sparkrec.lake import files
from sparkrec.lake.model_tables import NEIGHBOURS, neighbour_rows
from sparkrec.recommend.scorers.co_occurrence import rows_of_block
from sparkrec.recommend.scorers.item_item import strongest_of_rows

_ROWS_AT_ONCE = 1024


def nearest(products: DataFrame, scratch: str, items: int, regularisation: float, most: int) -> DataFrame:
    """`fit` on one executor, whose Python worker takes 44 bytes x items^2 for it.

    Args:
        products: `sparkrec.recommend.scorers.co_occurrence.gram`.
        scratch: Folder through which the blocks reach that executor; it can be removed once the rows are made.
        items: Size of the item vocabulary.
        regularisation: See `fit`.
        most: See `fit`.

    Returns:
        The weights, as `NEIGHBOURS`.
    """
    products.write.mode("overwrite").parquet(scratch)

    def solve(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for _ in batches:
            dense = np.zeros((items, items))
            for uri in files.find_files(f"{scratch}/*.parquet"):
                for block in files.read_table(uri).to_pylist():
                    start, rows = rows_of_block(block, items)
                    dense[start : start + rows.shape[0]] = rows.toarray()
            yield from neighbour_rows(fit(dense, regularisation, most), 0).to_batches()

    return products.sparkSession.range(1, numPartitions=1).mapInArrow(solve, NEIGHBOURS)


def fit(products: NDArray[np.float64], regularisation: float, most: int) -> sparse.csr_matrix:
    """EASE (Steck, "Embarrassingly shallow autoencoders for sparse data", WWW 2019).

    Args:
        products: X^T X of the user-item matrix X, (items, items); it is overwritten.
        regularisation: Added to its diagonal (lambda).
        most: Weights that an item keeps.
    """
    items = len(products)
    products[np.diag_indices(items)] += regularisation
    # By Cholesky's factors, in half the time that a general inverse takes: the matrix is positive definite.
    factor, failed = linalg.lapack.dpotrf(products, lower=True, overwrite_a=True)
    half, failed_too = linalg.lapack.dpotri(factor, lower=True, overwrite_c=True)
    if failed or failed_too:
        raise ValueError("X^T X is no product of a matrix with itself")
    inverse = np.tril(half) + np.tril(half, -1).T
    diagonal = np.diag(inverse).copy()
    kept = []
    for start in range(0, items, _ROWS_AT_ONCE):
        rows = np.arange(start, min(start + _ROWS_AT_ONCE, items))
        weights = (inverse[rows] / -diagonal).astype(np.float32)
        weights[rows - start, rows] = 0
        kept.append(strongest_of_rows(weights, most))
    return sparse.csr_matrix(sparse.vstack(kept))
