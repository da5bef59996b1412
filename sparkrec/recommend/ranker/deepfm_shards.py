"""Backtests as shards that the ranks train DeepFM on."""

from collections.abc import Sequence

import numpy as np

from sparkrec.recommend.ranker.booster import Backtest
from sparkrec.recommend.ranker.network import bucket_edges, bucketed
from sparkrec.recommend.users import Floats
from sparkrec.shards.manifest import Dataset
from sparkrec.shards.write import write_columns


def write_backtests(
    backtests: Sequence[Backtest], root: str, folder: str, files: int, seed: int
) -> tuple[Floats, Dataset]:
    """Write the pairs of some backtests as a data set of ``field_rows`` and ``label``.

    Args:
        backtests: Of one or more windows.
        root: Folder of all shards.
        folder: The data set's folder below it.
        files: Shards wanted.
        seed: Of the order of the pairs.

    Returns:
        The edges of the features' buckets, and what was written.
    """
    edges = bucket_edges(np.concatenate([one.features for one in backtests]), seed)
    fields = np.concatenate([bucketed(one.features, edges) for one in backtests])
    labels = np.concatenate([one.relevant for one in backtests]).astype(np.float32)
    return edges, write_columns({"field_rows": fields, "label": labels}, root, folder, files, seed)
