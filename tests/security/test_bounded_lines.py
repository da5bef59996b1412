import io
import re

import pytest

from sparkrec.landing.bounded_lines import BoundedLines, GrowthError

LONG = "x" * 50


@pytest.mark.parametrize(
    ("text", "expected", "too_long"),
    [
        ("", [], []),
        ("a\nb", ["a\n", "b"], []),
        (f"a\n{LONG}\nb\n", ["a\n", "TOO_LONG: line 2 has 50 characters, more than 10; it begins x\n", "b\n"], [2]),
        (f"a\r\n{LONG}\r\n", ["a\r\n", "TOO_LONG: line 2 has 50 characters, more than 10; it begins x\r\n"], [2]),
        (f"a\r{LONG}", ["a\r", "TOO_LONG: line 2 has 50 characters, more than 10; it begins x"], [2]),
        ("\n" * 30 + LONG, ["\n"] * 30 + ["TOO_LONG: line 31 has 50 characters, more than 10; it begins x"], [31]),
        ("x" * 10 + "\n" + "x" * 10, ["x" * 10 + "\n", "x" * 10], []),
        ("x" * 11, ["TOO_LONG: line 1 has 11 characters, more than 10; it begins x"], [1]),
        ("a\u2028b\x0bc\n", ["a\u2028b\x0bc\n"], []),
    ],
)
def test_a_line_that_is_too_long_is_told_of_in_its_place(text: str, expected: list[str], too_long: list[int]) -> None:
    lines = BoundedLines(io.StringIO(text, newline=""), longest=10)
    # How much of the beginning is shown depends on where chunks end.
    assert [re.sub("begins x+", "begins x", line) for line in lines.lines()] == expected
    assert lines.first_too_long == (too_long[0] if too_long else 0)
    assert lines.too_long == len(too_long)
    assert lines.characters == len(text)


def test_lines_end_where_the_source_says() -> None:
    lines = BoundedLines(io.StringIO(f"a|\nb|{LONG}|c", newline=""), longest=10, ends=("|",))
    text = "".join(lines)
    assert (lines.too_long, lines.first_too_long) == (1, 3)
    assert text.startswith("a|\nb|TOO_LONG: line 3 has 50 characters")
    assert text.endswith("|c")


def test_no_more_is_read_than_may_be() -> None:
    lines = BoundedLines(io.StringIO("a\n" * 1_000, newline=""), longest=100, most=500)
    with pytest.raises(GrowthError, match=r"^it unpacks to more than 500 characters$"):
        list(lines)
    assert lines.characters == 600
