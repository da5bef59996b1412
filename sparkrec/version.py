"""The version, which is that of the git tag that the package was built from."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("sparkrec")
except PackageNotFoundError:  # a folder on the path, not installed
    __version__ = "0+unknown"
