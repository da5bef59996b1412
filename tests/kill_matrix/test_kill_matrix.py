"""Every job killed at random moments, on full disks and over damaged files: `make test-kills`, an hour or so.

Each trial ends in one line that says what to do, or in nothing where the process itself was killed; and then, after the
same command or what the line says, the lake is as it is where nothing happened.
"""

import hashlib
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import psutil
import pyarrow as pa
import pytest
import yaml
from fingerprints import table_fingerprints
from pyarrow import parquet as pq
from pyspark.sql import SparkSession
from retail_slice import lines_of_customers

from sparkrec.config import load_settings, shipped_root
from sparkrec.errors import DataError
from sparkrec.graph import JOBS, in_order
from sparkrec.lake import Lake
from sparkrec.lake.model_tables import ITEMS, USERS
from sparkrec.layout import newest_version
from sparkrec.recommend.queries.query_ranker import version_of
from sparkrec.shards.manifest import Manifest
from sparkrec.steps.runner import Runner

pytestmark = [
    pytest.mark.slow,
    # Horovod starts Spark's job in a thread of its own, which ends by an error where the job does.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning"),
]

NAMES = [spec.name for spec in in_order(JOBS)]
SEED = int(os.environ.get("SPARKREC_KILL_SEED", "18"))
SMALL = ("two_tower.epochs=2", "two_tower.batch_size=256", "baselines.als_iterations=2", "ranker.min_users=5")
SMALL += ("training.models=[two_tower]", "training.ranks=2", "training.checkpoint_steps=2")
# Of what a process needs before its job begins, in seconds, on two cores.
START = 8.0


@dataclass
class Course:
    """A shop between two deliveries.

    Attributes:
        source: Its source file.
        states: The lake before each job of the second run, by job.
        end: The lake after all of them.
        after: What the lake held after it.
        seconds: How long the job took.
        tried: What was tried, in words.
    """

    spark: SparkSession
    source: Path
    end: Path
    states: dict[str, Path] = field(default_factory=dict)
    after: dict[str, dict[str, object]] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    tried: list[str] = field(default_factory=list)

    def run(self, lake: Path, *jobs: str) -> None:
        settings = load_settings("test", self.source, str(lake), overrides=SMALL)
        Runner.start(settings, self.spark, lambda line: None).run([s for s in in_order(JOBS) if s.name in jobs])

    def content(self, lake: Path) -> dict[str, object]:
        """What tables, models, shards and choices hold, without what tells when they were made."""
        found: dict[str, object] = {**table_fingerprints(self.spark, str(lake))}
        for path in sorted([*lake.glob("models/**/*"), *lake.glob("shards/**/*")]):
            name = str(path.relative_to(lake))
            if path.name == "arrays.npz":
                with np.load(path) as arrays:
                    found[name] = {key: hashlib.sha256(arrays[key].tobytes()).hexdigest() for key in arrays.files}
            elif path.name in (USERS, ITEMS):
                parts = pa.concat_tables(pq.read_table(part) for part in sorted(path.glob("*.parquet")))
                rows = parts.sort_by(parts.column_names[0]).to_pylist()
                found[name] = hashlib.sha256(repr(rows).encode()).hexdigest()
            elif path.name in ("current.json", "chosen.json"):
                found[name] = path.read_text(encoding="utf-8")
            elif path.name == "manifest.json":
                # The files have other names each time.
                manifest = Manifest.read(str(path.parent))
                found[name] = {
                    key: [(file.rows, file.sha256) for file in data.files] for key, data in manifest.datasets.items()
                }
            elif path.name == "query_ranker.npz":
                found[name] = version_of(str(path))
        return found


@pytest.fixture(scope="module")
def course(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Course]:
    """After an undisturbed run over both deliveries."""
    folder = tmp_path_factory.mktemp("course")
    landing, lake = folder / "landing", folder / "lake"
    landing.mkdir()
    lines = lines_of_customers(60, 72)
    half = len(lines) // 2
    lines.iloc[: half + 50].to_csv(landing / "one.csv.gz", index=False)
    shipped = yaml.safe_load((shipped_root() / "conf/sources/online_retail.yaml").read_text(encoding="utf-8"))
    source = folder / "source.yaml"
    source.write_text(yaml.safe_dump({**shipped, "landing": str(landing / "*.csv.gz")}), encoding="utf-8")
    found = Course(spark, source, folder / "end")
    found.run(lake, *NAMES)
    lines.iloc[half:].to_csv(landing / "two.csv.gz", index=False)
    for name in NAMES:
        found.states[name] = folder / "states" / name
        shutil.copytree(lake, found.states[name])
        began = time.monotonic()
        found.run(lake, name)
        found.seconds[name] = time.monotonic() - began
        found.after[name] = found.content(lake)
    shutil.copytree(lake, found.end)
    yield found
    print(f"\ntried: {len(found.tried)}\n" + "\n".join(found.tried))


def of_worker(process: psutil.Process) -> bool:
    parent = process.parent()
    return parent is not None and "sparkrec.compat.python_daemon" in parent.cmdline()


VICTIMS: dict[str, Callable[[psutil.Process], bool]] = {
    "driver": lambda process: False,
    "jvm": lambda process: process.name() == "java",
    "worker": of_worker,
    "rank": lambda process: (
        "sparkrec.training.distributed" in " ".join(process.cmdline()[:3])
        and "horovodrun" not in " ".join(process.cmdline())
    ),
}


def kill_one(process: subprocess.Popen[str], victim: str, moment: float) -> bool:
    """Kill the first process of the kind that is seen after the moment; False where there was none until the end."""
    time.sleep(moment)
    if victim == "driver":
        os.killpg(process.pid, signal.SIGKILL)
        return process.wait() == -signal.SIGKILL
    while process.poll() is None:
        for child in psutil.Process(process.pid).children(recursive=True):
            try:
                if VICTIMS[victim](child):
                    child.send_signal(signal.SIGKILL)
                    return True
            except psutil.NoSuchProcess:
                continue
        time.sleep(0.01)
    return False


@pytest.mark.parametrize("job", NAMES)
@pytest.mark.parametrize("victim", VICTIMS)
def test_a_killed_process_costs_its_work_and_no_row(course: Course, job: str, victim: str, tmp_path: Path) -> None:
    if victim == "rank" and job != "train":
        pytest.skip("only train has ranks")
    lake = tmp_path / "lake"
    shutil.copytree(course.states[job], lake)
    moment = random.Random(f"{SEED} {job} {victim}").uniform(START / 2, START + course.seconds[job])
    if victim in ("worker", "rank"):
        # Seldom there: the first that is seen.
        moment = 0.0
    options = ["--env", "test", "--source", str(course.source), "--lake", str(lake)]
    options += [option for setting in SMALL for option in ("--set", setting)]
    with subprocess.Popen(
        [str(Path(sys.executable).parent / "sparkrec"), "job", job, *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        cwd=tmp_path,
    ) as process:
        is_hit = kill_one(process, victim, moment)
        told = process.communicate()[0]

    at = f"{job}: {victim} killed after {moment:.1f} s, status {process.returncode}"
    course.tried.append(at if is_hit else f"{job}: no {victim} to kill")
    if is_hit and victim != "driver":
        assert "Traceback (most recent call last)" not in told, told[-3000:]
        assert process.returncode == 0 or "error: " in told, told[-3000:]
        course.tried[-1] += "".join(f": {line}" for line in told.splitlines() if line.startswith("error: "))
    course.run(lake, job)
    assert course.content(lake) == course.after[job], at


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own, large at first."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2g", "tmpfs", str(folder)], check=False).returncode:
        pytest.skip("only root can mount a file system")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("share", [0.02, 0.2, 0.5, 0.9])
def test_a_disk_that_is_full_at_some_point_is_named_and_the_same_command_ends_as_a_clean_run(
    course: Course, disk: Path, share: float
) -> None:
    lake = disk / "lake"
    shutil.copytree(course.states[NAMES[0]], lake)
    used = shutil.disk_usage(disk).used
    needed = size(course.end) - size(lake)
    subprocess.run(["mount", "-o", f"remount,size={int(used + share * needed)}", str(disk)], check=True)

    with pytest.raises(DataError, match="No space left on device") as full:
        course.run(lake, *NAMES)

    assert "run the same command again" in str(full.value)
    course.tried.append(f"disk with {share:.0%} of what a run needs: {full.value}")
    subprocess.run(["mount", "-o", "remount,size=2g", str(disk)], check=True)
    course.run(lake, *NAMES)
    assert course.content(lake) == course.after[NAMES[-1]]


def cut_off(content: bytes) -> bytes:
    return content[: len(content) * 2 // 3]


def from_writer_of(what: str) -> list[str]:
    """The job that writes a table, or a folder or file of an artefact, and all after it."""
    name = what.replace("/", ".", 1) if what.startswith(("silver/", "gold/")) else what.split("/*")[0]
    folder = name.partition("/")[0]
    writers = [
        spec.name
        for spec in in_order(JOBS)
        if any(
            written.format(source="online_retail") == name or ("/" in name and written.startswith(f"{folder}/"))
            for written in spec.writes
        )
    ]
    return NAMES[NAMES.index(writers[0]) :]


CUTS: dict[str, Callable[[bytes], bytes]] = {
    "within a line": cut_off,
    "behind a line": lambda content: content[: content.rstrip(b"\n").rfind(b"\n") + 1],
    "all of it": lambda content: b"",
}


@pytest.mark.parametrize(
    ("table", "reader"),
    [
        ("bronze.online_retail", "clean"),
        ("silver.interactions", "profile"),
        ("silver.items", "clean"),
        ("features.positives", "featurize"),
        ("gold.recommendations", "recommend"),
        ("gold.item_profiles", "characterise"),
    ],
)
def test_a_commit_that_lacks_a_part_is_named_and_undone_by_removing_it(
    course: Course, table: str, reader: str, tmp_path: Path
) -> None:
    lake = tmp_path / "lake"
    shutil.copytree(course.end, lake)
    path = Lake(course.spark, str(lake)).path(table)
    entry = Path(path, "_delta_log", f"{newest_version(path):020d}.json")
    entry.with_name(f".{entry.name}.crc").unlink(missing_ok=True)
    whole = entry.read_bytes()
    for cut, kept in CUTS.items():
        entry.write_bytes(kept(whole))

        with pytest.raises(DataError, match="a part of this commit is missing") as found:
            course.run(lake, reader)

        assert str(entry) in str(found.value)
        course.tried.append(f"log of {table}, {cut} gone: {found.value}")
    # However much is gone, the repair is the same.
    for part in entry.parent.glob(f"*{entry.stem}*"):
        part.unlink()
    course.run(lake, *from_writer_of(table))
    assert course.content(lake) == course.after[NAMES[-1]]


@pytest.mark.parametrize(
    ("pattern", "reader"),
    [
        ("models/two_tower/*/publish/arrays.npz", "recommend"),
        ("models/ranker/*/publish/arrays.npz", "recommend"),
        ("models/item_knn/*/test/items/*.parquet", "evaluate"),
        ("models/popularity/*/test/arrays.npz", "evaluate"),
        ("models/current.json", "evaluate"),
        ("models/chosen.json", "recommend"),
        ("shards/retrieval/manifest.json", "train"),
        ("silver/interactions/*/*.parquet", "featurize"),
        ("gold/user_profiles/*.parquet", "characterise"),
    ],
)
def test_a_damaged_file_is_named_and_made_again_once_it_is_gone(
    course: Course, pattern: str, reader: str, tmp_path: Path
) -> None:
    lake = tmp_path / "lake"
    shutil.copytree(course.end, lake)
    damaged = sorted(lake.glob(pattern))
    assert damaged
    for path in damaged:
        path.write_bytes(cut_off(path.read_bytes()))
        path.with_name(f".{path.name}.crc").unlink(missing_ok=True)

    with pytest.raises(DataError) as found:
        course.run(lake, reader)

    told = str(found.value)
    assert any(str(path) in told for path in damaged), told
    course.tried.append(f"{pattern}: {told}")
    if pattern.startswith("models/") and path.suffix == ".parquet":
        for folder in {part.parent.parent for part in damaged}:
            shutil.rmtree(folder)
    elif path.suffix == ".parquet":
        shutil.rmtree(lake / pattern.split("/*")[0])
    else:
        for part in damaged:
            part.unlink()
    course.run(lake, *from_writer_of(pattern.split("/*")[0]))
    assert course.content(lake) == course.after[NAMES[-1]]


def test_a_damaged_checkpoint_is_named_and_the_training_begins_again_without_it(course: Course, tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    shutil.copytree(course.states["train"], lake)
    for old in lake.glob("models/two_tower/*"):
        shutil.rmtree(old)
    course.run(lake, "train")
    checkpoints = sorted(lake.glob("models/two_tower/*/*/checkpoint.npz"))
    assert checkpoints
    for checkpoint in checkpoints:
        checkpoint.write_bytes(cut_off(checkpoint.read_bytes()))
        for finished in [*checkpoint.parent.glob("*.json"), checkpoint.with_name("arrays.npz")]:
            finished.unlink(missing_ok=True)

    with pytest.raises(DataError, match=r"checkpoint\.npz is damaged: remove it") as found:
        course.run(lake, "train")

    course.tried.append(f"checkpoint: {found.value}")
    for checkpoint in checkpoints:
        checkpoint.unlink()
    course.run(lake, "train")
    assert course.content(lake) == course.after["train"]
