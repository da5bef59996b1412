"""Which Java a session is started with."""

import os
import sys
from pathlib import Path

import pytest

from sparkrec.cli import main
from sparkrec.errors import ConfigurationError
from sparkrec.lake import java
from sparkrec.lake.java import java_home


@pytest.fixture(autouse=True)
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without Java: what a test puts there is all that there is."""
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setattr(java, "_USUAL", (f"{tmp_path}/jvm/*",))
    return tmp_path


def install(home: Path, version: str, says_so: bool = True) -> Path:
    """A Java that says its version by a file, or only when it is asked."""
    (home / "bin").mkdir(parents=True)
    program = home / "bin" / "java"
    program.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\" 2025-09-16' >&2\n")
    program.chmod(0o755)
    if says_so:
        (home / "release").write_text(f'IMPLEMENTOR="x"\nJAVA_VERSION="{version}"\n')
    return home


@pytest.mark.parametrize("says_so", [True, False])
def test_a_version_that_spark_does_not_run_on_is_passed_over(
    machine: Path, monkeypatch: pytest.MonkeyPatch, says_so: bool
) -> None:
    newest = install(machine / "newest", "25.0.1", says_so)
    monkeypatch.setenv("PATH", str(newest / "bin"), prepend=os.pathsep)
    install(machine / "jvm" / "a", "1.8.0_402", says_so)
    install(machine / "jvm" / "b", "21.0.7", says_so)
    # By the link that systems put on the path.
    (machine / "jvm" / "default").symlink_to(machine / "jvm" / "b")

    assert java_home() == str(machine / "jvm" / "b")


def test_the_one_that_is_named_comes_first_then_that_of_the_path(
    machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(machine / "jvm" / "a", "17")
    on_path, named = install(machine / "path", "17.0.15"), install(machine / "named", "21")
    assert java_home() == str(machine / "jvm" / "a")
    monkeypatch.setenv("PATH", str(on_path / "bin"), prepend=os.pathsep)
    assert java_home() == str(on_path)
    monkeypatch.setenv("JAVA_HOME", str(named))
    assert java_home() == str(named)


def test_without_one_a_line_says_what_there_is_and_what_to_do(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigurationError, match=r"^Spark needs Java 17 or 21; found: none\. Install one, such as "):
        java_home()
    newest = install(machine / "newest", "25.0.1", says_so=False)
    monkeypatch.setenv("JAVA_HOME", str(newest))
    install(machine / "jvm" / "odd", "unknown")

    with pytest.raises(ConfigurationError) as error:
        java_home()

    assert error.value.exit_status == 2
    assert str(error.value) == (
        f"Spark needs Java 17 or 21; found: 25 in {newest}, one of no known version in {machine}/jvm/odd. Install one, "
        "such as openjdk-17-jre-headless of Debian, or name its folder in JAVA_HOME"
    )


def test_a_command_ends_in_that_line(
    machine: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("JAVA_HOME", str(install(machine / "newest", "25.0.1", says_so=False)))
    monkeypatch.setattr(sys, "argv", ["sparkrec", "maintain", "--lake", str(machine), "--env", "test"])

    with pytest.raises(SystemExit) as ended:
        main()

    told = capsys.readouterr()
    assert (ended.value.code, told.out) == (2, "")
    assert told.err.startswith("error: Spark needs Java 17 or 21; found: 25 in ")
    assert told.err.count("\n") == 1
