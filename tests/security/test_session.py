"""What Spark's JVM is started with, which every user of the machine can read, and what only its own user can."""

import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from sparkrec.config.settings import SparkSettings
from sparkrec.lake import session

SECRETS = {
    "spark.hadoop.fs.s3a.secret.key": "canary of the store",
    "spark.hadoop.fs.s3a.endpoint": "https://shop:canary@127.0.0.1:9000",
}


class Started(Exception):
    """Stands for the start of the JVM."""


@pytest.fixture(params=[None, "/first,/second"], ids=["temporary folder", "named folders"])
def roots(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> list[str] | None:
    return request.param and [str(tmp_path_factory.mktemp(name.strip("/"))) for name in request.param.split(",")]


def test_no_secret_is_on_its_command_line_and_the_privacy_key_not_in_its_environment(
    monkeypatch: pytest.MonkeyPatch, roots: list[str] | None
) -> None:
    def start(settings: Mapping[str, str], environment: Mapping[str, str | None]) -> None:
        raise Started(settings, environment)

    monkeypatch.setattr(session, "start_jvm", start)
    monkeypatch.delenv("PYSPARK_GATEWAY_PORT", raising=False)
    monkeypatch.setenv("SPARKREC_PRIVACY_KEY", "canary of the ids")
    if roots:
        monkeypatch.setenv("SPARK_LOCAL_DIRS", ",".join(roots))
    conf = {**SECRETS, "spark.driver.memory": "1g", "spark.driver.extraJavaOptions": "-Da=b"}

    with pytest.raises(Started) as started:
        session.spark_session(SparkSettings(master="local[2]", conf=conf), "test")

    settings, environment = started.value.args
    assert not [value for value in settings.values() if "canary" in value]
    assert not SECRETS.keys() & settings.keys()
    # What it has to know when it starts is there.
    assert {"spark.driver.memory": "1g", "spark.master": "local[2]"}.items() <= settings.items()
    assert settings["spark.driver.extraJavaOptions"].startswith("-Da=b -Dlog4j2.configurationFile=file:/")
    assert environment["SPARKREC_PRIVACY_KEY"] is None
    spilled = environment.get("SPARK_LOCAL_DIRS", settings["spark.local.dir"]).split(",")
    assert [str(Path(folder).parents[1]) for folder in spilled] == (
        roots or [str(Path(environment["TMPDIR"]).parents[1])]
    )
    assert {Path(folder).parent.name for folder in spilled} == {f"sparkrec-{os.getuid()}"}
