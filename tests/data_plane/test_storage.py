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

    def tables(self) -> dict[str, int]:
        return table_fingerprints(self.spark, str(self.lake))


@pytest.fixture(autouse=True)
def tests_session(spark: SparkSession, monkeypatch: pytest.MonkeyPatch) -> None:
    """A command would stop the tests' session when it ends."""
    monkeypatch.setattr("sparkrec.lake.spark_session", lambda *_: nullcontext(spark))


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


@pytest.fixture
def shop(spark: SparkSession, disk: Path, tmp_path: Path) -> Shop:
    """A lake on the small disk after a first delivery, with a second one waiting."""
    shop = Shop(spark, tmp_path / "shop", disk / "lake")
    shop.deliver("a.csv", range(500))
    shop.run_all()
    shop.deliver("b.csv", range(450, 20_000))
    return shop


@pytest.fixture
def undisturbed(spark: SparkSession, shop: Shop, tmp_path: Path) -> dict[str, int]:
    """The tables after the second delivery."""
    other = Shop(spark, shop.root, tmp_path / "undisturbed")
    shutil.copytree(shop.lake, other.lake)
    other.run_all()
    return other.tables()


@pytest.mark.parametrize("job", JOB_NAMES)
def test_on_a_full_disk_a_job_says_so_and_the_next_one_mends_all(
    shop: Shop, undisturbed: dict[str, int], disk: Path, job: str
) -> None:
    for done in JOB_NAMES[: JOB_NAMES.index(job)]:
        assert shop.command("job", done).exit_code == 0
    before = shop.tables()
    filler = disk / "filler"
    free = os.statvfs(disk).f_bavail * os.statvfs(disk).f_bsize
    filler.write_bytes(b"x" * (free - 10 * PAGE))

    found = shop.command("job", job)

    # The program prints what a DataError says, in one line, and ends with 1.
    assert isinstance(found.exception, DataError), found.output
    assert "No space left on device" in str(found.exception)
    assert "run the same command again" in str(found.exception)
    assert all(seen in (before[name], undisturbed[name]) for name, seen in shop.tables().items())
    filler.unlink()
    shop.run_all()
    assert shop.tables() == undisturbed


def test_a_lake_that_cannot_be_written_to_stays_as_it_is(shop: Shop, undisturbed: dict[str, int], disk: Path) -> None:
    before = shop.tables()
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)

    found = shop.command("job", "ingest")

    assert isinstance(found.exception, DataError), found.output
    assert "Read-only file system" in str(found.exception)
    assert shop.tables() == before
    subprocess.run(["mount", "-o", "remount,rw", str(disk)], check=True)
    shop.run_all()
    assert shop.tables() == undisturbed


@pytest.mark.parametrize("days", [[], ["--from", "2026-01-02", "--to", "2026-01-03"]])
def test_while_a_run_is_at_work_another_one_is_refused_whatever_its_days(shop: Shop, days: list[str]) -> None:
    before = shop.tables()

    with at_work(str(shop.lake), None):
        run, job = shop.command("run", *days), shop.command("job", "profile", *days)

    for found in (run, job):
        assert isinstance(found.exception, DataError), found.output
        assert "another run is at work" in str(found.exception)
    assert shop.tables() == before


def test_two_processes_do_not_run_one_job_at_once_but_different_jobs_may(shop: Shop) -> None:
    with at_work(str(shop.lake), "profile"):
        refused, other = shop.command("job", "profile"), shop.command("job", "ingest")

    assert isinstance(refused.exception, DataError), refused.output
    assert "another process runs the job profile" in str(refused.exception)
    assert other.exit_code == 0, other.output
    assert Lake(shop.spark, str(shop.lake)).read("bronze.shop").count() == 500 + 19_550
