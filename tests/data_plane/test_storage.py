"""A lake whose storage is full or cannot be written to, and one on which two want to work at once."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import pytest
from click.testing import Result
from fingerprints import table_fingerprints
from pyspark.sql import SparkSession
from typer.testing import CliRunner

from sparkrec.cli import app
from sparkrec.errors import DataError
from sparkrec.lake import Lake
from sparkrec.lake.lock import at_work

pytestmark = pytest.mark.slow

JOB_NAMES = ("ingest", "clean", "profile")
SOURCE = """
name: shop
landing: {landing}
interactions: {{event_id: id, user_id: user, item_id: item, event_time: at, quantity: pieces}}
"""
SIZE, PAGE = 24 << 20, 4096


class Shop:
    """A landing folder, and the commands over its lake."""

    def __init__(self, spark: SparkSession, root: Path, lake: Path) -> None:
        self.spark, self.root, self.lake = spark, root, lake
        (root / "landing").mkdir(parents=True, exist_ok=True)
        (root / "shop.yaml").write_text(SOURCE.format(landing=root / "landing"), encoding="utf-8")

    def deliver(self, name: str, numbers: range) -> None:
        rows = [f"e{n},u{n % 50},i{n * n % 31},2026-01-{1 + n % 9:02} 10:{n % 60:02}:00,{n % 7}" for n in numbers]
        (self.root / "landing" / name).write_text("\n".join(["id,user,item,at,pieces", *rows]), encoding="utf-8")

    def command(self, *arguments: str) -> Result:
        options = ["--env", "test", "--source", str(self.root / "shop.yaml"), "--lake", str(self.lake)]
        return CliRunner().invoke(app, [*arguments, *options])

    def run_all(self) -> None:
        for job in JOB_NAMES:
            found = self.command("job", job)
            assert found.exit_code == 0, found.output

    def copy(self, lake: Path) -> "Shop":
        """The same landing folder over a copy of the lake."""
        shutil.copytree(self.lake, lake)
        return Shop(self.spark, self.root, lake)

    def tables(self) -> dict[str, int]:
        return table_fingerprints(self.spark, str(self.lake))

    def versions(self) -> dict[str, int]:
        lake = Lake(self.spark, str(self.lake))
        return {table: lake.version(table) for table in lake.tables()}


def refused(found: Result, told: str) -> None:
    """Check that the command ended with an error that tells this: it is printed as one line, and the status is 1."""
    assert isinstance(found.exception, DataError), found.output
    assert told in str(found.exception)


@pytest.fixture(scope="module", autouse=True)
def tests_session(spark: SparkSession) -> Iterator[None]:
    """A command would stop the tests' session when it ends."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sparkrec.lake.spark_session", lambda *_: nullcontext(spark))
        yield


@pytest.fixture(scope="module")
def first(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """A lake after a first delivery, with a second one waiting."""
    folder = tmp_path_factory.mktemp("storage")
    shop = Shop(spark, folder / "shop", folder / "lake")
    shop.deliver("a.csv", range(500))
    shop.run_all()
    shop.deliver("b.csv", range(450, 20_000))
    return shop


@pytest.fixture(scope="module")
def before(first: Shop) -> dict[str, int]:
    """The tables after the first delivery."""
    return first.tables()


@pytest.fixture(scope="module")
def undisturbed(first: Shop, tmp_path_factory: pytest.TempPathFactory) -> dict[str, int]:
    """The tables after the second delivery."""
    other = first.copy(tmp_path_factory.mktemp("undisturbed") / "lake")
    other.run_all()
    return other.tables()


@pytest.fixture
def shop(first: Shop, tmp_path: Path) -> Shop:
    """A lake of the test's own."""
    return first.copy(tmp_path / "lake")


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A small file system of its own."""
    folder = tmp_path / "disk"
    folder.mkdir()
    options = ["-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(folder)]
    if subprocess.run(["mount", *options], capture_output=True, check=False).returncode:
        pytest.skip("only root can mount a file system")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_on_a_disk_that_is_read_only_or_full_a_job_says_so_and_the_same_command_mends_all(
    first: Shop, before: dict[str, int], undisturbed: dict[str, int], disk: Path
) -> None:
    shop = first.copy(disk / "lake")
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    refused(shop.command("job", "ingest"), "Read-only file system")
    assert shop.tables() == before
    subprocess.run(["mount", "-o", "remount,rw", str(disk)], check=True)

    for job in JOB_NAMES:
        filler = disk / "filler"
        free = os.statvfs(disk).f_bavail * os.statvfs(disk).f_bsize
        filler.write_bytes(b"x" * (free - 10 * PAGE))

        found = shop.command("job", job)

        refused(found, "No space left on device")
        assert "run the same command again" in str(found.exception)
        assert all(seen in (before[name], undisturbed[name]) for name, seen in shop.tables().items())
        filler.unlink()
        again = shop.command("job", job)
        assert again.exit_code == 0, again.output
    assert shop.tables() == undisturbed


@pytest.mark.parametrize("days", [[], ["--from", "2026-01-02", "--to", "2026-01-03"]])
def test_while_a_run_is_at_work_another_one_is_refused_whatever_its_days(shop: Shop, days: list[str]) -> None:
    before = shop.versions()

    with at_work(str(shop.lake), None):
        run, job = shop.command("run", *days), shop.command("job", "profile", *days)

    for found in (run, job):
        refused(found, "another run is at work")
    assert shop.versions() == before


def test_two_processes_do_not_run_one_job_at_once_but_different_jobs_may(shop: Shop) -> None:
    with at_work(str(shop.lake), "profile"):
        same, other = shop.command("job", "profile"), shop.command("job", "ingest")

    refused(same, "another process runs the job profile")
    assert other.exit_code == 0, other.output
    assert Lake(shop.spark, str(shop.lake)).read("bronze.shop").count() == 500 + 19_550
