"""Run benchmarks: ``python -m benchmarks [PART ...]``, all parts without a name."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

from benchmarks import data, pipeline

PARTS: dict[str, Callable[[], dict[str, float]]] = {"pipeline": pipeline.figures, "data": data.figures}


def main(names: list[str]) -> int:
    """Run the parts, print their figures and leave them in ``build/bench/<part>.json``."""
    unknown = [name for name in names if name not in PARTS]
    if unknown:
        print(f"no benchmark {', '.join(unknown)}; one of: {', '.join(PARTS)}", file=sys.stderr)
        return 2
    for name in names or PARTS:
        found = PARTS[name]()
        for figure, value in found.items():
            print(f"{figure:32s} {value:12.1f}")
        target = Path("build/bench") / f"{name}.json"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
