"""A Spark standalone cluster of two workers on loopback, for the tests of the jobs and for those of the DAG."""

import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

JOBS_BIN = Path(__file__).resolve().parents[2] / ".venv" / "bin"


@dataclass(frozen=True)
class Cluster:
    """A running cluster.

    Attributes:
        url: Of the master.
        workers: The processes of the workers; each is the head of a process group with its executors.
        scratch: Where the executors of each worker put what they shuffle.
    """

    url: str
    workers: tuple[subprocess.Popen[bytes], ...]
    scratch: tuple[Path, ...]


def environment() -> dict[str, str]:
    """Surroundings of a process that starts Java."""
    return os.environ | {
        "PATH": f"{JOBS_BIN}{os.pathsep}{os.environ['PATH']}",
        "SPARK_LOCAL_IP": "127.0.0.1",
        # Many short-lived Java processes on few cores: a quick compiler serves them better than a thorough one.
        "JAVA_TOOL_OPTIONS": "-XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=240m -XX:+UseSerialGC",
    }


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A standalone master and two workers of one core each."""
    folder = tmp_path_factory.mktemp("cluster")
    find = [JOBS_BIN / "python", "-c", "import pyspark; print(pyspark.__path__[0])"]
    spark_home = subprocess.run(find, capture_output=True, text=True, check=True).stdout.strip()
    daemons: list[subprocess.Popen[bytes]] = []

    def start(name: str, kind: str, *options: str, ready: str) -> str:
        log, scratch = folder / f"{name}.log", folder / f"{name}-scratch"
        scratch.mkdir()
        env = environment() | {"SPARK_DAEMON_MEMORY": "256m", "SPARK_LOCAL_DIRS": str(scratch)}
        command = [f"{spark_home}/bin/spark-class", f"org.apache.spark.deploy.{kind}", "--host", "127.0.0.1"]
        with log.open("wb") as output:
            daemons.append(
                subprocess.Popen(
                    [*command, "--webui-port", "0", *options],
                    env=env,
                    stdout=output,
                    stderr=output,
                    start_new_session=True,
                )
            )
        return _wait_for(log, ready)

    try:
        url = start("master", "master.Master", "--port", "0", ready=r"Starting Spark master at (spark://\S+)")
        for number in (1, 2):
            options = ("--cores", "1", "--memory", "1g", "--work-dir", str(folder / f"work-{number}"), url)
            start(f"worker-{number}", "worker.Worker", *options, ready="(Successfully registered) with master")
        yield Cluster(url, tuple(daemons[1:]), tuple(folder / f"worker-{number}-scratch" for number in (1, 2)))
    finally:
        for daemon in daemons:
            daemon.terminate()
        for daemon in daemons:
            daemon.wait(30)


def submit(
    cluster: Cluster,
    job: str,
    lake: Path,
    *options: str,
    partitions: int,
    in_the_middle: Callable[[], None] | None = None,
) -> str:
    """Submit a job to the cluster, and wait.

    Args:
        cluster: Where to.
        job: Name of the job.
        lake: Where its tables lie; what it prints is kept beside.
        options: Its further ones.
        partitions: Of what it shuffles.
        in_the_middle: What to do as soon as the first worker has shuffled rows of the job.

    Returns:
        What it printed.
    """
    for left in cluster.scratch[0].rglob("shuffle_*.data"):
        left.unlink()
    submit = [str(JOBS_BIN / "spark-submit"), "--master", cluster.url, "--executor-memory", "1g"]
    for setting in (f"shuffle.partitions={partitions}", "adaptive.enabled=false"):
        submit += ["--conf", f"spark.sql.{setting}"]
    command = [*submit, "--conf", "spark.ui.enabled=false", f"jobs/{job}.py", "--env", "cluster", "--lake", str(lake)]
    log, root = lake.parent / f"{job}.log", Path(__file__).resolve().parents[2]
    with log.open("wb") as output:
        running = subprocess.Popen([*command, *options], env=environment(), cwd=root, stdout=output, stderr=output)
        while in_the_middle and running.poll() is None:
            if any(cluster.scratch[0].rglob("shuffle_*.data")):
                in_the_middle()
                break
            time.sleep(0.05)
        assert running.wait(600) == 0, log.read_text()[-3000:]
    return log.read_text()


def kill_first_worker(cluster: Cluster) -> None:
    """Kill it, with its executors."""
    os.killpg(cluster.workers[0].pid, signal.SIGKILL)


def _wait_for(log: Path, pattern: str) -> str:
    for _ in range(600):
        found = re.search(pattern, log.read_text(encoding="utf-8", errors="replace"))
        if found:
            return found[1]
        time.sleep(0.1)
    raise AssertionError(f"{pattern} does not come:\n{log.read_text(encoding='utf-8', errors='replace')[-2000:]}")
