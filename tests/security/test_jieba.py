"""How Chinese is cut depends on nobody who can write to the temporary folder."""

import marshal
import tempfile
from pathlib import Path

import pytest

from sparkrec.cleaning import segmentation


@pytest.mark.parametrize(
    "planted", [marshal.dumps(({"来到北": 9_999_999}, 1)), b"broken"], ids=["other words", "broken"]
)
def test_a_cache_that_somebody_planted_is_neither_read_nor_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, planted: bytes
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    (tmp_path / "jieba.cache").write_bytes(planted)
    segmentation._chinese.cache_clear()

    assert segmentation.segment("我来到北京清华大学").split() == ["我", "来到", "北京", "清华大学"]

    assert [(file.name, file.read_bytes()) for file in tmp_path.iterdir()] == [("jieba.cache", planted)]
