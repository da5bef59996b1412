"""Folders of what is gone with the process."""

import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from sparkrec.errors import ConfigurationError
from sparkrec.scratch import scratch_folder

HOLD = """
import sys
from sparkrec.scratch import scratch_folder
print(scratch_folder(sys.argv[1]), flush=True)
sys.stdin.read()
"""


@pytest.fixture
def holder(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process of this user that has such a folder, and says which."""
    with started(tmp_path) as process:
        yield process


def started(root: Path) -> subprocess.Popen[str]:
    """One that ends when it is left."""
    command = [sys.executable, "-c", HOLD, str(root)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def folder_of(process: subprocess.Popen[str]) -> Path:
    assert process.stdout
    folder = Path(process.stdout.readline().strip())
    (folder / "blockmgr").mkdir()
    (folder / "blockmgr" / "rows").write_text("somebody")
    return folder


def test_what_a_kill_leaves_is_removed_at_the_next_start_and_no_sooner(
    tmp_path: Path, holder: subprocess.Popen[str]
) -> None:
    left = folder_of(holder)
    scratch_folder.cache_clear()
    own = Path(scratch_folder(str(tmp_path)))
    assert own == Path(scratch_folder(str(tmp_path)))
    assert own.parent == left.parent == tmp_path / f"sparkrec-{os.getuid()}"
    assert [stat.S_IMODE(folder.stat().st_mode) for folder in (own, own.parent)] == [0o700, 0o700]
    assert (left / "blockmgr" / "rows").exists()

    holder.send_signal(signal.SIGKILL)
    holder.wait()
    assert left.exists()
    with started(tmp_path) as next_one:
        came_after = folder_of(next_one)

    assert not left.exists()
    # One that ends takes its folder along; one that lives keeps it.
    assert not came_after.exists()
    assert own.exists()


def test_a_folder_that_somebody_else_made_is_refused(tmp_path: Path) -> None:
    named = tmp_path / f"sparkrec-{os.getuid()}"
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    named.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ConfigurationError, match="no folder of this user alone: remove it, or name another place"):
        scratch_folder(str(tmp_path))
    named.unlink()
    named.mkdir()
    named.chmod(0o755)
    with pytest.raises(ConfigurationError, match="no folder of this user alone"):
        scratch_folder(str(tmp_path))
    assert not any((tmp_path / "elsewhere").iterdir())


def test_spark_puts_what_it_spills_into_such_a_folder_and_encrypts_it(spark: SparkSession) -> None:
    conf = spark.sparkContext.getConf()
    folder = conf.get("spark.local.dir")
    assert folder
    assert folder.startswith(f"{os.environ.get('TMPDIR', '/tmp')}/sparkrec-{os.getuid()}/{os.getpid()}-")
    assert conf.get("spark.io.encryption.enabled") == "true"
    assert spark._jvm.System.getProperty("java.io.tmpdir") == folder  # type: ignore[union-attr]
    canary = "rows of somebody whom nobody else is to see"

    rows = spark.range(3_000).selectExpr("id", f"concat('{canary} ', id) text").repartition(2, "id").persist()
    assert rows.where("text is not null").count() == 3_000

    written = [path for path in Path(folder).rglob("*") if path.is_file() and path.suffix == ".data"]
    rows.unpersist()
    assert sum(path.stat().st_size for path in written) > 0
    # Shuffles are compressed, too, so that a text repeated stands there once, if it does.
    assert not any(canary.encode()[:12] in path.read_bytes() for path in written)
