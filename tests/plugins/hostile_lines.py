"""Lines of JSON whose fields hold what programs choke on, drawn from a seed."""

import json
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

Line = dict[str, Any]

TEXTS: tuple[str, ...] = (
    *("", " ", "\t", "\r\n", "\u00a0\u2003", "\ufeff", "\u200b", "\x00", "a\x00b", "\x1b[31mred\x1b[0m"),
    "\x07\x08\x7f",
    *("\u202egum der\u202c", "\u2066x\u2069", "e" + "\u0301" * 300, "Z" + "\u0316\u0301" * 200, "\u0e49" * 40),
    *("👩‍👩‍👧‍👦", "🏳️‍🌈" * 20, "\U0010ffff", "\ufdd0", "\ufffe", "\ufffd", "ß", "ﬃ", "İ", "ﷺ" * 9, "Ǆ", "\u1e9e"),
    *("=cmd|' /C calc'!A0", "+1+1", "-1+1", "@SUM(A1)", '=HYPERLINK("http://x")', "%s%n%x", "{0.__class__}"),
    "${jndi:x}",
    *("'; drop table x; --", '" or 1=1', "`id`", "$(id)", "{{7*7}}", "<script>alert(1)</script>", "<!--"),
    *("&amp;", "]]>"),
    *("../../etc/passwd", "C:\\con", "file:///etc/passwd", "s3://x/y", "/dev/null", "a/b/../c", "%2e%2e%2f", ".", ".."),
    *("null", "None", "NaN", "nan", "undefined", "true", "[]", "{}", '"', "\\", "\\N", "\\u0041", "\\x00"),
    "a,b;c|d\te",
    *("TOO_LONG: line 1", "_corrupt_record", "__HIVE_DEFAULT_PARTITION__", "x" * 10_000, "mug " * 3_000, "杯" * 5_000),
    *("\ud800", "a\udfffb", "\udbff\udfff", "ａｂｃ", "١٢٣", "𝟙𝟚𝟛", "二", "Ⅷ", "½", "line\u2028end", "line\x85end"),
)
IDS: tuple[Any, ...] = (
    *TEXTS,
    0,
    -0.0,
    17850.0,
    1e300,
    10**30,
    True,
    False,
    None,
    [],
    ["u1"],
    {},
    {"$gt": ""},
    "u" * 600,
)
NUMBERS: tuple[Any, ...] = (
    *(0, -0.0, -1, 1, 2.5, 1e308, -1e308, 5e-324, 1e15, 10**30, 10**400, "1e400", "-1e400", "NaN", "Infinity", "-inf"),
    *("1,5", "1.234,56", "٣", "0x10", "1_000", "1e5", "+1", "--1", "1.", ".5", "", " ", "1 2", "£5", "=1+1", "½", "1d"),
    *("9" * 5_000, "0." + "3" * 5_000, "1e999999999", True, None, [1], {"a": 1}, 2**31, 2**63, 2**64, -(2**63), "1f"),
)
TIMES: tuple[Any, ...] = (
    *("0000-00-00", "0000-01-01T00:00:00Z", "0001-01-01", "9999-12-31T23:59:59Z", "-0001-01-01", "+292278994-08-17"),
    *("-290308-12-21", "10000-01-01", "2026-02-30", "2026-13-01", "2026-01-01T24:00:00", "2026-01-01T23:59:60Z"),
    *("2026-01-05T10:00:00+14:00", "2026-01-05T10:00:00-18:00", "2026-01-05T10:00:00+99:99", "2026-01-05 10:00 UTC"),
    *("2026-01-05T10:00:00[Europe/Paris]", "2026-01-05T10:00:00 Mars/Olympus", "1767607200", "1767607200000"),
    1767607200,
    *("now", "today", "epoch", "tomorrow", "10:00", "T10:00", "2026", "2026-1", "2026-1-5", "05/01/2026", "Jan 5 2026"),
    *("2026-W01-1", "2026-005", "", " ", "NaN", None, [], {}, True, -1, 1e30, 46_027, "2026-01-05T10:00:00.123456789Z"),
    *("2026-01-05T10:00:00Z\x00", "２０２６-01-05", "'; select", "%Y-%m-%d", "2026-01-05T10:00:00" + "0" * 5_000),
)
KINDS: tuple[Any, ...] = (*TEXTS, "purchase ", "PURCHASE", "click\x00", 1, None, [], {}, True)
OF_FIELD: dict[str, Sequence[Any]] = {
    **dict.fromkeys(("event", "user", "item", "search"), IDS),
    **dict.fromkeys(("title", "description", "category", "brand", "query", "review", "promotion", "country"), TEXTS),
    **dict.fromkeys(("position", "pieces", "price", "stars"), NUMBERS),
    **{"at": TIMES, "type": KINDS, "scene": KINDS},
}


@dataclass(frozen=True)
class HostileLine:
    """A line as it is written, in UTF-8 but for what is broken on purpose.

    Attributes:
        content: The line without its end.
        rows: Rows of bronze that it is: more than one of an array, none of a blank line.
        unreadable: How many of these have no columns.
    """

    content: bytes
    rows: int = 1
    unreadable: int = 0


def hostile_lines(good: Sequence[Line], lines: int, longest: int, seed: int) -> list[HostileLine]:
    """Lines made of good ones: most with some fields changed, the others broken as lines.

    Args:
        good: Lines to begin with.
        lines: How many to make.
        longest: Characters that a line may have; a few have more.
        seed: The same one gives the same lines.
    """
    chance = random.Random(seed)
    made = []
    for number in range(lines):
        line = {**chance.choice(good), "event": f"f{number}"}
        if chance.random() < 0.1:
            made.append(_broken(line, longest, chance))
            continue
        for field in chance.sample(sorted(OF_FIELD), chance.randint(1, 3)):
            line[field] = chance.choice(OF_FIELD[field])
        if chance.random() < 0.05:
            line[chance.choice(TEXTS).strip() or "extra"] = chance.choice(IDS)
        made.append(HostileLine(_json(line)))
    return made


def _json(line: Any) -> bytes:
    # Half of a pair of surrogates is written as \ud800.
    text = json.dumps(line, ensure_ascii=False)
    return "".join(one if not "\ud800" <= one <= "\udfff" else f"\\u{ord(one):04x}" for one in text).encode()


def _broken(line: Line, longest: int, chance: random.Random) -> HostileLine:
    whole = _json(line)
    no_objects = [b"null", b"true", b"7", b'"x"', b"NaN", b"}{", b"<html>", b"a,b,c"]
    ways: list[Callable[[], HostileLine]] = [
        lambda: HostileLine(whole[: chance.randrange(2, len(whole))], unreadable=1),
        lambda: HostileLine(whole + whole, unreadable=1),
        lambda: HostileLine(whole + b",", unreadable=1),
        lambda: HostileLine(whole[:-1] + b',"user":"again"}', unreadable=1),
        lambda: HostileLine(whole[:-1] + b',"USER":"again"}', unreadable=1),
        lambda: HostileLine(whole[:-1] + b',"x":' + b'{"a":' * 10_000 + b"1" + b"}" * 10_000 + b"}", unreadable=1),
        lambda: HostileLine(b"[" * 10_000 + b"]" * 10_000, unreadable=1),
        lambda: HostileLine(b"[" * 10_000, unreadable=1),
        lambda: HostileLine(whole.replace(b'"pieces":', b'"pieces":' + b"9" * 20_000, 1)[:-1], unreadable=1),
        lambda: HostileLine(b'{"user":' + b'"' + b"x" * (longest + 10) + b'"}', unreadable=1),
        lambda: HostileLine(_json([{**line, "event": f"{line['event']} {n}"} for n in range(3)]), rows=3),
        lambda: HostileLine(b"[]", unreadable=1),
        lambda: HostileLine(b"   ", rows=0),
        lambda: HostileLine(whole.replace(b'"user":', b'"user":"\xff\xfe\xc0\x80","u2":', 1)),
        lambda: HostileLine(b"\xef\xbb\xbf" + whole, unreadable=1),
        lambda: HostileLine(b"\x00" + whole, unreadable=1),
        lambda: HostileLine(chance.choice(no_objects), unreadable=1),
        lambda: HostileLine(whole.replace(b"{", b'{"' + b"k" * 5_000 + b'":1,', 1)),
    ]
    return chance.choice(ways)()
