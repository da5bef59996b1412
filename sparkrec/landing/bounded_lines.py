"""The lines of a text, none of them longer than a bound, however long they are in the file."""

import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TextIO

TOO_LONG = "TOO_LONG"
"""How the text begins that stands in bronze for a line that is too long."""

_CHUNK = 1 << 20
_SHOWN = 200


class GrowthError(OSError):
    """A packed file unpacks to more than it may."""


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
        number, length, held = 1, 0, ""
        # A line within a chunk is never too long: only one that began before it may be.
        while chunk := self.text.read(min(_CHUNK, self.longest)):
            if chunk.endswith("\r"):
                chunk += self.text.read(1)
            self.characters += len(chunk)
            if self.most is not None and self.characters > self.most:
                raise GrowthError(f"it unpacks to more than {self.most:,} characters")
            first, last = self._first_end(chunk), self._last_end(chunk)
            ended = len(chunk) if first < 0 else first
            length += ended
            if first < 0:
                # What is too long is counted, but not kept.
                held = held[:_SHOWN] if length > self.longest else held + chunk
                continue
            piece = chunk[ended:last]
            piece = self._instead(number, length, held) + piece if length > self.longest else held + chunk[:last]
            number += max(piece.count(end) for end in self.ends)
            yield piece
            held = chunk[last:]
            length = len(held)
        if length > self.longest:
            yield self._instead(number, length, held)
        elif held:
            yield held

    def lines(self) -> Iterator[str]:
        """The lines one by one, each with its end."""
        for piece in self:
            yield from io.StringIO(piece, newline="")

    def _instead(self, number: int, length: int, beginning: str) -> str:
        self.too_long += 1
        self.first_too_long = self.first_too_long or number
        told = f"line {number} has {length} characters, more than {self.longest}; it begins {beginning[:_SHOWN]}"
        return self.stand_in(f"{TOO_LONG}: {told}")

    def _first_end(self, chunk: str) -> int:
        """Where the first line's end begins; -1 where there is none."""
        found = [place for end in self.ends if (place := chunk.find(end)) >= 0]
        return min(found, default=-1)

    def _last_end(self, chunk: str) -> int:
        """What lies before this place is whole lines."""
        return max((place + len(end) for end in self.ends if (place := chunk.rfind(end)) >= 0), default=0)
