"""A throw-away Airflow home, set before anything imports Airflow, which reads it once."""

import os
import tempfile

from standalone_cluster import cluster  # noqa: F401  a fixture

_HOME = tempfile.TemporaryDirectory(prefix="sparkrec-airflow-")


def pytest_configure() -> None:
    os.environ["AIRFLOW_HOME"] = _HOME.name
    os.environ["AIRFLOW__CORE__LOAD_EXAMPLES"] = "False"
    for name in ("SPARKREC_ENV", "SPARKREC_SOURCE", "SPARKREC_LAKE", "SPARKREC_PROJECT"):
        os.environ.pop(name, None)


def pytest_unconfigure() -> None:
    _HOME.cleanup()
