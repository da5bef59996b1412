"""Which files a source names."""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import unquote

from sparkrec.config.paths import PACKAGE, package_file
from sparkrec.config.settings import SourceSettings
from sparkrec.errors import DataError
from sparkrec.lake import files

_NO_VALUE = "__HIVE_DEFAULT_PARTITION__"


@dataclass(frozen=True)
class LandingFile:
    """A file that a source names.

    Attributes:
        uri: Path or URI.
        path: Its path below the folder that the source names, or the file's name.
    """

    uri: str
    path: str

    @property
    def partitions(self) -> dict[str, str | None]:
        """Columns that the file's folders give, by Hive's convention: ``dt=2024-01-01/a.csv`` gives ``dt``."""
        named = [folder.partition("=") for folder in self.path.split("/")[:-1]]
        return {
            unquote(name): None if value == _NO_VALUE else unquote(value) for name, equals, value in named if equals
        }


def landing_files(source: SourceSettings) -> list[LandingFile]:
    """Files that the source's ``landing`` names, each once, sorted; none where the folder is empty or absent."""
    found: dict[str, LandingFile] = {}
    for pattern in _patterns(source):
        resolved = _in_package(source, pattern) if pattern.startswith(PACKAGE) else pattern
        for uri, path in files.find_paths(resolved).items():
            found.setdefault(uri, LandingFile(uri, path))
    return [found[uri] for uri in sorted(found)]


def absent_folders(source: SourceSettings) -> list[str]:
    """Of the folders that `landing_files` looks into, those that are not there."""
    folders = [files.fixed_folder(pattern) for pattern in _patterns(source) if not pattern.startswith(PACKAGE)]
    return [folder for folder in dict.fromkeys(folders) if not files.exists(folder or ".")]


def searched_folders(source: SourceSettings) -> str:
    """The folders that `landing_files` looks into, for messages."""
    return ", ".join(dict.fromkeys(files.fixed_folder(pattern) or pattern for pattern in _patterns(source)))


def _patterns(source: SourceSettings) -> Sequence[str]:
    return [source.landing] if isinstance(source.landing, str) else source.landing


def _in_package(source: SourceSettings, pattern: str) -> str:
    try:
        return package_file(pattern)
    except ModuleNotFoundError:
        package, _, path = pattern.removeprefix(PACKAGE).partition("/")
        raise DataError(
            f"source {source.name}: the Python package {package} with {path} is not installed: pip install {package}"
        ) from None


def short_names(uris: Sequence[str]) -> dict[str, str]:
    """The file's name of each URI, with as many folders in front as tell the files apart."""
    for parts in range(1, max(uri.count("/") for uri in uris) + 2):
        names = {uri: "/".join(uri.split("/")[-parts:]) for uri in uris}
        if len(set(names.values())) == len(names):
            break
    return names
