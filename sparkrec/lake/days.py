"""Days of a table: the condition that names them, and the note that a commit leaves of those it replaced."""

import json
from collections.abc import Collection
from datetime import date

_KEY = "days"


def is_of_days(column: str, days: Collection[date]) -> str:
    """SQL condition: whether the column is one of the days."""
    named = ", ".join(f"date'{day}'" for day in sorted(days))
    return f"{column} in ({named})" if days else "false"


def note_of_days(days: Collection[date]) -> dict[str, str]:
    """Writer's option that leaves the note."""
    return {"userMetadata": json.dumps({_KEY: [day.isoformat() for day in sorted(days)]})}


def days_of_note(note: str | None) -> set[date] | None:
    """The days of a note; None where there is no such note."""
    if note is None:
        return None
    try:
        return {date.fromisoformat(day) for day in json.loads(note)[_KEY]}
    except (ValueError, KeyError, TypeError):
        return None
