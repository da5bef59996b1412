"""How numbers and days read on the page."""

import math
from datetime import date
from typing import Any

import pandas as pd

MISSING = "–"
MINUS = "\N{MINUS SIGN}"
_UNITS = (("k", 1e3), ("M", 1e6), ("G", 1e9), ("T", 1e12))


def count(value: Any) -> str:
    """A whole number with thousands separators.

    >>> count(541909), count(None)
    ('541,909', '–')
    """
    return MISSING if pd.isna(value) else f"{int(value):,}".replace("-", MINUS)


def pieces(value: Any) -> str:
    """A quantity with as many decimals as it has, at most three.

    >>> pieces(1200.0), pieces(1.75), pieces(-2.0), pieces(None)
    ('1,200', '1.75', '−2', '–')
    """
    return MISSING if pd.isna(value) else f"{value:,.3f}".rstrip("0").rstrip(".").replace("-", MINUS)


def figure(value: Any) -> str:
    """A metric, loss or score with three decimals.

    >>> figure(0.12345), figure(-1.0), figure(float("nan"))
    ('0.123', '−1.000', '–')
    """
    return MISSING if pd.isna(value) else f"{value:,.3f}".replace("-", MINUS)


def compact(value: Any) -> str:
    """A number of any size to about three digits, at most six signs long.

    >>> compact(0), compact(0.01234), compact(3.14159), compact(4310.2), compact(-12345), compact(2.5e9), compact(None)
    ('0', '0.012', '3.14', '4310', '−12.3k', '2.5G', '–')
    """
    if pd.isna(value):
        return MISSING
    size, unit = abs(value), ""
    if size >= 9_999.5:
        unit = next(sign for sign, power in _UNITS if size < 999.5 * power or sign == _UNITS[-1][0])
        size /= dict(_UNITS)[unit]
    if size >= 999.5:
        told = f"{size:.0f}"
    elif 0.0005 <= size < 1:
        told = f"{round(size, 3):g}"
    else:
        told = f"{size:.3g}" if size >= 1 else f"{size:.1g}"
    return (MINUS if value < 0 else "") + told + unit


def difference(value: float) -> str:
    """A change with its sign.

    >>> difference(0.0123), difference(-0.5), difference(0.0)
    ('+0.012', '−0.500', '±0.000')
    """
    rounded = round(value, 3)
    return f"±{0:.3f}" if rounded == 0 else f"{rounded:+,.3f}".replace("-", MINUS)


def p_value(value: float | None) -> str:
    """A p-value; small ones never read as nothing.

    >>> p_value(0.0284), p_value(0.0002), p_value(None)
    ('0.028', '< 0.001', '–')
    """
    if value is None or math.isnan(value):
        return MISSING
    return "< 0.001" if value < 0.0005 else f"{value:.3f}"


def share(part: float, whole: float) -> str:
    """A part of a whole in per cent; small parts never read as nothing.

    >>> share(1, 3), share(1, 100_000), share(0, 7), share(1, 0)
    ('33.3 %', '< 0.1 %', '0.0 %', '–')
    """
    if not whole:
        return MISSING
    percent = 100 * part / whole
    if 0 < percent < 0.05:
        return "< 0.1 %"
    if 99.95 <= percent < 100:
        return "> 99.9 %"
    return f"{percent:.1f} %".replace("-", MINUS)


def duration(seconds: float) -> str:
    """A time span as people say it.

    >>> duration(0.04), duration(8.25), duration(372), duration(3725)
    ('< 0.1 s', '8.2 s', '6 min 12 s', '1 h 2 min')
    """
    if pd.isna(seconds):
        return MISSING
    if seconds < 0.05:
        return "< 0.1 s"
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60} min"


def day(value: Any) -> str:
    """A day, whatever kind of date or time it comes as.

    >>> day(pd.Timestamp("2011-12-09 12:50")), day("2011-12-09"), day(None)
    ('2011-12-09', '2011-12-09', '–')
    """
    if pd.isna(value):
        return MISSING
    moment: date = pd.Timestamp(value).date()
    return moment.isoformat()


def text(value: Any) -> str:
    """A text that a table may lack.

    >>> text(" WHITE METAL LANTERN "), text(None), text(math.nan)
    ('WHITE METAL LANTERN', '–', '–')
    """
    return MISSING if value is None or (isinstance(value, float) and math.isnan(value)) else str(value).strip()


def words(name: str) -> str:
    """A name from the code as people write it.

    >>> words("quantity_not_positive")
    'quantity not positive'
    """
    return name.replace("_", " ")


def metric(name: str) -> str:
    """A metric's name as people write it.

    >>> metric("ndcg@10"), metric("hit_rate@10")
    ('NDCG@10', 'Hit rate@10')
    """
    stem, at, cut = name.partition("@")
    return (stem.upper() if stem in ("ndcg", "mrr", "map", "auc") else words(stem).capitalize()) + at + cut


def segment(name: str) -> str:
    """A group of users as people write it.

    >>> segment("price_band=low")
    'price band: low'
    """
    column, _, value = name.partition("=")
    return f"{words(column)}: {value}" if value else words(column)
