from pathlib import Path

import keras
import numpy as np
import pytest

from sparkrec.config.settings import DeepFMSettings
from sparkrec.models.deepfm import DeepFM
from sparkrec.recommend.ranker.deepfm_shards import write_samples
from sparkrec.recommend.ranker.network import BUCKETS, Network, bucket_edges, bucketed, packed
from sparkrec.recommend.ranker.samples import Samples
from sparkrec.shards.read import epoch_batches

RANDOM = np.random.default_rng(8)


def test_buckets_hold_equal_shares_and_the_first_what_is_missing() -> None:
    column = np.arange(6_300, dtype="float32")
    features = np.stack([np.where(column % 7 == 0, np.nan, column), column], axis=1)

    edges = bucket_edges(features, seed=1)
    rows = bucketed(features, edges)

    assert edges.shape == (2, BUCKETS - 2)
    assert set(rows[::7, 0]) == {0}
    # The second feature's rows of the table come behind the first one's, and nothing of it is missing.
    counts = np.bincount(rows[:, 1] - BUCKETS, minlength=BUCKETS)
    assert counts[0] == 0
    assert counts[1:].min() >= 98
    assert counts[1:].max() <= 102


def test_values_beyond_those_learned_from_go_into_the_outer_buckets() -> None:
    edges = bucket_edges(np.arange(100, dtype="float32")[:, None], seed=1)

    assert list(bucketed(np.array([[-1e9], [1e9], [np.nan]], "float32"), edges)[:, 0]) == [1, BUCKETS - 1, 0]


def test_a_feature_of_nothing_is_always_missing() -> None:
    nothing = np.full((5, 1), np.nan, "float32")

    assert not bucketed(nothing, bucket_edges(nothing, seed=1)).any()


def test_a_network_scores_as_the_model_that_it_was_packed_from() -> None:
    features = RANDOM.normal(size=(50, 4)).astype("float32")
    features[RANDOM.random((50, 4)) < 0.2] = np.nan
    edges = bucket_edges(features, seed=1)
    keras.utils.set_random_seed(3)
    model = DeepFM(DeepFMSettings(embedding_size=3, hidden_sizes=(6, 5)), rows=4 * BUCKETS)
    expected = keras.ops.convert_to_numpy(model({"field_rows": bucketed(features, edges)}))

    found = Network(packed(edges, model.get_weights())).predict(features)

    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("files", [1, 3])
def test_samples_lie_in_shards_pair_by_pair(tmp_path: Path, files: int) -> None:
    features = RANDOM.normal(size=(70, 2)).astype("float32")
    relevant = features[:, 0] > 0.5
    samples = Samples(("a", "b"), features, relevant, np.ones(70, np.int32), np.full(7, 10))

    edges, data = write_samples(samples, str(tmp_path), "test/discover", files, seed=5)

    assert [file.rows for file in data.files] == ([70] if files == 1 else [24, 23, 23])
    with epoch_batches(str(tmp_path), data, 0, 1, 16, drop_remainder=False) as batches:
        read = [
            (tuple(fields), label)
            for batch in batches
            for fields, label in zip(batch["field_rows"].numpy(), batch["label"].numpy(), strict=True)
        ]
    pairs = [(tuple(fields), float(label)) for fields, label in zip(bucketed(features, edges), relevant, strict=True)]
    assert sorted(read) == sorted(pairs)
    assert read != pairs
