"""A version whose private parts nobody has looked at is refused."""

import pytest

from sparkrec import compat
from sparkrec.errors import ConfigurationError


@pytest.mark.parametrize("found", ["4.0", "4.0.5", "4.0.0.dev1"])
def test_a_known_version_passes(found: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compat, "version", lambda package: found)
    compat.require("pyspark", "4.0")


@pytest.mark.parametrize("found", ["4.1.0", "4.01", "3.5.6", "14.0"])
def test_another_version_is_refused(found: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compat, "version", lambda package: found)
    with pytest.raises(ConfigurationError, match=rf"pyspark {found} is installed, and sparkrec needs 4\.0: see"):
        compat.require("pyspark", "4.0")
