"""Ranking samples as shards that the ranks train DeepFM on."""

import numpy as np

from sparkrec.recommend.ranker.network import bucket_edges, bucketed
from sparkrec.recommend.ranker.samples import Samples
from sparkrec.recommend.users import Floats
from sparkrec.shards.manifest import Dataset
from sparkrec.shards.write import write_columns


def write_samples(samples: Samples, root: str, folder: str, files: int, seed: int) -> tuple[Floats, Dataset]:
    """Write samples as a data set of ``field_rows`` and ``label``.

    Args:
        samples: The samples.
        root: Folder of all shards.
        folder: The data set's folder below it.
        files: Shards wanted.
        seed: Of the order of the pairs.

    Returns:
        The edges of the features' buckets, and what was written.
    """
    edges = bucket_edges(samples.features, seed)
    columns = {"field_rows": bucketed(samples.features, edges), "label": samples.relevant.astype(np.float32)}
    return edges, write_columns(columns, root, folder, files, seed)
