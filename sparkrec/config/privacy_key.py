"""The key that user ids are hashed with: from outside, never from the configuration itself."""

import os
from pathlib import Path

from sparkrec.config.settings import PrivacySettings
from sparkrec.errors import ConfigurationError

VARIABLE = "SPARKREC_PRIVACY_KEY"
_LEAST = 16


def privacy_key(privacy: PrivacySettings) -> bytes:
    """The key, without blanks around it.

    Raises:
        ConfigurationError: There is none, it cannot be read, or it is too short.
    """
    advice = "make one with `openssl rand -hex 32` and keep it: other keys give other user ids"
    if privacy.key_file:
        try:
            key, where = Path(privacy.key_file).read_text(encoding="utf-8").strip(), privacy.key_file
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigurationError(
                f"privacy.key_file: {privacy.key_file} cannot be read: {type(error).__name__}; {advice}"
            ) from None
    else:
        key, where = os.environ.get(VARIABLE, "").strip(), VARIABLE
    if not key:
        raise ConfigurationError(f"privacy.pseudonymise needs a key: set {VARIABLE} or privacy.key_file; {advice}")
    if len(key) < _LEAST:
        raise ConfigurationError(f"{where}: the key has fewer than {_LEAST} characters; {advice}")
    return key.encode()
