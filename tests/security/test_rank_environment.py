"""What ranks get of the environment; tests/training/test_ranks.py looks at the ranks themselves."""

import pytest

from sparkrec.scratch import scratch_folder
from sparkrec.training import rank_environment


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SPARKREC_PRIVACY_KEY", "AWS_SECRET_ACCESS_KEY", "DATABASE_URL", "HADOOP_CONF_DIR", "MY_OWN"):
        monkeypatch.setenv(name, "a value that is not for all")
    for name in ("LC_ALL", "NCCL_DEBUG", "HOROVOD_LOG_LEVEL", "SPARKREC_PROJECT"):
        monkeypatch.setenv(name, "C")


@pytest.mark.parametrize(
    ("uri", "of_the_store"),
    [
        ("/lake/plan.json", set()),
        ("s3://box/plan.json", {"AWS_SECRET_ACCESS_KEY"}),
        ("s3a://box/plan.json", {"AWS_SECRET_ACCESS_KEY"}),
        ("hdfs://names/plan.json", {"HADOOP_CONF_DIR"}),
    ],
)
def test_a_rank_gets_what_it_needs_and_no_secret_but_that_of_its_store(uri: str, of_the_store: set[str]) -> None:
    given = rank_environment.of_processes(uri)

    assert {name for name, value in given.items() if value == "a value that is not for all"} == of_the_store
    assert {"LC_ALL", "NCCL_DEBUG", "HOROVOD_LOG_LEVEL", "SPARKREC_PROJECT", "PATH", "HOME"} <= given.keys()
    assert given["TMPDIR"] == scratch_folder()


def test_of_what_executors_have_ranks_do_without_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", "/of/the/driver")

    given = rank_environment.of_executors("/lake/plan.json")

    assert given["SPARKREC_PRIVACY_KEY"] is given["AWS_SECRET_ACCESS_KEY"] is given["MY_OWN"] is None
    assert given["LC_ALL"] == "C"
    # Those of the executor stay.
    assert "TMPDIR" not in given
    of_the_store = rank_environment.of_executors("s3a://box/plan.json")
    assert "AWS_SECRET_ACCESS_KEY" not in of_the_store
    assert of_the_store["HADOOP_CONF_DIR"] is None
