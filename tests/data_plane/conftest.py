from collections.abc import Iterator

import pytest

from sparkrec.config.privacy_key import VARIABLE


@pytest.fixture(scope="package", autouse=True)
def key() -> Iterator[None]:
    """The key of user ids, for the jobs that run in this process."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(VARIABLE, "a key of the tests")
        yield
