"""A batch as the retrieval models read it."""

import numpy as np

BATCH: dict[str, np.ndarray] = {
    "user_index": np.array([2, 3, 4, 5], "int32"),
    "history": np.array([[0, 0, 0, 0], [0, 0, 0, 7], [0, 9, 7, 9], [3, 4, 5, 6]], "int32"),
    "item_index": np.array([3, 4, 9, 4], "int32"),
    "item_words": np.array([[0, 0, 0], [5, 0, 0], [6, 2, 0], [7, 3, 2]], "int32"),
    "log_q": np.log(np.array([0.1, 0.2, 0.3, 0.2], "float32")),
}
