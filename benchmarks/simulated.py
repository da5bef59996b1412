"""The simulated shop that benchmarks read; its landing files stay in ``build/bench``.

``SPARKREC_BENCH_EVENTS`` names the sizes, such as ``1000000,5000000``.
"""

import os
from pathlib import Path

from sparkrec.config import load_settings
from sparkrec.lake import spark_session
from sparkrec.simulation import SimulationSettings, simulate

WARM_UP = 50_000
"""Events of a run that is not counted: what comes first pays for the start of Spark and Java's compiler."""

_SIZES = "1000000,5000000,25000000"


def sizes() -> list[int]:
    """Events of each size, smallest first."""
    return sorted(int(size) for size in os.environ.get("SPARKREC_BENCH_EVENTS", _SIZES).split(","))


def landing(events: int, hot_item_share: float = 0.0) -> Path:
    """Folder of the landing files of a shop of this many events; simulated where it is not there yet."""
    folder = Path("build/bench") / f"events-{events}-{hot_item_share}"
    people, items = max(events // 50, 100), max(events // 200, 2_000)
    shop = SimulationSettings(events=events, users=people, items=min(items, 50_000), hot_item_share=hot_item_share)
    return simulated(folder, shop)


def simulated(folder: Path, shop: SimulationSettings) -> Path:
    """Folder of the landing files of a shop, below the given one; simulated where it is not there yet."""
    if not (folder / "truth" / "counts").exists():
        settings = load_settings("local", "events", lake=str(folder))
        with spark_session(settings.spark, "sparkrec bench simulation") as spark:
            simulate(spark, shop, str(folder), print)
    return (folder / "landing").resolve()
