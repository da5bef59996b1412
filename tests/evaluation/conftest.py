"""A shop small enough to be evaluated by hand: arrays of four models at one fold, and its users."""

from collections.abc import Sequence

import numpy as np
import pytest
from item_weights import arrays_of
from pyspark.sql import DataFrame, SparkSession
from scipy import sparse

from sparkrec.lake import files
from sparkrec.recommend.scorers.item_item import ItemItem
from sparkrec.registry.model_store import CurrentModels

USERS, ITEMS = 30, 24
SEGMENTS = [["country=France", "activity=new"], ["activity=old"], []]
Dense = dict[str, np.ndarray]


@pytest.fixture(scope="package")
def shop() -> Dense:
    """The shop as dense matrices of users and items.

    Nobody has the items 0 and 1, which are no items, nor the last, which is not known at the fold.
    """
    random = np.random.default_rng(8)
    bought = random.random((USERS, ITEMS)) < 0.15
    bought[np.arange(USERS), random.integers(2, ITEMS - 1, USERS)] = True
    targets = random.random((USERS, ITEMS)) < 0.12
    targets[np.arange(USERS), random.integers(2, ITEMS, USERS)] = True
    for events in (bought, targets):
        events[:, :2] = False
    bought[:, -1] = False
    bought[:, 2:-1] |= ~bought.any(axis=0)[2:-1]
    # Some items were seen but not bought, among them targets.
    interacted = bought | (random.random((USERS, ITEMS)) < 0.08)
    interacted[:, [0, 1, ITEMS - 1]] = False
    events = bought * random.integers(1, 5, (USERS, ITEMS))
    return {
        "events": events,
        "bought": bought,
        "interacted": interacted,
        "targets": targets,
        "known": bought.any(axis=0),
    }


@pytest.fixture(scope="package")
def arrays(shop: Dense) -> dict[str, Dense]:
    """What the fits of the four models left."""
    random = np.random.default_rng(3)
    popularity = shop["bought"].sum(axis=0).astype(np.float32)
    return {
        "popularity": {"scores": popularity},
        "own_frequency": {"order": popularity / (popularity.max() + 1)},
        "ease": arrays_of(sparse.csr_matrix(random.normal(size=(ITEMS, ITEMS)).astype(np.float32))),
        "als": {"items": random.normal(size=(ITEMS, 5)).astype(np.float32)},
    }


USER_VECTORS = np.random.default_rng(5).normal(size=(USERS, 5)).astype(np.float32)


@pytest.fixture(scope="package")
def current(arrays: dict[str, Dense], tmp_path_factory: pytest.TempPathFactory) -> CurrentModels:
    root = str(tmp_path_factory.mktemp("models"))
    versions = {name: f"{place:012x}" for place, name in enumerate(arrays)}
    for name, content in arrays.items():
        files.write_arrays(f"{root}/{name}/{versions[name]}/validation/arrays.npz", content)
    return CurrentModels(root=root, versions=versions, folds=("validation",), items=ITEMS, left_out={})


@pytest.fixture(scope="package")
def users(spark: SparkSession, shop: Dense) -> DataFrame:
    """The users with their targets, in three partitions."""

    def indices(row: np.ndarray) -> Sequence[int]:
        return [int(index) for index in np.flatnonzero(row)]

    rows = []
    for user in range(USERS):
        items = indices(shop["bought"][user])
        counts = [int(count) for count in shop["events"][user, items]]
        interacted, targets = indices(shop["interacted"][user]), indices(shop["targets"][user])
        rows.append(
            (f"u{user:02}", user + 2, items, counts, [0.0] * len(items), [0.0] * len(items), interacted, targets)
        )
        rows[-1] += (SEGMENTS[user % len(SEGMENTS)], USER_VECTORS[user].tolist())
    columns = (
        "user_id string, user_index int, items array<int>, events array<int>, days_since array<float>, "
        "first_days_since array<float>, interacted array<int>, targets array<int>, segments array<string>, "
        "vector_als array<float>"
    )
    return spark.createDataFrame(rows, columns).repartition(3, "user_id").cache()


@pytest.fixture(scope="package")
def scores(shop: Dense, arrays: dict[str, Dense]) -> Dense:
    """Each model's scores by plain numpy, with mean 0 and deviation 1 over the known items of each user."""
    popularity = arrays["popularity"]["scores"].astype(float)
    raw = {
        "popularity": np.tile(popularity, (USERS, 1)),
        "own_frequency": shop["events"] + 1e-3 * arrays["own_frequency"]["order"],
        "ease": shop["bought"] @ ItemItem("ease", arrays["ease"], shop["known"]).weights.toarray().astype(float),
        "als": USER_VECTORS.astype(float) @ arrays["als"]["items"].astype(float).T,
    }
    known = shop["known"]
    return {
        name: (values - values[:, known].mean(axis=1, keepdims=True)) / values[:, known].std(axis=1, keepdims=True)
        for name, values in raw.items()
    }
