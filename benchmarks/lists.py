"""Lists that two checkouts publish of the same data, at some days, by what users then took: paired differences.

``SPARKREC_BENCH_BEFORE`` names the folder of the earlier checkout, with its environment in ``.venv``;
``SPARKREC_BENCH_SOURCE`` the source, by default that of the demo. Lakes in ``build/bench/lists`` are not made again.
"""

import os
import shutil
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

import sparkrec
from sparkrec.errors import ConfigurationError
from sparkrec.evaluation.metrics import list_metrics

_FOLDER = Path("build/bench/lists")
_DAYS = 28
_ORIGINS = 3
_K = 10
_SAMPLES = 2_000


def figures() -> dict[str, float]:
    """NDCG@10 before and after by surface and day, the difference over all days, and its interval of 95 %.

    Raises:
        ConfigurationError: There is no earlier checkout.
    """
    before = os.environ.get("SPARKREC_BENCH_BEFORE")
    if not before:
        raise ConfigurationError("SPARKREC_BENCH_BEFORE must name the folder of the checkout to compare with")
    sides = {"before": Path(before) / ".venv/bin/sparkrec", "after": Path(sys.executable).parent / "sparkrec"}
    taken = _taken(_lake(sides["after"], "all", None, ("ingest", "clean")))
    last = taken["day"].max()
    found: dict[str, float] = {}
    differences: dict[str, list[NDArray[np.float64]]] = {}
    for origin in (last - timedelta(days=_DAYS * back) for back in range(_ORIGINS, 0, -1)):
        lists = {name: _lists(_lake(side, f"{name}-{origin}", origin, ())) for name, side in sides.items()}
        for surface in sorted(set(lists["after"]["shelf"])):
            of_users = {
                name: _ndcg(rows[rows["shelf"] == surface], taken, origin, surface) for name, rows in lists.items()
            }
            found |= {f"lists.{surface}.{origin}.{name}": values.mean() for name, values in of_users.items()}
            paired = of_users["after"].sub(of_users["before"], fill_value=0.0)
            differences.setdefault(surface, []).append(paired.to_numpy(np.float64))
    for surface, parts in differences.items():
        low, high = _interval(np.concatenate(parts))
        found |= {f"lists.{surface}.difference": float(np.concatenate(parts).mean())}
        found |= {f"lists.{surface}.difference_low": low, f"lists.{surface}.difference_high": high}
    return found


def _lake(command: Path, name: str, origin: date | None, jobs: tuple[str, ...]) -> str:
    """The lake of a checkout that knows the days up to the origin; all jobs, or some."""
    lake = _FOLDER / name
    done = lake / "done"
    if not done.exists():
        shutil.rmtree(lake, ignore_errors=True)
        options = ["--env", "local", "--source", os.environ.get("SPARKREC_BENCH_SOURCE", "online_retail")]
        options += ["--lake", str(lake), *(["--run-date", origin.isoformat()] if origin else [])]
        for call in [["job", job] for job in jobs] or [["run"]]:
            print(f"lists: {name} {' '.join(call)}", flush=True)
            subprocess.run([str(command), *call, *options], check=True, stdout=subprocess.DEVNULL)
        done.touch()
    return str(lake)


def _taken(lake: str) -> pd.DataFrame:
    """``user_id, item_id, day`` of what users took."""
    events = sparkrec.open_lake(lake).pandas(
        "silver.interactions", columns=["user_id", "item_id", "event_time", "event_type"]
    )
    events = events[events["event_type"] == "purchase"]
    return events.assign(day=pd.to_datetime(events["event_time"]).dt.date)[["user_id", "item_id", "day"]].dropna()


def _lists(lake: str) -> pd.DataFrame:
    rows = sparkrec.open_lake(lake).pandas("gold.recommendations")
    return rows[rows["rank"] <= _K]


def _ndcg(lists: pd.DataFrame, taken: pd.DataFrame, origin: date, surface: str) -> "pd.Series[float]":
    """NDCG@10 of each user who took something that the surface may show within the next days."""
    until = origin + timedelta(days=_DAYS)
    pairs = taken[(taken["day"] > origin) & (taken["day"] <= until)][["user_id", "item_id"]].drop_duplicates()
    earlier = taken[taken["day"] <= origin]
    pairs = pairs[pairs["user_id"].isin(earlier["user_id"])]
    if surface == "discover":
        had = earlier[["user_id", "item_id"]].drop_duplicates()
        pairs = pairs.merge(had, how="left", indicator=True).query("_merge == 'left_only'")[["user_id", "item_id"]]
    targets = pairs.groupby("user_id").size()
    listed = lists[lists["user_id"].isin(targets.index)].merge(
        pairs.assign(hit=True), how="left", on=["user_id", "item_id"]
    )
    users = pd.Index(targets.index)
    hits = np.zeros((len(users), _K), bool)
    hits[users.get_indexer(listed["user_id"]), listed["rank"].to_numpy() - 1] = listed["hit"].notna()
    return pd.Series(list_metrics(hits, np.asarray(targets, np.int64), _K)[f"ndcg@{_K}"], index=users)


def _interval(values: NDArray[np.float64]) -> tuple[float, float]:
    """Of the mean, by the bootstrap over users."""
    random = np.random.default_rng(1)
    means = [values[random.integers(0, len(values), len(values))].mean() for _ in range(_SAMPLES)]
    low, high = np.quantile(means, [0.025, 0.975])
    return float(low), float(high)
