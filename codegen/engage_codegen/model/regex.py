"""Regular expressions of JSON Schema (ECMA-262) -> regular expressions of Python.

Both share most of their syntax, but `$`, `.`, `\\s`, `\\B` and `[]` have other meanings in Python.
Therefore every pattern is parsed and written again, and syntax without an exact equivalent is
refused. A check that is nearly right would accept what the platform drops, or the other way round.

Patterns are read in Unicode mode: a character is a code point. Punctuation that only the mode
without Unicode accepts (`\\@`, `[\\w-.]`, a brace that starts no quantifier) is a literal, as it is
in that mode.
"""

import re
import warnings
from dataclasses import dataclass, field
from functools import lru_cache

from ..schema.text import escape, quote
from .backtracking import refuse_slow

_MAX_LENGTH = 10_000
_MAX_DEPTH = 50
"""Nested groups. Python's compiler recurses into each, on the stack of the importing program."""

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
_NEGATION, _HYPHEN = re.compile(r"\^"), re.compile(r"-(?=[^\]])")
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
"""Token -> Python. Python's `$` also matches before a final line feed, and before Python 3.14 its
`\\B` does not match an empty string."""

_SPACE = r"\s\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff"
_NO_SPACE = (
    r"\x00-\x08\x0e-\x1f!-\x9f\xa1-\u167f\u1681-\u1fff\u200b-\u2027\u202a-\u202e\u2030-\u205e"
    r"\u2060-\u2fff\u3001-\ufefe\uff00-\U0010ffff"
)
_IN_SET = {r"\s": _SPACE, r"\S": _NO_SPACE}
_ALONE = {r"\s": f"[{_SPACE}]", r"\S": f"[^{_SPACE}]"}

_CONTEXTS = {"open": "start", "bar": "start", "quantifier": "quantifier", "assertion": "assertion"}
"""Token type -> the context of a quantifier that follows it. After any other token, the quantifier
can repeat an atom."""
_NOT_REPEATABLE = {
    "start": "has the quantifier {} with nothing to repeat",
    "quantifier": "has the possessive or doubled quantifier {}, which ECMA-262 does not define",
    "assertion": "has the quantifier {} on an assertion, which differs in Python's re",
}
_UNKNOWN_ESCAPE = "has the escape {}, which ECMA-262 does not define"
_ESCAPES = (
    dict.fromkeys("k123456789", "has a back-reference ({}), which differs in Python's re")
    | dict.fromkeys("pP", "has a Unicode property ({}), which Python's re does not support")
    | dict.fromkeys("xuc0", "has an incomplete or octal escape ({})")
    | {"": "ends in a backslash"}
)
_UNKNOWN_GROUP = "has a group that starts with {}, which ECMA-262 does not define"
_GROUPS = {
    "#": "has a comment ({}), which ECMA-262 does not define",
    ">": "has an atomic group ({}), which ECMA-262 does not define",
    "(": "has a conditional group ({}), which ECMA-262 does not define",
    "P": "has a group in Python's own syntax ({}), which ECMA-262 does not define",
    "<": "has a group ({}) whose name is not an ASCII identifier",
} | dict.fromkeys("aiLmsux-", "has inline flags ({}), which not every ECMA-262 engine supports")


@dataclass(slots=True)
class _Source:
    """A pattern and the state of its parser.

    `context` is what a quantifier at `offset` would repeat, and `groups` are the contexts after
    the open groups. `unicode` is a part with another meaning without Unicode, `lenient` a part that
    is valid only without Unicode; a pattern with both has no consistent reading.
    """

    text: str
    offset: int = 0
    context: str = "start"
    groups: list[str] = field(default_factory=list[str])
    names: set[str] = field(default_factory=set[str])
    unicode: str = ""
    lenient: str = ""

    def take(self, token: re.Pattern[str]) -> re.Match[str] | None:
        """Return the token at the offset and move past it, or None if another one is there."""
        match = token.match(self.text, self.offset)
        self.offset = match.end() if match else self.offset
        return match


@lru_cache(maxsize=512)
def translate(pattern: str) -> str:
    """Return the equivalent pattern for Python.

    Compiled with `re.ASCII`, its `search` succeeds for exactly the strings that `pattern` matches.
    Raises `ValueError` with a predicate as its message, such as "has a Unicode property (\\p),
    which Python's re does not support".
    """
    if len(pattern) > _MAX_LENGTH:
        raise ValueError(f"is longer than {_MAX_LENGTH} characters")
    source = _Source(_join_surrogates(pattern))
    source.unicode = "".join(_WITH_UNICODE.findall(source.text)[:1])
    result: list[str] = []
    while token := source.take(_TOKEN):
        name, text = token.lastgroup or "", token.group()
        if name == "close" and not source.groups:
            raise ValueError("has an unmatched closing parenthesis")
        result.append(_FIXED.get(text) or _PARSERS[name](source, token))
        source.context = source.groups.pop() if name == "close" else _CONTEXTS.get(name, "atom")
    _refuse_remainder(source)
    translated = "".join(result)
    _check_compiles(translated)
    refuse_slow(translated)
    return translated


def _parse_group(source: _Source, token: re.Match[str]) -> str:
    """Write groups without capturing, because nothing can refer to them."""
    name: str | None = token["name"]
    if name in source.names:
        raise ValueError(f"has two groups with the name {quote(name or '')}")
    source.names |= {name} if name else set()
    text = "(?:" if name or token.group() == "(" else token.group()
    source.groups.append("atom" if text == "(?:" else "assertion")
    if len(source.groups) > _MAX_DEPTH:
        raise ValueError(f"has more than {_MAX_DEPTH} nested groups")
    return text


def _parse_quantifier(source: _Source, token: re.Match[str]) -> str:
    text = token.group()
    if source.context in _NOT_REPEATABLE:
        raise ValueError(_NOT_REPEATABLE[source.context].format(quote(text, 20)))
    if re.search("[0-9]{10}", text):
        raise ValueError(f"has the quantifier {quote(text, 20)}, which is too large")
    return text


def _parse_character(source: _Source, token: re.Match[str]) -> str:
    if token.group() in ("{", "}", "]"):
        source.lenient = token.group()
    item = token.group() or _parse_escape(source, "/")
    return _escape_character(item, _SYNTAX) if len(item) == 1 else _ALONE.get(item, item)


def _parse_set(source: _Source, _: re.Match[str]) -> str:
    negated = source.take(_NEGATION) is not None
    parts: dict[str, None] = {}
    while first := _parse_item(source):
        last = _parse_item(source) if source.take(_HYPHEN) else ""
        parts |= dict.fromkeys(_write_range(source, first, last))
    if not parts:
        negated = not negated
    if not parts or any({rf"\{name}", rf"\{name.upper()}"} <= parts.keys() for name in "dsw"):
        return r"[^\s\S]" if negated else r"[\s\S]"
    body = "".join(_IN_SET.get(part, part) for part in parts)
    return f"[^{body}]" if negated else f"[{body}]"


def _parse_item(source: _Source) -> str:
    """Return the next character or class (`\\d`) of a set, or "" at its end."""
    token = source.take(_SET_TOKEN)
    if not token:
        raise ValueError("has an unmatched opening bracket")
    if token.lastgroup:
        return "" if token.lastgroup == "end" else "\b"
    return token.group() or _parse_escape(source, "/-")


def _write_range(source: _Source, first: str, last: str) -> list[str]:
    """Return the parts of a set for a range, or for a single item if `last` is empty.

    If an end is a class (`\\d`), there is no range, and the hyphen is a literal.
    """
    ends = [
        end if len(end) > 1 else _escape_character(end, _SET_SYNTAX) for end in (first, last) if end
    ]
    if last and len(first + last) > 2:
        source.lenient = f"{first}-{last}"
        return [ends[0], r"\-", ends[1]]
    if last and first > last:
        raise ValueError(f"has the range {quote(f'{first}-{last}')}, which is out of order")
    return ["-".join(ends)]


def _parse_escape(source: _Source, punctuation: str) -> str:
    """Return the character that an escape represents, or the escape itself if it is a class.

    Syntax characters and `punctuation` can be escaped in both modes.
    """
    token = source.take(_ESCAPE)
    if not token:
        text = source.text[source.offset : source.offset + 2]
        raise ValueError(_ESCAPES.get(text[1:], _UNKNOWN_ESCAPE).format(quote(text)))
    name = token.lastgroup or ""
    text = token[name]
    if name == "class":
        return token.group()
    if name == "control":
        return "\t\n\v\f\r"["tnvfr".index(text)]
    if name == "letter":
        return chr(ord(text) % 32)
    if name == "itself":
        source.lenient = source.lenient if text in [*_SYNTAX, *punctuation] else token.group()
        return text
    units = re.findall("[0-9A-Fa-f]+", text)
    char = _join_surrogates("".join(chr(int(unit, 16)) for unit in units))
    if name == "point" or _WITH_UNICODE.match(char):
        source.unicode = token.group()
    return char


def _join_surrogates(text: str) -> str:
    """Return the text with each pair of surrogates as one character."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")


def escape_literal(char: str) -> str:
    """Return the pattern that matches one character."""
    return _escape_character(char, _SYNTAX)


def _escape_character(char: str, syntax: frozenset[str]) -> str:
    if char == "\n":
        return r"\n"
    return f"\\{char}" if char in syntax else escape(char)


def _refuse_remainder(source: _Source) -> None:
    """Raise `ValueError` if the pattern ends too early, or has no consistent reading."""
    start = source.text[source.offset : source.offset + 3]
    if start:
        raise ValueError(_GROUPS.get(start[2:], _UNKNOWN_GROUP).format(quote(start)))
    if source.groups:
        raise ValueError("has an unmatched opening parenthesis")
    if source.lenient and source.unicode:
        raise ValueError(
            f"has {quote(source.lenient)}, which is valid only without Unicode mode, and "
            f"{quote(source.unicode)}, which needs Unicode mode"
        )


def _check_compiles(pattern: str) -> None:
    """Raise `ValueError` if this Python cannot compile the pattern, or warns about it."""
    try:
        with warnings.catch_warnings(action="error"):
            re.compile(pattern, re.ASCII)
    except (re.error, Warning, OverflowError, RecursionError) as error:
        reason = error.msg if isinstance(error, re.error) else error
        raise ValueError(f"has a part that Python's re refuses: {reason}") from None


_PARSERS = {
    "open": _parse_group,
    "quantifier": _parse_quantifier,
    "set": _parse_set,
    "character": _parse_character,
}
