import shutil
import sys
from pathlib import Path

import pytest

from sparkrec.registry.code import digest_of


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package with a module, and one with a module in it; no digest of it is known."""
    folder = tmp_path / "shop_models"
    (folder / "deep").mkdir(parents=True)
    for name in ("__init__.py", "own.py", "deep/__init__.py", "deep/tower.py"):
        (folder / name).write_text("SIZE = 1\n", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    for name in [name for name in sys.modules if name.startswith("shop_models")]:
        monkeypatch.delitem(sys.modules, name)
    digest_of.cache_clear()
    return folder


@pytest.mark.parametrize("file", ["own.py", "deep/tower.py"])
def test_a_package_is_another_once_a_line_anywhere_in_it_is(package: Path, file: str) -> None:
    before, of_module = digest_of("shop_models"), digest_of("shop_models.own")

    (package / file).write_text("SIZE = 2\n", encoding="utf-8")
    digest_of.cache_clear()

    assert digest_of("shop_models") != before
    assert (digest_of("shop_models.own") != of_module) == (file == "own.py")


def test_a_line_is_not_the_same_in_another_file(package: Path) -> None:
    before = digest_of("shop_models")

    (package / "own.py").rename(package / "other.py")
    digest_of.cache_clear()

    assert digest_of("shop_models") != before


def test_a_module_in_an_archive_is_the_same_as_beside_it(
    package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    of_folder = digest_of("shop_models")
    archive = shutil.make_archive(str(tmp_path / "sent"), "zip", tmp_path, "shop_models")
    shutil.rmtree(package)
    monkeypatch.syspath_prepend(archive)
    for name in [name for name in sys.modules if name.startswith("shop_models")]:
        monkeypatch.delitem(sys.modules, name)
    digest_of.cache_clear()

    assert digest_of("shop_models") == of_folder


def test_what_is_no_module_is_named(package: Path) -> None:
    with pytest.raises(ModuleNotFoundError, match=r"no source of shop_models\.nowhere"):
        digest_of("shop_models.nowhere")
