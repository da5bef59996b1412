"""What all tests share: one small Spark session, and no telemetry."""

import os
import sys
from collections.abc import Iterator

import pytest

# Libraries read these when they are imported, so they are set before any test module is.
os.environ["PYSPARK_PYTHON"] = sys.executable
os.environ["SPARK_LOCAL_IP"] = "127.0.0.1"
os.environ["GX_ANALYTICS_ENABLED"] = "false"
os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
# Nor do tests tell anybody's MLflow.
os.environ.pop("MLFLOW_TRACKING_URI", None)
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

from documented_project import own_project  # noqa: F401  a fixture
from pyspark.sql import SparkSession
from small_lake import spark_alone  # noqa: F401  a fixture
from standalone_cluster import cluster  # noqa: F401  a fixture

from sparkrec.config import load_settings
from sparkrec.lake.session import spark_session


def pytest_configure(config: pytest.Config) -> None:
    # PySpark leaves the socket that it collects rows through to the garbage collector.
    config.addinivalue_line("filterwarnings", "ignore:unclosed <socket:ResourceWarning")
    # Great Expectations imports them.
    config.addinivalue_line("filterwarnings", "ignore:module 'sre_.*' is deprecated:DeprecationWarning")


# Files that take minutes, the longest first.
_LONGEST = (
    "test_pipeline",
    "test_installed",
    "test_personal_data",
    "test_kills",
    "test_cases",
    "test_ranks",
    "test_deliveries",
    "test_missing_fields",
    "test_nights",
    "test_complete_journey",
    "test_hostile_lines",
    "test_featurize",
    "test_online_retail",
    "test_profile_increments",
    "test_storage",
    "test_simulated_shop",
    "test_variants",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the longest files, so that no process works on one of them alone in the end."""
    places = {name: place for place, name in enumerate(_LONGEST)}
    items.sort(key=lambda item: places.get(item.path.stem, len(places)))


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    """The session that all tests share."""
    lake = tmp_path_factory.mktemp("lake")
    settings = load_settings("test", "online_retail", lake=str(lake))
    session = spark_session(settings.spark, "sparkrec tests")
    yield session
    session.stop()


@pytest.fixture(scope="module")
def compiled(spark: SparkSession) -> Iterator[None]:
    """Spark compiles its queries as it does outside the tests, which pays for hundreds of thousands of rows."""
    as_shipped = {"spark.sql.codegen.wholeStage": "true", "spark.sql.codegen.factoryMode": "FALLBACK"}
    before = {key: spark.conf.get(key) for key in as_shipped}
    for key, value in as_shipped.items():
        spark.conf.set(key, value)
    yield
    for key, earlier in before.items():
        spark.conf.set(key, earlier)
