"""One simulated shop that all tests of this folder read."""

import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from pyspark.sql import SparkSession

from sparkrec.simulation import SimulationSettings, simulate

SETTINGS = SimulationSettings(
    seed=7,
    events=20_000,
    users=600,
    items=400,
    days=14,
    bad_rate=0.03,
    duplicate_rate=0.02,
    redelivered_rate=0.02,
    late_rate=0.03,
    bot_rate=0.1,
    cold_user_rate=0.1,
    cold_item_rate=0.1,
)


@dataclass(frozen=True)
class Shop:
    """The folder of a simulated shop."""

    folder: Path

    @property
    def days(self) -> list[str]:
        return sorted(path.name for path in (self.folder / "landing").iterdir())

    def texts(self, day: str = "*") -> Iterator[str]:
        """Lines as they landed."""
        for path in sorted((self.folder / "landing").glob(f"{day}/part-*.json.gz")):
            with gzip.open(path, "rt", encoding="utf-8") as lines:
                for line in lines:
                    yield line.rstrip("\n")

    def truth(self, table: str) -> pd.DataFrame:
        return pd.read_parquet(self.folder / "truth" / table)

    def good_lines(self) -> dict[str, dict[str, Any]]:
        """The first line of each good event, by event id."""
        good = set(self.truth("events").event_id)
        lines: dict[str, dict[str, Any]] = {}
        for text in self.texts():
            event_id = text[13:29]
            if event_id in good:
                lines.setdefault(event_id, json.loads(text))
        return lines


@pytest.fixture(scope="package")
def shop(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Shop:
    folder = tmp_path_factory.mktemp("shop")
    simulate(spark, SETTINGS, str(folder))
    return Shop(folder)
