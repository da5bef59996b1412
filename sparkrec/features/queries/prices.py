"""The prices that a query asks for."""

from pyspark.sql import Column
from pyspark.sql import functions as F

from sparkrec.features.queries.entities import alternatives
from sparkrec.features.queries.lexicon import NO_MONEY

_CURRENCY = (
    r"(?:[£$€¥]|(?:euros?|eur|gbp|usd|jpy|rmb|yen|pounds?|quid|dollars?|dolares|livres?|libras?|pfund)(?!\p{Ll})"
    r"|人民币|元|块|円)"
)
_NUMBER = r"(\d++(?:[.,]\d++)*+)"
_AMOUNT = rf"(?:{_CURRENCY}\s*)?{_NUMBER}(?:\s*{_CURRENCY})?+"
# The number is no part of a word, a share, or a size.
_END = rf"(?![\p{{Ll}}\p{{N}}%\"]|\s*(?:{alternatives(NO_MONEY)})(?![\p{{Ll}}\p{{N}}]))"
_START = r"(?<![\p{L}\p{N}])"
_BELOW = (
    rf"(?:<=?|≤|{_START}(?:under|below|less than|cheaper than|at most|unter|weniger als|gunstiger als|billiger als|"
    r"hochstens|moins de|menos de|por debajo de)|低于|不超过)"
)
_ABOVE = (
    rf"(?:>=?|≥|{_START}(?:over|above|more than|at least|uber|ueber|mehr als|mindestens|plus de|au moins|mas de|"
    r"al menos|por encima de)|高于)"
)
# These stand before other numbers, too: only with a currency.
_UP_TO = rf"{_START}(?:up to|max\.?|maximum|bis(?: zu)?|jusqu'?a|hasta)"
_FROM = rf"{_START}(?:from|min\.?|minimum|ab|a partir de|des|desde)"
_MONEY = rf"(?:{_CURRENCY}\s*{_NUMBER}|{_NUMBER}\s*{_CURRENCY})"
_TO = r"(?:-|–|—|~|〜|to|bis|a|到|至)"
_BETWEEN = rf"{_START}(?:between|from|zwischen|von|entre|de)\s+{_AMOUNT}\s*(?:and|und|et|y|{_TO})\s*{_AMOUNT}{_END}"
_RANGES = (
    rf"{_CURRENCY}\s*{_NUMBER}\s*{_TO}\s*{_AMOUNT}{_END}",
    rf"(?<![\p{{Ll}}\p{{N}}.,]){_NUMBER}(?:\s*{_CURRENCY})?\s*{_TO}\s*{_NUMBER}\s*{_CURRENCY}",
)


def price_bounds(query: Column) -> tuple[Column, Column]:
    """The least and the greatest price that a query asks for, in its own currency; null where it does not say.

    "between 10 and 20" and "10-20 €" give both, "over 50" the least, "under £20", "< 20", "unter 20", "moins de 20" and
    "20元以下" the greatest. A number with a unit of size or time is no price.

    Args:
        query: The folded query with its punctuation.
    """
    ends = [F.coalesce(*[_number(query, pattern, group) for pattern in (_BETWEEN, *_RANGES)]) for group in (1, 2)]
    least = _first(query, rf"{_ABOVE}\s*{_AMOUNT}{_END}", rf"{_FROM}\s*{_MONEY}", rf"{_AMOUNT}\s*以上")
    most = _first(
        query, rf"{_BELOW}\s*{_AMOUNT}{_END}", rf"{_UP_TO}\s*{_MONEY}", rf"{_AMOUNT}\s*(?:以下|以内|之内|未満|まで)"
    )
    is_range = ends[0].isNotNull() & ends[1].isNotNull()
    return F.when(is_range, F.least(*ends)).otherwise(least), F.when(is_range, F.greatest(*ends)).otherwise(most)


def _first(query: Column, *patterns: str) -> Column:
    """The number of the first pattern that fits."""
    numbers = [_number(query, pattern, group) for pattern in patterns for group in range(1, pattern.count(_NUMBER) + 1)]
    return F.coalesce(*numbers)


def _number(query: Column, pattern: str, group: int) -> Column:
    """A number with a point or a comma; one before three digits parts thousands."""
    digits = F.regexp_replace(F.regexp_extract(query, pattern, group), r"[.,](?=\d{3}(?!\d))", "")
    return F.nullif(F.regexp_replace(digits, ",", "."), F.lit("")).cast("double")
