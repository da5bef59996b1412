"""The notebook docs/quickstart.ipynb runs from its first cell to its last."""

import json
import os
import subprocess
import sys
from pathlib import Path

from sparkrec.config import shipped_root


def test_every_cell_runs(tmp_path: Path) -> None:
    notebook = json.loads((shipped_root() / "docs" / "quickstart.ipynb").read_text(encoding="utf-8"))
    cells = ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert len(cells) == 7
    assert 'env = "local"' in cells[0]
    told = 'print("last cell:", {row.event_type for row in _.itertuples()})'
    script = tmp_path / "quickstart.py"
    # As a notebook does, `_` has what the cell before came to.
    *body, last = cells
    text = "\n\n".join(body).replace('env = "local"', 'env = "test"')
    script.write_text(f"{text}\n\n_ = {last}\n{told}\n", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, str(script)],
        env=os.environ | {"TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    assert "'purchase'" in done.stdout.splitlines()[-1]
