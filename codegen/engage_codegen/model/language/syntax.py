"""The syntax trees of the patterns that `translate` returns. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

TOKEN = re.compile(
    r"""(?P<look> \(\?<?[=!])
    | (?P<open> \(\?:)
    | (?P<close> \))
    | (?P<bar> \|)
    | (?P<repeat> (?: [*+?] | \{[0-9]+ (?: ,[0-9]*)? \}) \??)
    | (?P<anchor> \^ | \\[Zb])
    | (?P<atom> \[ (?: \\. | [^\]\\])+ \] | \\u[0-9a-f]{4} | \\U[0-9a-f]{8} | \\. | .)""",
    re.VERBOSE | re.DOTALL,
)
"""The syntax of the patterns that `translate` returns."""


@dataclass(frozen=True, slots=True)
class Atom:
    """One character of a set."""

    text: str


@dataclass(frozen=True, slots=True)
class Anchor:
    """An assertion without a body: ``^``, ``\\Z`` or ``\\b``."""

    text: str


@dataclass(frozen=True, slots=True)
class Look:
    """A lookahead or lookbehind. `offset` is its place in the pattern."""

    body: "Node"
    is_negative: bool
    is_behind: bool
    offset: int


@dataclass(frozen=True, slots=True)
class Repeat:
    """A repetition; `most` is None without a limit."""

    item: "Node"
    least: int
    most: int | None


@dataclass(frozen=True, slots=True)
class Concatenation:
    items: "tuple[Node, ...]"


@dataclass(frozen=True, slots=True)
class Alternatives:
    branches: tuple[Concatenation, ...]


Node: TypeAlias = "Atom | Anchor | Look | Repeat | Concatenation | Alternatives"


def parse(pattern: str) -> Alternatives:
    """Return the syntax tree of a pattern that `translate` returned."""
    groups: list[tuple[re.Match[str] | None, list[list[Node]]]] = [(None, [[]])]
    for token in TOKEN.finditer(pattern):
        branches = groups[-1][1]
        match token.lastgroup:
            case "open" | "look":
                groups.append((token, [[]]))
            case "close":
                opening, _ = groups.pop()
                groups[-1][1][-1].append(_close(opening, branches))
            case "bar":
                branches.append([])
            case "repeat":
                item = branches[-1].pop()
                branches[-1].append(Repeat(item, *_read_counts(token.group())))
            case "anchor":
                branches[-1].append(Anchor(token.group()))
            case _:
                branches[-1].append(Atom(token.group()))
    return _join(groups[0][1])


def matches_everything(pattern: str) -> bool:
    """Return True if the pattern matches the empty text in any position, and so every text."""
    tokens = {token.lastgroup for token in TOKEN.finditer(pattern)}
    return not tokens & {"look", "anchor"} and re.search(pattern, "", re.ASCII) is not None


def _close(opening: re.Match[str] | None, branches: list[list[Node]]) -> Node:
    body = _join(branches)
    if opening is None or opening.lastgroup == "open":
        return body
    text = opening.group()
    return Look(body, text.endswith("!"), "<" in text, opening.start())


def _join(branches: list[list[Node]]) -> Alternatives:
    return Alternatives(tuple(Concatenation(tuple(items)) for items in branches))


def _read_counts(text: str) -> tuple[int, int | None]:
    counts: Mapping[str, tuple[int, int | None]] = {"*": (0, None), "+": (1, None), "?": (0, 1)}
    if text[0] in counts:
        return counts[text[0]]
    low, comma, high = text.rstrip("?")[1:-1].partition(",")
    return int(low), (int(high) if high else None) if comma else int(low)
