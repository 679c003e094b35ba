"""The texts with a format, as generated code checks formats: by a pattern and lengths. Pure.

The patterns are in the syntax that `translate` returns. Those of most formats are exact. Where a
format is not regular, or its automaton would be large, there are sets inside of it and around it.
"""

import re
from dataclasses import dataclass
from functools import cache
from typing import TypeAlias

from .remainders import REMAINDERS
from .textset import TextSet

_Texts: TypeAlias = tuple[str, int, int | None]
"""A pattern for whole texts, and the lengths of the shortest and the longest one."""
_Sets: TypeAlias = tuple[tuple[_Texts, ...], tuple[_Texts, ...]]
"""Sets inside of a format, and sets around it."""


@dataclass(frozen=True, slots=True)
class FormatTexts:
    """Sets of texts inside of a format and around it. The last ones are the nearest to it, and
    those before need smaller automata."""

    inner: tuple[TextSet, ...]
    outer: tuple[TextSet, ...]


@cache
def format_texts(name: str) -> FormatTexts:
    """Return the texts with a format that generated code checks."""
    exact = _EXACT.get(name)
    inner, outer = ((exact,), (exact,)) if exact else _INEXACT[name]
    return FormatTexts(tuple(map(_texts, inner)), tuple(map(_texts, outer)))


@cache
def written_texts(name: str) -> TextSet:
    """Return the texts that generated code writes for a format with a Python type."""
    return _texts(_WRITTEN[name])


def has_format(text: str, name: str) -> bool | None:
    """Return whether a text has a format, or None if a library for it is missing."""
    texts = format_texts(name)
    if not is_in(text, texts.outer[-1]):
        return False
    return is_in(text, texts.inner[-1]) or REMAINDERS[name](text)


def is_in(text: str, texts: TextSet) -> bool:
    """Return True if a text is in a set."""
    return (
        len(text) >= texts.shortest
        and (texts.longest is None or len(text) <= texts.longest)
        and all(re.search(pattern, text, re.ASCII) for pattern in texts.patterns)
    )


def _texts(texts: _Texts) -> TextSet:
    pattern, shortest, longest = texts
    return TextSet((rf"^(?:{pattern})\Z",), shortest, longest)


_LEAP_YEAR = "(?:[0-9]{2}(?:0[48]|[2468][048]|[13579][26])|(?:[02468][048]|[13579][26])00)"
_DATE = (
    "(?:[0-9]{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])"
    "|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)|02-(?:0[1-9]|1[0-9]|2[0-8]))"
    f"|{_LEAP_YEAR}-02-29)"
)
_HOUR_MINUTE = "(?:[01][0-9]|2[0-3]):[0-5][0-9]"
_FRACTION, _OFFSET = r"(?:\.[0-9]+)?", rf"(?:[Zz]|[+\-]{_HOUR_MINUTE})"
_USUAL_TIME = f"{_HOUR_MINUTE}:[0-5][0-9]{_FRACTION}{_OFFSET}"
# Which leap seconds end a day in UTC would take one state for each minute of a day.
_TIME = rf"(?:{_USUAL_TIME}|23:59:60{_FRACTION}(?:[Zz]|[+\-]00:00))"
_LOOSE_TIME = f"(?:{_USUAL_TIME}|{_HOUR_MINUTE}:60{_FRACTION}{_OFFSET})"

_MONTHS = "[0-9]+M(?:[0-9]+D)?"
_MINUTES = "[0-9]+M(?:[0-9]+S)?"
_CLOCK = f"T(?:[0-9]+H(?:{_MINUTES})?|{_MINUTES}|[0-9]+S)"
_DURATION = f"P(?:(?:[0-9]+Y(?:{_MONTHS})?|{_MONTHS}|[0-9]+D)(?:{_CLOCK})?|{_CLOCK}|[0-9]+W)"

_OCTET = "(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_IPV4 = rf"{_OCTET}(?:\.{_OCTET}){{3}}"
_GROUP = "[0-9A-Fa-f]{1,4}"


def _ipv6() -> str:
    """Eight groups, of which the last two may be an IPv4 address, or fewer around ``::``."""
    alternatives = [f"{_GROUP}(?::{_GROUP}){{7}}", f"{_GROUP}(?::{_GROUP}){{5}}:{_IPV4}"]
    for count in range(8):
        head = f"{_GROUP}(?::{_GROUP}){{{count - 1}}}" if count else ""
        room = 7 - count
        tails = [f"(?:{_GROUP}:){{0,{room - 2}}}{_IPV4}"] if room >= 2 else []
        tails += [f"{_GROUP}(?::{_GROUP}){{0,{room - 1}}}"] if room else []
        alternatives.append(f"{head}::(?:{'|'.join([*tails, ''])})")
    return f"(?:{'|'.join(alternatives)})"


_IPV6, _LONG_IPV6 = _ipv6(), "[0-9A-Fa-f:.]+"
_SHORT_IPV6 = rf"(?:::|(?:[0-9A-Fa-f]{{4}}:){{6}}(?:[0-9A-Fa-f]{{4}}:[0-9A-Fa-f]{{4}}|{_IPV4}))"

# Labels with hyphens in the third and fourth place are reserved for names that are not ASCII.
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9\-]{0,61}[A-Za-z0-9])?"
_SHORT_LABEL, _LONG_LABEL = "[A-Za-z0-9]{1,9}", "[A-Za-z0-9]+(?:-+[A-Za-z0-9]+)*"
_USUAL_LABEL, _ANY_LABEL = rf"(?![^.]{{2}}--){_LABEL}", rf"(?!(?!xn)[^.]{{2}}--){_LABEL}"
_SHORT_HOST, _HOST, _ANY_HOST, _LONG_HOST = (
    rf"{label}(?:\.{label})*" for label in (_SHORT_LABEL, _USUAL_LABEL, _ANY_LABEL, _LONG_LABEL)
)
_LONG_IDN_HOST = r"[A-Za-z0-9.\-\x80-\U0010ffff]+"
_IDN_LABEL = rf"(?!(?![Xx][Nn])[^.]{{2}}--){_LABEL}"
_IDN_HOST = (
    rf"(?:{_IDN_LABEL}(?:\.{_IDN_LABEL})*|[A-Za-z0-9.\-]*[\x80-\U0010ffff]{_LONG_IDN_HOST[:-1]}*)"
)

_ATEXT, _QTEXT = r"A-Za-z0-9!#$%&'*+/=?^_`{|}~\-", r"\t !#-\[\]-~"
_NON_ASCII = r"\x80-\U0010ffff"
_LONG_LITERAL = "[0-9A-Fa-fIPVipv:.]+"
_SHORT_EMAIL = f"[{_ATEXT}]{{1,9}}@{_SHORT_HOST}"
_LOCAL_LENGTH = r"(?=[^\n]{1,64}@[^@]*\Z)"


_LITERAL = f"{_IPV4}|[Ii][Pp][Vv]6:{_IPV6}"


def _email(host: str, more: str = "", literal: str = _LITERAL) -> str:
    """An address whose local part has any length."""
    atom = f"[{_ATEXT}{more}]+"
    local = rf'(?:{atom}(?:\.{atom})*|"(?:[{_QTEXT}{more}]|\\[!-~{more}])*")'
    return rf"{local}@(?:{host}|\[(?:{literal})\])"


_PERCENT = "%[0-9A-Fa-f]{2}"
_NAME = r"A-Za-z0-9._~!$&'()*+,;=\-"
_UCSCHAR = r"\xa0-\ud7ff\uf900-\ufdcf\ufdf0-\uffef\U000e1000-\U000efffd" + "".join(
    f"\\U{plane:08x}-\\U{plane + 0xFFFD:08x}" for plane in range(0x10000, 0xE0000, 0x10000)
)
_IPRIVATE = r"\ue000-\uf8ff\U000f0000-\U000ffffd\U00100000-\U0010fffd"
_SCHEME, _NO_SCHEME = r"[A-Za-z][A-Za-z0-9+.\-]*:", "(?![^/?#]*:)"


def _characters(characters: str) -> str:
    return f"(?:[{characters}]|{_PERCENT})*"


def _reference(start: str, more: str = "", private: str = "") -> str:
    name = f"{_NAME}{more}"
    future = f"[Vv][0-9A-Fa-f]+[.][{_NAME}:]+"
    host = rf"(?:\[(?:{_IPV6}|{future})\]|{_characters(name)})"
    authority = f"//(?:{_characters(name + ':')}@)?{host}(?::[0-9]*)?(?![^/?#])"
    return (
        f"(?:{start})(?:{authority}|(?!//)){_characters(name + ':@/')}"
        rf"(?:\?{_characters(name + ':@/?' + private)})?(?:#{_characters(name + ':@/?')})?"
    )


_ANY_REFERENCE = f"{_SCHEME}|{_NO_SCHEME}"

_SHORT_URI = rf"[A-Za-z]{{1,9}}:(?://[A-Za-z0-9.\-]+)?(?:/(?:[{_NAME}]|{_PERCENT})*)?"


def _references(shortest: int, start: str, more: str = "", private: str = "") -> _Sets:
    exact = (_reference(start, more, private), shortest, None)
    scheme = _SCHEME if start == _SCHEME else ""
    longer = rf"{scheme}[{_NAME}:@/?#%\[\]{more}{private}]*"
    return ((_SHORT_URI, 2, None), exact), ((longer, shortest, None), exact)


_LITERALS = rf"(?:[^\x00- %\"<>\\^`{{|}}\x7f]|{_PERCENT})*"
_VARIABLE_NAME = rf"(?:[A-Za-z0-9_]|{_PERCENT})+"
_VARIABLE = rf"{_VARIABLE_NAME}(?:\.{_VARIABLE_NAME})*(?::[1-9][0-9]{{0,3}}|\*)?"
_EXPRESSION = rf"\{{[+#./;?&=,!@|]?{_VARIABLE}(?:,{_VARIABLE})*\}}"
_POINTER = "(?:/(?:[^/~]|~[01])*)*"

_EXACT: dict[str, _Texts] = {
    "date": (_DATE, 10, 10),
    "duration": (_DURATION, 3, None),
    "ipv4": (_IPV4, 7, 15),
    "uri-template": (f"{_LITERALS}(?:{_EXPRESSION}{_LITERALS})*", 0, None),
    "uuid": ("[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}", 36, 36),
    "json-pointer": (_POINTER, 0, None),
    "relative-json-pointer": (f"(?:0|[1-9][0-9]*)(?:#|{_POINTER})", 1, None),
}
_INEXACT: dict[str, _Sets] = {
    "date-time": (((f"{_DATE}[Tt]{_TIME}", 20, None),), ((f"{_DATE}[Tt]{_LOOSE_TIME}", 20, None),)),
    "ipv6": (
        ((_SHORT_IPV6, 2, 45), (_IPV6, 2, 45)),
        ((_LONG_IPV6, 2, 45), (_IPV6, 2, 45)),
    ),
    "uri": _references(2, _SCHEME),
    "uri-reference": _references(0, _ANY_REFERENCE),
    "iri": _references(2, _SCHEME, _UCSCHAR, _IPRIVATE),
    "iri-reference": _references(0, _ANY_REFERENCE, _UCSCHAR, _IPRIVATE),
    "time": (((_TIME, 9, None),), ((_LOOSE_TIME, 9, None),)),
    "hostname": (
        ((_SHORT_HOST, 1, 253), (_HOST, 1, 253)),
        ((_LONG_HOST, 1, 253), (_ANY_HOST, 1, 253)),
    ),
    "idn-hostname": (
        ((_SHORT_HOST, 1, 253), (_HOST, 1, 253)),
        ((_LONG_IDN_HOST, 1, 4 * 253), (_IDN_HOST, 1, 4 * 253)),
    ),
    # In an address of up to 255 characters, the name has at most 253.
    "email": (
        ((_SHORT_EMAIL, 3, 255), (_LOCAL_LENGTH + _email(_HOST), 3, 255)),
        (
            (_email(_LONG_HOST, literal=_LONG_LITERAL), 3, 318),
            (_LOCAL_LENGTH + _email(_ANY_HOST), 3, 318),
        ),
    ),
    "idn-email": (
        ((_SHORT_EMAIL, 3, 255), (_LOCAL_LENGTH + _email(_HOST, _NON_ASCII), 3, 255)),
        (
            (_email(_LONG_IDN_HOST, _NON_ASCII, _LONG_LITERAL), 3, 65 + 4 * 253),
            (_LOCAL_LENGTH + _email(_IDN_HOST, _NON_ASCII), 3, 65 + 4 * 253),
        ),
    ),
}

_WRITTEN_TIME = (
    rf"{_HOUR_MINUTE}:[0-5][0-9](?:\.(?!000000)[0-9]{{6}})?"
    rf"(?:\+{_HOUR_MINUTE}|-(?!00:00){_HOUR_MINUTE})"
)
# Generated code writes seconds, and the offset in digits.
_WRITTEN: dict[str, _Texts] = {
    "date-time": (f"(?!0000){_DATE}T{_WRITTEN_TIME}", 25, 32),
    "date": (f"(?!0000){_DATE}", 10, 10),
    "time": (_WRITTEN_TIME, 14, 21),
    "uuid": ("[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", 36, 36),
}
