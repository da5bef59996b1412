"""Run benchmarks: ``python -m benchmarks [PART ...]``; without a name all parts but those that take hours."""

import importlib
import json
import math
import sys
from pathlib import Path

PARTS = ("pipeline", "data", "reading", "features", "queries", "training", "topn", "search", "shapes")
BY_NAME = ("scale", "lists")


def main(names: list[str]) -> int:
    """Run the parts, print their figures and leave them in ``build/bench/<part>.json``."""
    parts = (*PARTS, *BY_NAME)
    unknown = [name for name in names if name not in parts]
    if unknown:
        print(f"no benchmark {', '.join(unknown)}; one of: {', '.join(parts)}", file=sys.stderr)
        return 2
    for name in names or PARTS:
        # Only now, for what a part imports counts among the memory of those after it.
        found: dict[str, float] = importlib.import_module(f"benchmarks.{name}").figures()
        for figure, value in found.items():
            print(f"{figure:40s} {_shown(value):>14s}")
        target = Path("build/bench") / f"{name}.json"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    return 0


def _shown(value: float) -> str:
    """The value with three significant digits or, where it has more before the point, all of these."""
    places = 2 - math.floor(math.log10(abs(value))) if value and math.isfinite(value) else 2
    return f"{value:,.{max(places, 0)}f}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
