"""The lines of a text, none of them longer than a bound, however long they are in the file."""

import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, TextIO

TOO_LONG = "TOO_LONG"
"""How the text begins that stands in bronze for a line that is too long."""

_CHUNK = 1 << 20
_SHOWN = 200


class GrowthError(OSError):
    """A packed file unpacks to more than it may."""


class _Chunk(NamedTuple):
    """A part of a text.

    Attributes:
        text: The part.
        number: Of the line that it begins in.
        ended: How long that line is up to its end, or up to the chunk's.
        first_end: Where the line's end begins; None where the line goes on.
        last_end: What lies before this place is whole lines.
    """

    text: str
    number: int
    ended: int
    first_end: int | None
    last_end: int


@dataclass
class BoundedLines:
    """Pieces of a text, each of whole lines; in the place of a line that is too long stands another text.

    No more than a chunk and a line of the greatest length are in memory.

    Attributes:
        text: Where it is read from.
        longest: Characters that a line may have.
        ends: What a line may end with.
        stand_in: Makes the text that stands for a line which is too long, of a description of it in one line.
        most: Characters that may be read in all; None for any number.
        too_long: Lines so far that were too long.
        first_too_long: The number of the first of them, from 1.
        characters: Characters read so far.
    """

    text: TextIO
    longest: int
    ends: Sequence[str] = ("\n", "\r")
    stand_in: Callable[[str], str] = str
    most: int | None = None
    too_long: int = field(default=0, init=False)
    first_too_long: int = field(default=0, init=False)
    characters: int = field(default=0, init=False)

    def __iter__(self) -> Iterator[str]:
        """The pieces.

        Raises:
            GrowthError: There are more characters than ``most``.
        """
        held = ""
        for chunk in self._chunks():
            if chunk.first_end is None:
                # What is too long is counted, but not kept.
                held = held[:_SHOWN] if chunk.ended > self.longest else held + chunk.text
                continue
            if chunk.ended > self.longest:
                yield self._instead(chunk, held) + chunk.text[chunk.first_end : chunk.last_end]
            else:
                yield held + chunk.text[: chunk.last_end]
            held = chunk.text[chunk.last_end :]
        if held:
            yield held

    def measure(self) -> None:
        """Read it all, for what is counted.

        Raises:
            GrowthError: There are more characters than ``most``.
        """
        for _ in self._chunks():
            pass

    def lines(self) -> Iterator[str]:
        """The lines one by one, each with its end."""
        for piece in self:
            yield from io.StringIO(piece, newline="")

    def _chunks(self) -> Iterator[_Chunk]:
        number, length = 1, 0
        # A line within a chunk is never too long: only one that began before it may be.
        while text := self.text.read(min(_CHUNK, self.longest)):
            if text.endswith("\r"):
                text += self.text.read(1)
            self.characters += len(text)
            if self.most is not None and self.characters > self.most:
                raise GrowthError(f"it unpacks to more than {self.most:,} characters")
            firsts = {end: place for end in self.ends if (place := text.find(end)) >= 0}
            if not firsts:
                length += len(text)
                yield _Chunk(text, number, length, None, 0)
                continue
            first, last = min(firsts.values()), max(text.rfind(end) + len(end) for end in firsts)
            length += first
            self._count(number, length)
            yield _Chunk(text, number, length, first, last)
            number += max(text.count(end) for end in firsts)
            length = len(text) - last
        self._count(number, length)
        if length > self.longest:
            # The last line has no end of its own.
            yield _Chunk("", number, length, 0, 0)

    def _count(self, number: int, length: int) -> None:
        if length > self.longest:
            self.too_long += 1
            self.first_too_long = self.first_too_long or number

    def _instead(self, chunk: _Chunk, beginning: str) -> str:
        told = f"line {chunk.number} has {chunk.ended} characters, more than {self.longest}"
        return self.stand_in(f"{TOO_LONG}: {told}; it begins {beginning[:_SHOWN]}")
