"""A small shop's shards for training."""

import numpy as np
import pandas as pd
import pytest
from pyspark.sql import SparkSession

from sparkrec.shards.manifest import Manifest
from sparkrec.shards.write import describe_datasets, write_dataset

USERS, ITEMS, WORDS = 41, 23, 9
LENGTH, TITLE = 4, 3


@pytest.fixture(scope="package")
def shards(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A folder of shards: users buy the items of their own group, index 0 pads and nothing has index 1."""
    random = np.random.default_rng(11)
    root = str(tmp_path_factory.mktemp("shards"))

    def samples(rows: int) -> pd.DataFrame:
        user = random.integers(2, USERS, rows)
        item = 2 + (user + 3 * random.integers(0, 7, rows)) % 21
        return pd.DataFrame(
            {
                "event_id": [f"e{number}" for number in range(rows)],
                "user_index": user.astype("int32"),
                "item_index": item.astype("int32"),
                "history": list(np.pad(random.integers(2, ITEMS, (rows, 2)), ((0, 0), (2, 0))).astype("int32")),
                "item_words": list(np.stack([2 + item % 7, 0 * item, 0 * item], axis=1).astype("int32")),
                "log_q": np.full(rows, -np.log(21), "float32"),
            }
        )

    users, items = np.arange(2, USERS, dtype="int32"), np.arange(2, ITEMS, dtype="int32")
    # Of four events of a window the later two are predicted: the one from the first two, the other from all before it.
    windows = pd.DataFrame(
        {
            "event_id": [f"w{number}" for number in range(96)],
            "window": list((2 + (random.integers(0, 21, (96, 1)) + np.arange(LENGTH)) % 21).astype("int32")),
            "before": list(np.tile(np.array([1, 2], "int32"), (96, 1))),
        }
    )
    tables = {
        "validation/windows": windows,
        "publish/windows": windows,
        "validation/train": samples(210),
        "validation/held_out": samples(90),
        "validation/users": pd.DataFrame(
            {
                "event_id": users.astype(str),
                "user_index": users,
                "history": list(random.integers(0, ITEMS, (len(users), LENGTH)).astype("int32")),
            }
        ),
        "items": pd.DataFrame(
            {
                "event_id": items.astype(str),
                "item_index": items,
                "item_words": list(np.stack([2 + items % 7, 0 * items, 0 * items], axis=1)),
            }
        ),
    }
    tables["publish/train"] = pd.concat([tables["validation/train"], tables["validation/held_out"]]).assign(
        event_id=[f"e{number}" for number in range(300)]
    )
    tables["publish/users"] = tables["validation/users"]
    # Of two ranks the second has one file of three to publish from, and none of the users.
    uneven = {"publish/train": 3, "publish/users": 1}
    for name, table in tables.items():
        groups, ranks = uneven.get(name, 4), 1 if name in uneven else 2
        write_dataset(spark.createDataFrame(table), len(table), root, name, "event_id", groups, ranks, seed=1)
    datasets = describe_datasets(spark, root, list(tables))
    Manifest(
        version="0123456789ab",
        inputs={},
        seed=1,
        history_length=LENGTH,
        title_words=TITLE,
        users=USERS,
        items=ITEMS,
        words=WORDS,
        datasets=datasets,
        checksum=Manifest.checksum_of(list(datasets.values())),
    ).write(root)
    return root
