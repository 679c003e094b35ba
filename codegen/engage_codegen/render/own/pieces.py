"""The pieces of foreign text in the output of a template, and where they may stand in Python.

A filter makes a text harmless in one place only: what is a literal in code ends a string in single
quotes. So each printed piece is followed into the output, where the tokens of Python decide.
"""

import ast
import io
import re
import tokenize
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias

from ...model.ir import Code

Kind: TypeAlias = Literal["plain", "code", "doc", "markdown", "json"]

START, END = "\x01", "\x02"
"""Characters around each piece in the output. Neither templates nor pieces can contain them."""

MAX_NESTING = 40
_PLAIN = re.compile(r"[A-Za-z0-9_., -]*")
_PLACES: Mapping[Kind, str] = {
    "code": "in code, outside of quotes and comments",
    "doc": 'inside of a docstring in triple double quotes, as in """{{ record.doc | doc }}"""',
    "markdown": "in a file that is not Python",
    "json": "in a file that is not Python",
}


class FilteredText(Code):
    """The result of a filter for text of one kind."""

    kind: Kind = "code"

    def __new__(cls, text: str, kind: Kind) -> "FilteredText":
        filtered = super().__new__(cls, text)
        filtered.kind = kind
        return filtered


@dataclass(frozen=True, slots=True)
class Piece:
    """A printed piece, and the template and line that printed it."""

    text: str
    kind: Kind
    template: str
    line: int


class Misplacement(NamedTuple):
    """A problem of the output, and the template and line that caused it, as far as is known."""

    message: str
    template: str
    line: int


def piece_of(value: Code | str | int, template: str, line: int) -> Piece:
    """Return the piece for a value that may be printed."""
    text = str(value)
    kind: Kind = "plain" if _PLAIN.fullmatch(text) else "code"
    return Piece(text, value.kind if isinstance(value, FilteredText) else kind, template, line)


def split_pieces(output: str) -> tuple[str, list[tuple[int, int]]]:
    """Return the output without the marks, and the start and end of each piece in it."""
    parts: list[str] = []
    spans: list[tuple[int, int]] = []
    length = 0
    for number, part in enumerate(re.split(f"[{START}{END}]", output)):
        parts.append(part)
        if number % 2:
            spans.append((length, length + len(part)))
        length += len(part)
    return "".join(parts), spans


def find_misplacement(
    text: str, pieces: Sequence[Piece], spans: Sequence[tuple[int, int]]
) -> Misplacement | None:
    """Return what is wrong with the text of a Python module; None if nothing is."""
    lines = _LineStarts(text)
    try:
        ast.parse(text)
        tokens = list(tokenize.generate_tokens(io.StringIO(text).readline))
    except (SyntaxError, tokenize.TokenError, ValueError, RecursionError, MemoryError) as error:
        return _describe_syntax_error(error, text, pieces, spans, lines)
    if _nesting(tokens) > MAX_NESTING:
        return Misplacement(f"brackets are nested more than {MAX_NESTING} levels deep", "", 1)
    places = _Places(tokens, lines)
    for piece, span in zip(pieces, spans, strict=True):
        if piece.kind != "plain" and not places.accept(piece.kind, *span):
            place = _PLACES[piece.kind]
            return Misplacement(f"this text is only safe {place}", piece.template, piece.line)
    return None


class _LineStarts:
    """The offsets at which the lines of a text begin."""

    def __init__(self, text: str) -> None:
        self._starts = [0]
        for line in io.StringIO(text):
            self._starts.append(self._starts[-1] + len(line))

    def offset(self, position: tuple[int, int]) -> int:
        """Return the offset of a line, from 1, and a column, from 0."""
        return self._starts[min(position[0] - 1, len(self._starts) - 1)] + position[1]


class _Places:
    """Where the tokens of a module are."""

    def __init__(self, tokens: Sequence[tokenize.TokenInfo], lines: _LineStarts) -> None:
        self._docstrings: list[tuple[int, int]] = []
        self._boundaries: set[int] = set()
        depth, opening = 0, getattr(tokenize, "FSTRING_START", None)
        closing = getattr(tokenize, "FSTRING_END", None)
        for token in tokens:
            start, end = lines.offset(token.start), lines.offset(token.end)
            depth += (token.type == opening) - (token.type == closing)
            if depth or token.type in (tokenize.COMMENT, closing):
                continue
            self._boundaries |= {start, end}
            if token.type == tokenize.STRING and token.string.startswith('"""'):
                self._docstrings.append((start + 3, end - 3))

    def accept(self, kind: Kind, start: int, end: int) -> bool:
        """Return True if a piece of a kind may stand from `start` to `end`."""
        if kind == "doc":
            return any(first <= start and end <= last for first, last in self._docstrings)
        return kind == "code" and {start, end} <= self._boundaries


def _nesting(tokens: Sequence[tokenize.TokenInfo]) -> int:
    depth = deepest = 0
    for token in tokens:
        if token.type == tokenize.OP:
            depth += (token.string in "([{") - (token.string in ")]}")
            deepest = max(deepest, depth)
    return deepest


def _describe_syntax_error(
    error: Exception,
    text: str,
    pieces: Sequence[Piece],
    spans: Sequence[tuple[int, int]],
    lines: _LineStarts,
) -> Misplacement:
    """Return the problem with the last printed piece before it, which is near in the template."""
    number = (error.lineno if isinstance(error, SyntaxError) else 0) or 1
    reason = error.msg if isinstance(error, SyntaxError) else "it is nested too deeply"
    all_lines = text.split("\n")
    line = all_lines[min(number, len(all_lines)) - 1].strip()
    end = lines.offset((number + 1, 0))
    near = [piece for piece, span in zip(pieces, spans, strict=True) if span[0] < end]
    template, place = (near[-1].template, near[-1].line) if near else ("", 1)
    message = f"the output is not valid Python: {reason}, in line {number} of it: {line[:80]!r}"
    return Misplacement(message, template, place)
