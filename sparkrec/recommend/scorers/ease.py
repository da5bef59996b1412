"""EASE, a linear autoencoder in closed form, of which each item keeps its strongest weights."""

import numpy as np
from numpy.typing import NDArray
from scipy import linalg, sparse

from sparkrec.recommend.scorers.item_item import strongest_of_rows

_ROWS_AT_ONCE = 1024


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
