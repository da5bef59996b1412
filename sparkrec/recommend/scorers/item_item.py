"""Item-to-item models: a user's score of an item is the sum of the weights from what the user has."""

from collections.abc import Iterable, Iterator

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from scipy import linalg

from sparkrec.lake.files import Arrays
from sparkrec.recommend.scorers.scorer import Scorer
from sparkrec.recommend.users import Floats, UserBatch


class ItemItem(Scorer):
    """Array ``weights`` (items, items), from what a user has to what is scored.

    Optional ``half_life_days``: what the user has counts the less the older it is. Optional
    ``own_weight``: what an event of the user with the very item adds.
    """

    def score(self, users: UserBatch) -> Floats:
        """Sum of the weights from the user's items."""
        has = users.decayed(float(self.arrays["half_life_days"])) if "half_life_days" in self.arrays else users.bought
        scores = np.asarray(has @ self.arrays["weights"], np.float32)
        if "own_weight" in self.arrays:
            scores += np.float32(self.arrays["own_weight"]) * np.asarray(users.events.todense(), np.float32)
        return scores


def gram(sequences: DataFrame, items: int, half_life_days: float | None = None) -> NDArray[np.float64]:
    """X^T X of the user-item matrix X, (items, items).

    X holds 1 where a user has an item, or 2^(-days_since / half_life_days). Executors multiply batches of
    users and add up in a tree, so that the driver holds items x items numbers whatever the users' number.

    Args:
        sequences: Rows of features.behaviour_sequences of one cut.
        items: Size of the item vocabulary.
        half_life_days: See above.
    """

    def multiply(batches: Iterable[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        total = np.zeros((items, items), np.float32)
        for rows in batches:
            users = UserBatch.of(rows, items)
            matrix = users.bought if half_life_days is None else users.decayed(half_life_days)
            product = (matrix.T @ matrix).tocoo()
            total[product.row, product.col] += product.data
        yield pd.DataFrame({"product": [total.tobytes()]})

    touched = F.array().cast("array<int>").alias("touched")
    products = sequences.select("user_index", "items", "events", "days_since", touched).mapInPandas(
        multiply, "product binary"
    )
    matrices = products.rdd.map(lambda row: np.frombuffer(row.product, np.float32))
    if not matrices.getNumPartitions():  # nobody has anything yet
        return np.zeros((items, items))
    return np.asarray(matrices.treeReduce(np.add), np.float64).reshape(items, items)


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
    inverse = linalg.inv(regular, overwrite_a=True, check_finite=False)
    weights = inverse / -np.diag(inverse)[None, :]
    np.fill_diagonal(weights, 0.0)
    arrays: Arrays = {"weights": weights.astype(np.float32)}
    return arrays if half_life_days is None else {**arrays, "half_life_days": np.array(half_life_days)}
