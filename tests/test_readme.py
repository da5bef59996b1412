"""The README's examples work as they stand."""

import re
from pathlib import Path

from sparkrec.config import load_settings, shipped_root


def example(name: str) -> str:
    readme = (shipped_root() / "README.md").read_text(encoding="utf-8")
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


def test_every_job_is_in_the_table() -> None:
    from sparkrec.graph import JOBS

    readme = (shipped_root() / "README.md").read_text(encoding="utf-8")
    for job in JOBS:
        assert f"| `{job.name}` |" in readme
