import signal
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from sparkrec.errors import DataError
from sparkrec.lake.lock import at_work


@pytest.mark.parametrize(
    ("first", "second", "refusal"),
    [
        (None, None, "another run is at work on"),
        (None, "clean", "another run is at work on"),
        ("clean", None, "another run is at work on"),
        ("clean", "clean", "another process runs the job clean on"),
        ("clean", "profile", None),
    ],
)
def test_runs_exclude_each_other_and_a_job_itself_but_jobs_do_not(
    tmp_path: Path, first: str | None, second: str | None, refusal: str | None
) -> None:
    with ExitStack() as held:
        held.enter_context(at_work(str(tmp_path), first))
        if refusal is None:
            held.enter_context(at_work(str(tmp_path), second))
        else:
            with pytest.raises(DataError, match=f"{refusal} {tmp_path}: run the same command again"):
                held.enter_context(at_work(str(tmp_path), second))
    with at_work(str(tmp_path), second):
        pass


def test_a_killed_process_holds_nothing(tmp_path: Path) -> None:
    code = "import sys, time; from sparkrec.lake.lock import at_work\n"
    code += "with at_work(sys.argv[1], None): print('held', flush=True); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == "held\n"
        with pytest.raises(DataError), at_work(str(tmp_path), None):
            pass
        process.send_signal(signal.SIGKILL)
    with at_work(str(tmp_path), None):
        pass


def test_a_command_is_refused_in_one_line(tmp_path: Path) -> None:
    sparkrec = str(Path(sys.executable).with_name("sparkrec"))
    with at_work(str(tmp_path), "clean"):
        done = subprocess.run(
            [sparkrec, "job", "clean", "--source", "online_retail", "--lake", str(tmp_path)],
            capture_output=True,
            text=True,
            check=False,
        )
    assert (done.returncode, done.stdout) == (1, "")
    told = "another process runs the job clean on"
    assert done.stderr == f"error: {told} {tmp_path}: run the same command again when it has ended\n"


def test_a_lake_of_a_uri_is_not_held() -> None:
    with at_work("s3://bucket/lake", None), at_work("s3://bucket/lake", None):
        pass
