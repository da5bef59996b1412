"""Seconds to read a gold table as pandas by the Python API, in a process of its own, after the import; and to ask one
question of it by `sparkrec sql`, from the start of the process to its end."""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import pandas as pd
from deltalake import convert_to_deltalake

# As many rows as the demo's gold.recommendations has.
_USERS, _ITEMS = 4_300, 200
_READ = """
import json, sys, time
import sparkrec
start = time.perf_counter()
lake = sparkrec.open_lake(sys.argv[1])
rows = len(lake.pandas("gold.recommendations"))
whole = time.perf_counter() - start
start = time.perf_counter()
lake.lists("u7")
print(json.dumps([whole, time.perf_counter() - start, rows, "pyspark" in sys.modules]))
"""

_QUERY = "select * from gold.recommendations where user_id = 'u7' and rank <= 5"


def figures() -> dict[str, float]:
    """The whole table of a lake like the demo's, and one user's lists; the median of five."""
    with tempfile.TemporaryDirectory() as lake:
        numbers = range(_USERS * _ITEMS)
        ranks = [number % _ITEMS + 1 for number in numbers]
        columns = {
            "user_id": [f"u{number // _ITEMS}" for number in numbers],
            "shelf": ["discover"] * len(numbers),
            "rank": ranks,
            "item_id": [f"i{rank}" for rank in ranks],
            "score": [1 / rank for rank in ranks],
        }
        table = Path(lake) / "gold" / "recommendations"
        table.mkdir(parents=True)
        pd.DataFrame(columns).to_parquet(table / "rows.parquet", index=False)
        convert_to_deltalake(str(table))
        found = [
            json.loads(subprocess.run([sys.executable, "-c", _READ, lake], capture_output=True, check=True).stdout)
            for _ in range(5)
        ]
        asked = [_asked(lake) for _ in range(5)]
    assert all(one[2:] == [len(numbers), False] for one in found)
    return {
        "reading.rows": len(numbers),
        "reading.seconds": median(one[0] for one in found),
        "reading.seconds.one_user": median(one[1] for one in found),
        "reading.sql_seconds": median(asked),
    }


def _asked(lake: str) -> float:
    start = time.perf_counter()
    command = [sys.executable, "-c", "from sparkrec.cli import main; main()", "sql", _QUERY, "--lake", lake]
    done = subprocess.run([*command, "--format", "json"], capture_output=True, check=True)
    assert len(json.loads(done.stdout)) == 5
    return time.perf_counter() - start
