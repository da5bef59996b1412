"""Names of the columns of landed lines."""

from collections import Counter
from collections.abc import Sequence

UNREADABLE_LINE = "_corrupt_record"
"""Bronze column with the text of a line that does not have the file's columns."""

LANDING_COLUMNS = ("_source_file", "_batch_id", "_ingested_at")
"""Bronze columns that say where a line came from; the others are the source's own."""

_OF_THE_LAKE = {*LANDING_COLUMNS, UNREADABLE_LINE}
_LANDED = "landed."
_MAX_NAMES, _LONGEST = 20, 80


def own_columns(columns: Sequence[str]) -> list[str]:
    """Those of bronze that are the source's own."""
    return [name for name in columns if name not in LANDING_COLUMNS]


def listed(names: Sequence[str]) -> str:
    """Names of columns for messages: the first of them, none too long, and none that would steer a terminal."""
    shown = [
        name if name.isprintable() and len(name) <= _LONGEST else repr(name[:_LONGEST]) for name in names[:_MAX_NAMES]
    ]
    more = f" and {len(names) - _MAX_NAMES:,} more" if len(names) > _MAX_NAMES else ""
    return ", ".join(shown) + more


def landed_names(names: Sequence[str]) -> list[str]:
    """What the columns of a file are called in bronze, in their order.

    White space around a name is not part of it. A column without a name is called by its place, ``_c0``. Columns of
    one name, upper and lower case being the same, get their place behind the name, and a column whose name the lake
    uses itself gets ``landed.`` in front of it, in expressions, too.
    """
    trimmed = [name.strip().strip("\ufeff\u200b").strip() for name in names]
    times = Counter(name.lower() for name in trimmed)
    landed = []
    for place, name in enumerate(trimmed):
        if not name:
            name = f"_c{place}"
        elif times[name.lower()] > 1:
            name = f"{name}{place}"
        landed.append(_LANDED + name if name.lower() in _OF_THE_LAKE else name)
    return landed
