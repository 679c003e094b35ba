"""Regular expressions of JSON Schema (ECMA-262) -> regular expressions of Python.

The two share most of their syntax, and a good part of it means something else: `$`, `.`, `\\s`,
`\\B`, `[]`. So everything is read here and written anew, and what is not understood is refused: a
check that is nearly right would accept what the platform drops, or the reverse.

Meant is the mode with Unicode: a character is a code point. Punctuation that only the mode without
lets through (`\\@`, `[\\w-.]`, a brace that begins no quantifier) is a literal, as it is there.
"""

import re
import warnings
from dataclasses import dataclass, field

from ..schema.text import escape, quote

_LONGEST = 10_000
_DEEPEST = 50
"""Nested groups. Python's compiler calls itself for each, on the stack of whoever imports us."""

_TOKEN = re.compile(
    r"""(?P<assertion> [\^$] | \\[bB])
    | (?P<bar> \|)
    | (?P<open> \( (?: (?!\?) | \?(?: [:=!] | <[=!] | <(?P<name>[A-Za-z_$][A-Za-z0-9_$]*)>)))
    | (?P<close> \))
    | (?P<quantifier> (?: [*+?] | \{[0-9]+ (?: ,[0-9]*)? \}) \??)
    | (?P<set> \[)
    | (?P<character> [^(\\] | (?=\\))""",
    re.VERBOSE,
)
_SET_TOKEN = re.compile(r"(?P<end>\])|(?P<backspace>\\b)|[^\\]|(?=\\)")
_NEGATION, _TO = re.compile(r"\^"), re.compile(r"-(?=[^\]])")
_ESCAPE = re.compile(
    r"""\\(?: (?P<class> [dDsSwW])
    | (?P<control> [tnrvf])
    | c(?P<letter> [A-Za-z])
    | (?P<pair> u[dD][89abAB][0-9A-Fa-f]{2} \\u[dD][c-fC-F][0-9A-Fa-f]{2})
    | (?P<unit> x[0-9A-Fa-f]{2} | u[0-9A-Fa-f]{4} | 0(?![0-9]))
    | u\{0*(?P<point> (?:10|[0-9A-Fa-f])? [0-9A-Fa-f]{1,4})\}
    | (?P<itself> [\ -/:-@\[-`{-~]))""",
    re.VERBOSE,
)
_WITH_UNICODE = re.compile("[\ud800-\udfff\U00010000-\U0010ffff]")
_SYNTAX = frozenset("^$\\.*+?()[]{}|")
_SET_SYNTAX = frozenset("^\\[]-&~|")
_LINE = r"[^\n\r\u2028\u2029]"
_FIXED = {"^": "^", "$": r"\Z", r"\b": r"\b", r"\B": r"(?!\b)", ".": _LINE, "|": "|", ")": ")"}
"""Python's `$` matches before a last line feed too, and its `\\B` nowhere in an empty string."""

_SPACE = r"\s\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff"
_NO_SPACE = (
    r"\x00-\x08\x0e-\x1f!-\x9f\xa1-\u167f\u1681-\u1fff\u200b-\u2027\u202a-\u202e\u2030-\u205e"
    r"\u2060-\u2fff\u3001-\ufefe\uff00-\U0010ffff"
)
_IN_SET = {r"\s": _SPACE, r"\S": _NO_SPACE}
_ALONE = {r"\s": f"[{_SPACE}]", r"\S": f"[^{_SPACE}]"}

_BEFORE = {"open": "start", "bar": "start", "quantifier": "quantifier", "assertion": "assertion"}
"""Kind of a token -> what a quantifier after it follows, if that cannot be repeated."""
_NOT_REPEATABLE = {
    "start": "has the quantifier {} with nothing to repeat",
    "quantifier": "has the possessive or doubled quantifier {}, which ECMA-262 does not know",
    "assertion": "has the quantifier {} on an assertion, which is not the same in Python's re",
}
_UNKNOWN_ESCAPE = "has the escape {}, which ECMA-262 does not know"
_ESCAPES = (
    dict.fromkeys("k123456789", "has a back-reference ({}), which is not the same in Python's re")
    | dict.fromkeys("pP", "has a Unicode property ({}), which Python's re does not know")
    | dict.fromkeys("xuc0", "has an incomplete or octal escape ({})")
    | {"": "ends in a backslash"}
)
_UNKNOWN_GROUP = "has a group that starts with {}, which ECMA-262 does not know"
_GROUPS = {
    "#": "has a comment ({}), which ECMA-262 does not know",
    ">": "has an atomic group ({}), which ECMA-262 does not know",
    "(": "has a conditional group ({}), which ECMA-262 does not know",
    "P": "has a group in Python's own syntax ({}), which ECMA-262 does not know",
    "<": "has a group ({}) whose name is no identifier in ASCII",
} | dict.fromkeys("aiLmsux-", "has inline flags ({}), which not every ECMA-262 knows")


@dataclass(slots=True)
class _Source:
    """A pattern, how far it is read, and what has been met on the way."""

    text: str
    at: int = 0
    before: str = "start"
    groups: list[str] = field(default_factory=list[str])
    names: set[str] = field(default_factory=set[str])
    unicode: str = ""
    """A part that the mode without Unicode takes for something else."""
    lenient: str = ""
    """A part that only the mode without Unicode lets through."""

    def take(self, token: re.Pattern[str]) -> re.Match[str] | None:
        match = token.match(self.text, self.at)
        self.at = match.end() if match else self.at
        return match


def translate(pattern: str) -> str:
    """The pattern as Python has to write it: compiled with `re.ASCII`, its `search` finds
    something in exactly the strings that the pattern matches.

    Raises `ValueError` with the reason, a clause like "has a Unicode property (\\p), which
    Python's re does not know".
    """
    if len(pattern) > _LONGEST:
        raise ValueError(f"is longer than {_LONGEST} characters")
    source = _Source(_joined(pattern))
    source.unicode = "".join(_WITH_UNICODE.findall(source.text)[:1])
    result: list[str] = []
    while token := source.take(_TOKEN):
        kind, text = token.lastgroup or "", token.group()
        if kind == "close" and not source.groups:
            raise ValueError("has a closing parenthesis too many")
        result.append(_FIXED.get(text) or _READERS[kind](source, token))
        source.before = source.groups.pop() if kind == "close" else _BEFORE.get(kind, "atom")
    _refuse_the_rest(source)
    return _compiled("".join(result))


def _open(source: _Source, token: re.Match[str]) -> str:
    """Nothing can refer to a group, so none has to capture."""
    name: str | None = token["name"]
    if name in source.names:
        raise ValueError(f"has two groups with the name {quote(name or '')}")
    source.names |= {name} if name else set()
    text = "(?:" if name or token.group() == "(" else token.group()
    source.groups.append("atom" if text == "(?:" else "assertion")
    if len(source.groups) > _DEEPEST:
        raise ValueError(f"has groups that are nested more than {_DEEPEST} deep")
    return text


def _quantifier(source: _Source, token: re.Match[str]) -> str:
    text = token.group()
    if source.before in _NOT_REPEATABLE:
        raise ValueError(_NOT_REPEATABLE[source.before].format(quote(text, 20)))
    if re.search("[0-9]{10}", text):
        raise ValueError(f"has the quantifier {quote(text, 20)}, which is too large")
    return text


def _character(source: _Source, token: re.Match[str]) -> str:
    if token.group() in ("{", "}", "]"):
        source.lenient = token.group()
    item = token.group() or _escaped(source, "/")
    return _written(item, _SYNTAX) if len(item) == 1 else _ALONE.get(item, item)


def _set(source: _Source, _: re.Match[str]) -> str:
    negated = source.take(_NEGATION) is not None
    parts: dict[str, None] = {}
    while first := _item(source):
        last = _item(source) if source.take(_TO) else ""
        parts |= dict.fromkeys(_range(source, first, last))
    if not parts:
        negated = not negated
    if not parts or any({rf"\{kind}", rf"\{kind.upper()}"} <= parts.keys() for kind in "dsw"):
        return r"[^\s\S]" if negated else r"[\s\S]"
    body = "".join(_IN_SET.get(part, part) for part in parts)
    return f"[^{body}]" if negated else f"[{body}]"


def _item(source: _Source) -> str:
    """Out of a set: a character, or a class like `\\d`; nothing at the end."""
    token = source.take(_SET_TOKEN)
    if not token:
        raise ValueError("has an opening bracket too many")
    if token.lastgroup:
        return "" if token.lastgroup == "end" else "\b"
    return token.group() or _escaped(source, "/-")


def _range(source: _Source, first: str, last: str) -> list[str]:
    """A range as parts of a set. With a class at an end it is none, and its hyphen a literal."""
    ends = [end if len(end) > 1 else _written(end, _SET_SYNTAX) for end in (first, last) if end]
    if last and len(first + last) > 2:
        source.lenient = f"{first}-{last}"
        return [ends[0], r"\-", ends[1]]
    if last and first > last:
        raise ValueError(f"has the range {quote(f'{first}-{last}')}, which is out of order")
    return ["-".join(ends)]


def _escaped(source: _Source, punctuation: str) -> str:
    """What an escape stands for: a character, or itself if it is a class. Both modes know that of
    a syntax character or of `punctuation`."""
    token = source.take(_ESCAPE)
    if not token:
        text = source.text[source.at : source.at + 2]
        raise ValueError(_ESCAPES.get(text[1:], _UNKNOWN_ESCAPE).format(quote(text)))
    kind = token.lastgroup or ""
    text = token[kind]
    if kind == "class":
        return token.group()
    if kind == "control":
        return "\t\n\v\f\r"["tnvfr".index(text)]
    if kind == "letter":
        return chr(ord(text) % 32)
    if kind == "itself":
        source.lenient = source.lenient if text in [*_SYNTAX, *punctuation] else token.group()
        return text
    char = _joined("".join(chr(int(unit, 16)) for unit in re.findall("[0-9A-Fa-f]+", text)))
    if kind == "point" or _WITH_UNICODE.match(char):
        source.unicode = token.group()
    return char


def _joined(text: str) -> str:
    """Surrogates in pairs as the characters that they stand for."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")


def _written(char: str, syntax: frozenset[str]) -> str:
    if char == "\n":
        return r"\n"
    return f"\\{char}" if char in syntax else escape(char)


def _refuse_the_rest(source: _Source) -> None:
    start = source.text[source.at : source.at + 3]
    if start:
        raise ValueError(_GROUPS.get(start[2:], _UNKNOWN_GROUP).format(quote(start)))
    if source.groups:
        raise ValueError("has an opening parenthesis too many")
    if source.lenient and source.unicode:
        raise ValueError(
            f"has {quote(source.lenient)}, which only the mode without Unicode lets through, and "
            f"{quote(source.unicode)}, which that mode takes for something else"
        )


def _compiled(result: str) -> str:
    try:
        with warnings.catch_warnings(action="error"):
            re.compile(result, re.ASCII)
    except (re.error, Warning, OverflowError, RecursionError) as error:
        reason = error.msg if isinstance(error, re.error) else error
        raise ValueError(f"has a part that Python's re refuses: {reason}") from None
    return result


_READERS = {"open": _open, "quantifier": _quantifier, "set": _set, "character": _character}
