"""The characters that stand for all others in patterns. Pure."""

import re
from collections.abc import Iterable

_WORD = frozenset("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz")
_LIMITS = "\t\n\r !/09:@AZ[`az{_\x7f\x80\ue000"
"""Characters beside the limits of the classes of Python, and of the surrogates."""


class Alphabet:
    """Characters that stand for all others: each atom of the patterns treats them alike.

    There are no lone surrogates, which JSON cannot represent.
    """

    def __init__(self, *patterns: str) -> None:
        points = {0, 0x10FFFF, 0x2028, 0xD7FF, 0xFEFF, *map(ord, _LIMITS)}
        for pattern in patterns:
            points |= {ord(char) for char in pattern}
            escapes = re.findall(
                r"\\(?:x([0-9a-f]{2})|u([0-9a-f]{4})|U([0-9a-f]{8}))", pattern, re.IGNORECASE
            )
            points |= {int("".join(digits), 16) for digits in escapes}
        near = {point + step for point in points for step in (-1, 0, 1)}
        self.characters = [
            chr(point)
            for point in sorted(near)
            if 0 <= point <= 0x10FFFF and not 0xD800 <= point <= 0xDFFF
        ]
        self._matches: dict[str, frozenset[str]] = {}

    def matches(self, atom: str) -> frozenset[str]:
        """Return the characters that an atom matches."""
        if atom not in self._matches:
            matches = re.compile(atom, re.ASCII).fullmatch
            self._matches[atom] = frozenset(filter(matches, self.characters))
        return self._matches[atom]

    def classify(self, atoms: Iterable[str]) -> dict[str, str]:
        """Return for each character the first one that all of the atoms treat alike."""
        sets = [*dict.fromkeys(map(self.matches, atoms)), _WORD]
        first: dict[tuple[bool, ...], str] = {}
        ordered = sorted(self.characters, key=reading_order)
        return {
            char: first.setdefault(tuple(char in chars for chars in sets), char) for char in ordered
        }


def is_word(char: str) -> bool:
    """Return True if ``\\b`` takes the character to be part of a word."""
    return char in _WORD


def reading_order(char: str) -> tuple[bool, str]:
    """Sort letters and digits first: a person can read them in a message."""
    return (not (char.isascii() and char.isalnum()), char)
