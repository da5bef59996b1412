"""Where the presets of pretrained models lie."""

import hashlib
import importlib.util
from pathlib import Path

from sparkrec.config.paths import PACKAGE, package_file
from sparkrec.errors import ConfigurationError

_WEIGHTS = "model.safetensors"


def preset_folder(preset: str | None, key: str) -> Path:
    """Folder of a preset, on this machine.

    Args:
        preset: A folder, or ``package:NAME/PATH``.
        key: The setting that names it.

    Raises:
        ConfigurationError: There is none, or KerasHub or the package is not installed.
    """
    if preset is None:
        raise ConfigurationError(f"{key}: name a folder with a preset of KerasHub")
    if importlib.util.find_spec("keras_hub") is None:
        raise ConfigurationError(f"{key}: KerasHub is not installed: {_remedy(key)}")
    try:
        folder = Path(package_file(preset) if preset.startswith(PACKAGE) else preset)
    except ModuleNotFoundError as error:
        raise ConfigurationError(f"{key}: the Python package {error.name} is not installed: {_remedy(key)}") from None
    if not folder.is_dir():
        raise ConfigurationError(f"{key}: there is no folder {folder}: name one with a preset of KerasHub")
    return folder


def _remedy(key: str) -> str:
    return f"pip install 'sparkrec[encoder]', or --set {key}=null"


def check_weights(folder: Path, sha256: str | None, key: str) -> None:
    """Check that a preset's weights are those that the setting ``key`` says, where it says any.

    Raises:
        ConfigurationError: They are others.
    """
    if sha256 is None:
        return
    with (folder / _WEIGHTS).open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != sha256:
        raise ConfigurationError(f"{key}: {folder / _WEIGHTS} has {found}: name it, or mend the file")
