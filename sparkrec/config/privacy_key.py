"""The key that user ids are hashed with: from outside, never from the configuration itself.

Only this process reads it. What is started from here, Spark's JVM and with it executors and Python workers, and the
ranks, does without: the jobs that hash send executors what they need of it as rows.
"""

import os
import stat
from pathlib import Path

from sparkrec.config.settings import PrivacySettings
from sparkrec.errors import ConfigurationError
from sparkrec.masking import know

VARIABLE = "SPARKREC_PRIVACY_KEY"
FILE_VARIABLE = f"{VARIABLE}_FILE"
_MIN_LENGTH = 16
_ADVICE = "make one with `openssl rand -hex 32` and keep it: other keys give other user ids"


def privacy_key(privacy: PrivacySettings) -> bytes:
    """The key, without blanks and line ends around it.

    Raises:
        ConfigurationError: There is none or more than one, it cannot be read, it is too short, or others may read it.
    """
    file, named = (privacy.key_file, "privacy.key_file") if privacy.key_file else (None, FILE_VARIABLE)
    variable = os.environ.get(VARIABLE, "").strip()
    if file is None and (file := os.environ.get(FILE_VARIABLE, "").strip() or None) and variable:
        raise ConfigurationError(f"{VARIABLE} and {FILE_VARIABLE} are both set: unset one of them")
    key = _content(Path(file), named) if file else variable
    if not key:
        raise ConfigurationError(
            f"privacy.pseudonymise needs a key: set {FILE_VARIABLE}, {VARIABLE} or privacy.key_file; {_ADVICE}"
        )
    if len(key) < _MIN_LENGTH:
        raise ConfigurationError(f"{file or VARIABLE}: the key has fewer than {_MIN_LENGTH} characters; {_ADVICE}")
    know({VARIABLE: key})
    return key.encode()


def _content(file: Path, named: str) -> str:
    try:
        found = file.stat()
        key = file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{named}: {file} cannot be read: {type(error).__name__}; {_ADVICE}") from None
    # Of a file of another owner, as orchestrators mount them, this process may be one of the group that reads it.
    refused = stat.S_IRWXO | (stat.S_IRWXG if found.st_uid == os.getuid() else 0)
    if found.st_mode & refused:
        raise ConfigurationError(
            f"{named}: {file} can be read by others (mode {stat.S_IMODE(found.st_mode):04o}): chmod 600 {file}"
        )
    return key
