from pathlib import Path

import pytest

from sparkrec.lake import shared_classes


def test_java_uses_the_archive_where_there_is_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    archive = tmp_path / "classes.jsa"
    monkeypatch.setattr(shared_classes, "archive", lambda: archive)
    assert shared_classes.java_option() is None

    archive.touch()

    assert shared_classes.java_option() == f"-XX:SharedArchiveFile={archive}"


def test_the_archive_lies_with_the_jars_whose_classes_it_holds() -> None:
    assert (shared_classes.archive().parent / "jars").is_dir()
