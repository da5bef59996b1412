"""The command line: what it refuses and how it ends."""

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from deltalake import DeltaTable, Field, Schema
from deltalake.schema import PrimitiveType

from sparkrec.cli import main
from sparkrec.config import load_settings
from sparkrec.errors import ConfigurationError
from sparkrec.lake.one_source import check_source

SOURCE = "name: {name}\nlanding: landing\ninteractions: {{user_id: user, item_id: item, event_time: at}}\n"

Shell = Callable[..., tuple[int, str, str]]


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shell:
    """Runs ``sparkrec`` in this process; gives exit status, output and errors."""

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["sparkrec", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        told = capsys.readouterr()
        assert isinstance(ended.value.code, int)
        return ended.value.code, told.out, told.err

    return run


def source_file(folder: Path, name: str) -> str:
    file = folder / f"{name}.yaml"
    file.write_text(SOURCE.format(name=name), encoding="utf-8")
    return str(file)


def fill(lake: Path, *tables: str) -> None:
    for table in tables:
        path = lake / table.replace(".", "/")
        path.mkdir(parents=True)
        DeltaTable.create(str(path), Schema([Field("user", PrimitiveType("string"))]))


@pytest.mark.parametrize("command", [["run"], ["job", "clean"], ["job", "replay"], ["forget", "--user", "u1"]])
def test_a_lake_of_another_source_is_refused_before_anything_starts(
    tmp_path: Path, shell: Shell, command: list[str]
) -> None:
    lake = tmp_path / "lake"
    fill(lake, "bronze.shop", "bronze.shop__product", "silver.interactions")
    before = sorted(lake.rglob("*.json"))

    code, out, err = shell(*command, "--source", source_file(tmp_path, "web"), "--lake", str(lake), "--env", "test")

    assert (code, out) == (2, "")
    assert err == (
        f"error: the lake {lake} holds the source shop, whose tables the source web would replace: name another "
        "--lake; or, if web is a new name for shop, keep the old one in the source file\n"
    )
    assert sorted(lake.rglob("*.json")) == before


def test_a_lake_of_this_source_and_its_lookups_is_none_of_another(tmp_path: Path) -> None:
    source = load_settings("test", source_file(tmp_path, "shop"), str(tmp_path)).source
    check_source(str(tmp_path / "none"), source)
    # A lookup that the source file names no more, and what a first delivery left that could not be read.
    fill(tmp_path, "bronze.shop", "bronze.shop__product")
    (tmp_path / "bronze" / "web").mkdir()
    check_source(str(tmp_path), source)
    check_source(f"{tmp_path}/", source)

    fill(tmp_path, "bronze.shop_two__product")
    with pytest.raises(ConfigurationError, match="holds the source shop_two, whose"):
        check_source(str(tmp_path), source)


def test_an_unexpected_exception_ends_in_two_lines(
    tmp_path: Path, shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr("sparkrec.config.paths.shipped_root", lambda: tmp_path)
    # A folder where the file of the settings should be counts as a broken installation.
    (tmp_path / "schemas" / "gold" / "shop.yaml").mkdir(parents=True)

    code, out, err = shell("features", "--table", "gold.shop")

    (file,) = tmp_path.glob("sparkrec-*.txt")
    assert (code, out) == (1, "")
    assert err.splitlines() == [
        f"error: sparkrec features failed: IsADirectoryError: [Errno 21] Is a directory: "
        f"'{tmp_path}/schemas/gold/shop.yaml'",
        f"traceback: {file}",
    ]
    assert "Traceback (most recent call last):" in file.read_text(encoding="utf-8")


def test_whom_to_forget_is_named_by_ids_or_a_file_and_told_by_neither(tmp_path: Path, shell: Shell) -> None:
    source, lake = source_file(tmp_path, "shop"), str(tmp_path / "lake")
    fill(tmp_path / "lake", "bronze.shop")
    (tmp_path / "latin.txt").write_bytes("Zoë".encode("latin-1"))
    told = [
        shell("forget", "--source", source, "--lake", lake, *given)
        for given in ([], ["--users-file", f"{tmp_path}/none.txt"], ["--users-file", f"{tmp_path}/latin.txt"])
    ]
    assert told == [
        (2, "", "error: name people by --user ID or --users-file FILE, one id a line\n"),
        (2, "", f"error: --users-file {tmp_path}/none.txt cannot be read: No such file or directory\n"),
        (2, "", f"error: --users-file {tmp_path}/latin.txt is no text in UTF-8\n"),
    ]


def test_wrong_use_stays_wrong_use(shell: Shell) -> None:
    code, _, err = shell("sql")
    assert code == 2
    assert "traceback" not in err.lower()
