"""Chance that hangs on what is drawn and for what, never on where or in which order it is drawn."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from pyspark.sql import Column
from pyspark.sql import functions as F


@dataclass(frozen=True)
class Chance:
    """Random columns: each a hash of the seed, a purpose and the row's keys.

    The same purpose and keys give the same draw anywhere. A key's type counts: numbers are bigint.
    """

    seed: int

    def number(self, purpose: str, *keys: Column) -> Column:
        """Any 64-bit whole number."""
        digest = hashlib.blake2b(f"{self.seed} {purpose}".encode(), digest_size=8).digest()
        return F.xxhash64(F.lit(int.from_bytes(digest, "big", signed=True)), *keys)

    def uniform(self, purpose: str, *keys: Column) -> Column:
        """From 0 to below 1."""
        return F.shiftrightunsigned(self.number(purpose, *keys), 11) * F.lit(2.0**-53)

    def whole(self, below: int | Column, purpose: str, *keys: Column) -> Column:
        """A whole number from 0 to below ``below`` (bigint)."""
        return F.pmod(self.number(purpose, *keys), F.lit(below).cast("bigint"))

    def happens(self, probability: float | Column, purpose: str, *keys: Column) -> Column:
        """True with the probability."""
        return self.uniform(purpose, *keys) < probability

    def word(self, words: Sequence[str], purpose: str, *keys: Column) -> Column:
        """One of the words."""
        return at(words, self.whole(len(words), purpose, *keys))

    def code(self, purpose: str, *keys: Column) -> Column:
        """Sixteen hexadecimal digits."""
        return F.lower(F.lpad(F.hex(self.number(purpose, *keys)), 16, "0"))


def at(values: Sequence[str] | Sequence[float], place: Column) -> Column:
    """The value at the place, counted from 0."""
    # Words as one text and numbers as SQL: a Column of each would take longer to plan than a small shop to simulate.
    if isinstance(values[0], str):
        array = F.split(F.lit("|".join(map(str, values))), r"\|")
    else:
        array = F.expr(f"array({', '.join(map(_sql, values))})")
    return F.element_at(array, place.cast("int") + 1)


def _sql(value: object) -> str:
    return f"{value!r}D" if isinstance(value, float) else str(value)
