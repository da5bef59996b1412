"""Secrets in what people get to see: found by the names of settings, in URIs, and by their values within any text.

Whatever writes for people goes by way of this module: the terminal, errors and what they leave in files, run rows, the
report, MLflow; Spark's own pages and logs go by the same `NAMES`.
"""

import os
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

HIDDEN = "***"
"""What stands in the place of a secret."""

NAMES = (
    r"(?i)secret|passw(?:or)?d|passphrase|credential|authorization|signature|[._-]pwd\b|token(?!s|i)"
    r"|(?:^|[._-])sas(?:$|[._-]|key)"
    r"|(?:access|account|api|auth|client|encryption|fernet|master|privacy|private|session|shared|signing|storage)"
    r"[._-]?key"
)
"""What a setting, a variable or a parameter of a URI is called whose value is a secret; read alike by Java."""

USERINFO = r"""(?<=://)[^\s/:@]*:(?!\d+/)[^\s"']+@"""
"""User and password in a URI; read alike by Java. A user without a password is none: Azure's containers look so."""

_SECRET = re.compile(NAMES)
# Where a secret lies, or how it is had, is none.
_OF_A_PLACE = re.compile(r"(?i)(?:file|path|folder|dir|provider|providers|class|enabled|bits|algorithm|type)$")
_USERINFO = re.compile(USERINFO)
_PASSWORD = re.compile(r"""(?<=://)[^\s/:@]*:(?!\d+/)([^\s"']+)(?=@)""")
# In texts: name=value and "name": "value"; prose that has a colon behind the name of a setting is left alone.
_NAMED = re.compile(r"""([A-Za-z_][\w.\-]*)(["']?\s?=\s?["']?|["']\s?:\s?["']?|:)([^\s"',;&(){}\[\]]+)""")
_BEARER = re.compile(r"""(?i)(\bbearer|authorization["']?\s?[:=]\s?["']?\w+)\s+[\w.~+/=\-]{8,}""")
# A shorter value would be found within words.
_MIN_LENGTH = 6

_known: set[str] = set()


def is_secret(name: str) -> bool:
    """Whether what has this name is a secret."""
    return bool(_SECRET.search(name)) and not _OF_A_PLACE.search(name)


def know(settings: Mapping[str, Any]) -> None:
    """Find the values of the secrets among these settings, at any depth, in the texts that this process masks."""
    _known.update(_secrets(settings))


def masked(settings: Any) -> Any:
    """The settings without their secrets: mappings and lists of any depth, for people to see."""
    if isinstance(settings, Mapping):
        return {
            name: HIDDEN if value is not None and is_secret(str(name)) else masked(value)
            for name, value in settings.items()
        }
    if isinstance(settings, (list, tuple)):
        return type(settings)(masked(value) for value in settings)
    return mask(settings) if isinstance(settings, str) else settings


def mask(text: str) -> str:
    """The text without secrets: those that are known, those of the environment, and what looks like one.

    A known value of fewer than six characters is not looked for.
    """
    values = {value for value in (*_known, *_secrets(os.environ)) if len(value) >= _MIN_LENGTH}
    for value in sorted({*values, *map(_quoted, values)}, key=len, reverse=True):
        text = text.replace(value, HIDDEN)
    text = _USERINFO.sub(f"{HIDDEN}@", text)
    text = _BEARER.sub(rf"\1 {HIDDEN}", text)
    return _NAMED.sub(_without_value, text)


def _without_value(found: re.Match[str]) -> str:
    name, between, _ = found.groups()
    return f"{name}{between}{HIDDEN}" if is_secret(name) else found[0]


def _secrets(settings: Mapping[str, Any]) -> Iterator[str]:
    for name, value in settings.items():
        if isinstance(value, Mapping):
            yield from _secrets(value)
        elif isinstance(value, (list, tuple)):
            yield from _secrets({f"{name}.{place}": each for place, each in enumerate(value)})
        elif isinstance(value, str):
            if is_secret(str(name)):
                yield value.strip()
            yield from _PASSWORD.findall(value)


def _quoted(value: str) -> str:
    """As it stands in a URI."""
    return quote(value, safe="")
