"""The project of one's own that docs/own_project.md shows, as files."""

import re
from pathlib import Path

import pytest

from sparkrec.config import shipped_root


def write_project(folder: Path) -> Path:
    """Write each file that the page names."""
    page = (shipped_root() / "docs" / "own_project.md").read_text(encoding="utf-8")
    files = re.findall(r"<!-- file: (\S+) -->\n```\w+\n(.*?)```", page, re.DOTALL)
    assert len(files) == 10
    for name, text in files:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


@pytest.fixture
def own_project(tmp_path: Path) -> Path:
    return write_project(tmp_path / "project")
