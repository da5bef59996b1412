"""Private parts of other libraries that sparkrec uses, each behind a function, with the versions that have them."""

from importlib.metadata import version

from sparkrec.errors import ConfigurationError


def require(package: str, known: str) -> None:
    """Refuse a version whose private parts nobody has looked at.

    Args:
        package: Its name for pip.
        known: How the versions begin that are known.

    Raises:
        ConfigurationError: Another one is installed.
    """
    found = version(package)
    if not f"{found}.".startswith(f"{known}."):
        raise ConfigurationError(f"{package} {found} is installed, and sparkrec needs {known}: see constraints.txt")
