"""Patterns of times: tried on a made-up time before any line is read by them."""

import re

from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

MADE_UP = "2011-11-23 17:48:52.123456"
"""No two parts of it agree, and none can be taken for another."""
_PARTS = re.compile(r"(\d+)-(\d+)-(\d+) (\d+):(\d+):(\d+)\.(\d+)")
_LEAST = ("1970", "01", "01", "00", "00", "00", "000000")
"""What a part is where the pattern does not have it."""
_QUOTED = re.compile(r"('(?:[^']|'')*')")
_LETTERS = "GyMLdDHhKkmsSaVzOXxEFQq"
_MEANT = {
    "Y": "Y is the year of a week: write y",
    "D": "D is the day of the year: the day of the month is d",
    "w": "w is a week, by which Spark reads no time",
    "W": "W is a week, by which Spark reads no time",
    "u": "u is no letter of Spark's patterns: the year is y",
    "e": "e is a day of the week, by which Spark reads no time",
    "c": "c is a day of the week, by which Spark reads no time",
}
_ONLY_WRITTEN = {"E": "the day of the week", "F": "the week of the month", "Q": "the quarter", "q": "the quarter"}
_NAMES = ("year", "month", "day", "hour", "minute", "second", "fraction of a second")


def why_not(spark: SparkSession, pattern: str, reads: bool, days: bool = False) -> str | None:
    """What is wrong with a pattern of times, in plain words; None where it works.

    Spark writes a made-up time by the pattern, and reads what it has written: it must be that time again, or a
    part of it that begins with the largest.

    Args:
        spark: The session.
        pattern: As in ``to_timestamp(text, pattern)``.
        reads: Whether texts are read by it; else times are written.
        days: Whether only the day that is read counts.
    """
    written = f"date_format(timestamp'{MADE_UP}', :pattern)"
    read = f"to_timestamp({written}, :pattern)" if reads else "timestamp'1970-01-01'"
    try:
        (row,) = spark.sql(
            f"select {written} text, date_format({read}, 'yyyy-MM-dd HH:mm:ss.SSSSSS') read", args={"pattern": pattern}
        ).collect()
    except PySparkException as error:
        return _cause(pattern, reads, error)
    if not reads:
        return None
    bare = _unquoted(pattern)
    if "D" in bare and "M" in bare:
        return _MEANT["D"]
    if "m" not in bare and len(re.findall("M+", bare)) > 1:
        return "M stands in two places: M is the month, the minute is m"
    if row.read is None:
        return f"it writes {MADE_UP[:19]} as '{row.text}' and cannot read that again"
    found = _PARTS.fullmatch(row.read)
    wrong = _misread(pattern, found.groups() if found else (), 3 if days else len(_NAMES))
    return wrong and f"{wrong}; by it '{row.text}' is {row.read[:19]}, and not {MADE_UP[:19]}"


def _misread(pattern: str, read: tuple[str, ...], counting: int) -> str | None:
    """What of the made-up time was read as something else, or left out between larger and smaller parts."""
    true = _PARTS.fullmatch(MADE_UP)
    there: list[bool] = []
    for name, is_, was, least in zip(_NAMES, read, true.groups() if true else (), _LEAST, strict=True):
        same = _same_fraction(is_, was) if name == _NAMES[-1] else is_ == was
        if not same and is_ != least and len(there) < counting:
            if name == "hour":
                return "h is the hour of half a day: write H, or add a (AM or PM)"
            return f"it reads another {name} than it writes"
        there.append(same)
    left_out = [place for place in range(1, counting - 1) if there[place - 1] and not there[place]]
    for place in left_out:
        if any(there[place + 1 : counting]):
            return _left_out(_NAMES[place], pattern)
    return None


def _same_fraction(read: str, true: str) -> bool:
    given = read.rstrip("0")
    return bool(given) and true.startswith(given)


def _left_out(name: str, pattern: str) -> str:
    letters = {"month": ("M", "m", "the minute"), "second": ("s", "S", "a fraction of a second")}
    letters |= {"minute": ("m", "M", "the month")}
    if name in letters:
        right, wrong, meaning = letters[name]
        if wrong in _unquoted(pattern):
            return f"it has no {name}: {wrong} is {meaning}, the {name} is {right}"
    return f"it has no {name}"


def _unquoted(pattern: str) -> str:
    return "".join(_QUOTED.split(pattern)[::2])


def _cause(pattern: str, reads: bool, error: PySparkException) -> str:
    """Why Spark refuses a pattern. Its own words are about the versions of Spark."""
    bare = _unquoted(pattern)
    if "%" in bare:
        return "patterns are written as in yyyy-MM-dd HH:mm:ss"
    if bare.count("'"):
        return "a quote is not closed"
    found = []
    for letter in dict.fromkeys(re.findall("[A-Za-z]", bare)):
        if letter in _MEANT and (letter != "D" or "M" in bare):
            found.append(_MEANT[letter])
        elif letter in _ONLY_WRITTEN and reads:
            found.append(f"{letter} is {_ONLY_WRITTEN[letter]}, which can be written and not read: cut it off")
    unknown = [letter for letter in dict.fromkeys(re.findall("[A-Za-z]", bare)) if letter not in (*_LETTERS, *_MEANT)]
    if unknown:
        found.append(f"{', '.join(unknown)} cannot stand in a pattern: text stands in single quotes")
    if marks := [mark for mark in "{}#" if mark in bare]:
        found.append(f"{' '.join(marks)} cannot stand in a pattern: text stands in single quotes")
    if found:
        return "; ".join(found)
    for run in re.finditer(r"([A-Za-z])\1*", bare):
        if len(run[0]) > (2 if run[1] in "dHhKkms" else 4):
            return f"{run[0]} is too long"
    return (error.getMessage() or str(error)).strip().splitlines()[0]


def likely_pattern(spark: SparkSession, text: str, pattern: str) -> str | None:
    """A pattern that reads the text, where the source's own does not for want of a leading zero: ``M/d/yyyy H:mm``.

    Args:
        spark: The session.
        text: What cannot be read.
        pattern: What it was to be read by: one that Spark knows.
    """
    narrow = _replaced(pattern, "M", "d", "H", "h")
    tried = list(dict.fromkeys([narrow, _replaced(narrow, "m", "s")]))
    # The columns of one row: Spark computes it without a job.
    reads = ", ".join(f"to_timestamp(:text, :pattern{place}) is not null" for place in range(len(tried)))
    args = {"text": text, **{f"pattern{place}": one for place, one in enumerate(tried)}}
    (row,) = spark.sql(f"select {reads}", args=args).collect()
    return next((one for one, is_read in zip(tried, row, strict=True) if is_read and one != pattern), None)


def _replaced(pattern: str, *letters: str) -> str:
    """The pattern with these letters single where they stand twice, outside quotes."""
    pieces = _QUOTED.split(pattern)
    for letter in letters:
        twice = re.compile(f"(?<!{letter}){letter * 2}(?!{letter})")
        pieces[::2] = [twice.sub(letter, piece) for piece in pieces[::2]]
    return "".join(pieces)
