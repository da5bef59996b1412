"""The README's examples work as they stand."""

import re
from datetime import datetime
from pathlib import Path

import numpy as np
from pyspark.sql import SparkSession

from sparkrec.config import load_settings, project_root
from sparkrec.config.settings import BaselineSettings
from sparkrec.recommend.models import FitData
from sparkrec.recommend.scorers.popularity import Popularity


def example(name: str) -> str:
    readme = (project_root() / "README.md").read_text(encoding="utf-8")
    found = re.search(rf"<!-- example: {name} -->\n```\w+\n(.*?)```", readme, re.DOTALL)
    assert found, f"the README has no example {name}"
    return found.group(1)


def test_the_source_file_is_a_configuration(tmp_path: Path) -> None:
    source = tmp_path / "my_shop.yaml"
    source.write_text(example("source"), encoding="utf-8")
    settings = load_settings("local", source, lake=str(tmp_path))
    assert settings.source.name == "my_shop"
    assert settings.source.refuse == {"internal_order": "customer like 'STAFF%'"}
    assert settings.split.kind == "global_time"


def test_the_added_model_counts_events(spark: SparkSession) -> None:
    names: dict[str, object] = {}
    exec(example("model"), names)
    day = datetime(2026, 1, 1)
    rows = [(2, 2, day), (2, 2, day), (3, 2, day), (3, 4, day)]
    known = spark.createDataFrame(rows, "user_index int, item_index int, event_time timestamp")
    model = names["SALES"]
    data = FitData(known, known, known, users=4, items=5, settings=BaselineSettings(), seed=0)
    arrays = model.fit(data)  # type: ignore[attr-defined]
    np.testing.assert_array_equal(arrays["scores"], [0, 0, 3, 0, 1])
    assert model.scorer is Popularity  # type: ignore[attr-defined]


def test_every_job_is_in_the_table() -> None:
    from sparkrec.graph import JOBS

    readme = (project_root() / "README.md").read_text(encoding="utf-8")
    for job in JOBS:
        assert f"| `{job.name}` |" in readme
