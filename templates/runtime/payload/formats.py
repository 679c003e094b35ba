"""The formats of strings that the keyword ``format`` of JSON Schema draft 2020-12 defines.

Each predicate returns True for a text in the format. It accepts any text, takes linear time and
never raises. A text with a lone surrogate is not Unicode, and has no format.
"""

import re
from collections.abc import Callable
from datetime import date
from functools import cache
from unicodedata import bidirectional


def is_date_time(text: str) -> bool:
    """``date-time`` of RFC 3339, section 5.6."""
    return text[10:11] in {"T", "t"} and is_date(text[:10]) and is_time(text[11:])


def is_date(text: str) -> bool:
    """``full-date`` of RFC 3339, section 5.6: a day of the Gregorian calendar since year 0000."""
    match = _pattern(_DATE).fullmatch(text)
    if not match:
        return False
    year, month, day = map(int, match.groups())
    try:
        # Python has no year 0. The calendar repeats after 400 years.
        date(year or 400, month, day)
    except ValueError:
        return False
    return True


def is_time(text: str) -> bool:
    """``full-time`` of RFC 3339, section 5.6. A leap second ends a day in UTC (section 5.7)."""
    match = _pattern(_TIME).fullmatch(text)
    if not match:
        return False
    hour, minute, second, sign, offset_hour, offset_minute = match.groups("0")
    if second != "60":
        return True
    offset = int(offset_hour) * 60 + int(offset_minute)
    local = int(hour) * 60 + int(minute)
    return (local + offset if sign == "-" else local - offset) % _DAY == _DAY - 1


def is_duration(text: str) -> bool:
    """``duration`` of RFC 3339, appendix A: no fractions, no gaps, weeks only by themselves."""
    return _matches(_DURATION, text)


def is_email(text: str) -> bool:
    """``Mailbox`` of RFC 5321, section 4.1.2."""
    return _is_mailbox(text, _LOCAL_PART, is_hostname)


def is_idn_email(text: str) -> bool:
    """``Mailbox`` as RFC 6531, section 3.3, extends it."""
    return _is_mailbox(text, _IDN_LOCAL_PART, is_idn_hostname)


def is_hostname(text: str) -> bool:
    """A name of RFC 1123, section 2.1.

    RFC 5891, section 4.2.3.1, reserves hyphens in the third and fourth position for A-labels, whose
    content RFC 5892 restricts.
    """
    if not _matches(_HOSTNAME, text):
        return False
    reserved = [label for label in text.split(".") if label[2:4] == "--"]
    return not reserved or (
        all(label.startswith("xn--") for label in reserved) and _is_international(text)
    )


def is_idn_hostname(text: str) -> bool:
    """A name of RFC 1123, or one of RFC 5890 after the mapping of UTS #46."""
    return is_hostname(text) or _is_international(text)


def is_ipv4(text: str) -> bool:
    """``dotted-quad`` of RFC 2673, section 3.2, without leading zeros."""
    return _matches(_IPV4, text)


def is_ipv6(text: str) -> bool:
    """An address of RFC 4291, section 2.2, without a zone."""
    head, gap, tail = text.partition("::")
    groups = [group for part in (head, tail) if part for group in part.split(":")]
    if groups and is_ipv4(groups[-1]) and text.endswith(groups[-1]):
        groups[-1:] = ["0", "0"]
    is_complete = len(groups) < 8 if gap else len(groups) == 8
    return is_complete and all(_matches(_IPV6_GROUP, group) for group in groups)


def is_uri(text: str) -> bool:
    """``URI`` of RFC 3986, section 3."""
    return _is_reference(text, _URI)


def is_uri_reference(text: str) -> bool:
    """``URI-reference`` of RFC 3986, section 4.1."""
    return _is_reference(text, _URI_REFERENCE)


def is_iri(text: str) -> bool:
    """``IRI`` of RFC 3987, section 2.2."""
    return _is_reference(text, _IRI)


def is_iri_reference(text: str) -> bool:
    """``IRI-reference`` of RFC 3987, section 2.2."""
    return _is_reference(text, _IRI_REFERENCE)


def is_uri_template(text: str) -> bool:
    """``URI-Template`` of RFC 6570, section 2, with the apostrophe of erratum 6937."""
    return not _pattern(_BAD_PERCENT).search(text) and _matches(_URI_TEMPLATE, text)


def is_uuid(text: str) -> bool:
    """``UUID`` of RFC 4122, section 3."""
    return _matches(_UUID, text)


def is_json_pointer(text: str) -> bool:
    """``json-pointer`` of RFC 6901, section 3."""
    return text[:1] in {"", "/"} and not _pattern(_BAD_POINTER).search(text)


def is_relative_json_pointer(text: str) -> bool:
    """``relative-json-pointer`` of draft-bhutton-relative-json-pointer-00, section 3, without
    index manipulation."""
    steps = _pattern(_STEPS).match(text)
    rest = text[steps.end() :] if steps else None
    return rest is not None and (rest == "#" or is_json_pointer(rest))


def _is_mailbox(text: str, local_part: str, is_name: Callable[[str], bool]) -> bool:
    local, _, domain = text.rpartition("@")
    if not _matches(local_part, local):
        return False
    if not (domain.startswith("[") and domain.endswith("]")):
        return is_name(domain)
    literal = domain[1:-1]
    return is_ipv6(literal[5:]) if literal[:5].lower() == "ipv6:" else is_ipv4(literal)


def _is_international(text: str) -> bool:
    """Labels by RFC 5891, section 4, in their canonical spelling.

    If one of them runs from right to left, all must follow the Bidi rule of RFC 5893, section 2.
    """
    if len(text) > _MAPPED_LENGTH:
        return False
    try:
        import idna

        labels = idna.encode(text, uts46=True, std3_rules=True).decode().split(".")
        unicode_labels = [idna.ulabel(label) for label in labels]
        bidi = any(bidirectional(letter) in {"R", "AL", "AN"} for letter in "".join(unicode_labels))
        return labels == [idna.alabel(label).decode() for label in unicode_labels] and all(
            idna.check_bidi(label, check_ltr=bidi) for label in unicode_labels
        )
    except (ImportError, ValueError):
        return False


@cache
def _pattern(source: str) -> re.Pattern[str]:
    """Compile a pattern at its first use: most programs use few of them."""
    return re.compile(source)


def _matches(source: str, text: str) -> bool:
    return _pattern(source).fullmatch(text) is not None


def _is_reference(text: str, pattern: str) -> bool:
    if _pattern(_BAD_PERCENT).search(text):
        return False
    match = _pattern(pattern).fullmatch(text)
    return match is not None and (match["ipv6"] is None or is_ipv6(match["ipv6"]))


_DAY = 24 * 60
_HOUR_MINUTE = "([01][0-9]|2[0-3]):([0-5][0-9])"
_DATE = "([0-9]{4})-([0-9]{2})-([0-9]{2})"
_TIME = rf"{_HOUR_MINUTE}:([0-5][0-9]|60)(?:\.[0-9]+)?(?:[Zz]|([+-]){_HOUR_MINUTE})"
_DAYS = "[0-9]+D"
_MONTHS = f"[0-9]+M(?:{_DAYS})?"
_YEARS = f"[0-9]+Y(?:{_MONTHS})?"
_SECONDS = "[0-9]+S"
_MINUTES = f"[0-9]+M(?:{_SECONDS})?"
_HOURS = f"[0-9]+H(?:{_MINUTES})?"
_CLOCK = f"T(?:{_HOURS}|{_MINUTES}|{_SECONDS})"
_DURATION = f"P(?:(?:{_YEARS}|{_MONTHS}|{_DAYS})(?:{_CLOCK})?|{_CLOCK}|[0-9]+W)"

_OCTET = "(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_IPV4 = rf"{_OCTET}(?:\.{_OCTET}){{3}}"
_IPV6_GROUP = "[0-9A-Fa-f]{1,4}"
# UTS #46 removes some characters, so a valid name may be longer, but mapping a megabyte is slow.
_MAPPED_LENGTH = 4 * 253
_LABEL = "[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_HOSTNAME = rf"(?=.{{1,253}}\Z){_LABEL}(?:\.{_LABEL})*"

_ATEXT = "A-Za-z0-9!#$%&'*+/=?^_`{|}~-"
_QTEXT = r"\t !#-\[\]-~"
_NON_ASCII = "\u0080-\ud7ff\ue000-\U0010ffff"


def _local_part(more: str) -> str:
    atom = f"[{more}{_ATEXT}]+"
    return rf'(?=.{{1,64}}\Z)(?:{atom}(?:\.{atom})*|"(?:[{_QTEXT}{more}]|\\[!-~{more}])*")'


_LOCAL_PART = _local_part("")
_IDN_LOCAL_PART = _local_part(_NON_ASCII)

# Without these, a percent sign is a character like any other.
_BAD_PERCENT = "%(?![0-9A-Fa-f]{2})"
_UNRESERVED_OR_DELIMITER = r"A-Za-z0-9._~!$&'()*+,;=\-"
_UCSCHAR = "\u00a0-\ud7ff\uf900-\ufdcf\ufdf0-\uffef\U000e1000-\U000efffd" + "".join(
    f"{chr(plane)}-{chr(plane + 0xFFFD)}" for plane in range(0x10000, 0xE0000, 0x10000)
)
_IPRIVATE = "\ue000-\uf8ff\U000f0000-\U000ffffd\U00100000-\U0010fffd"
_SCHEME = r"[A-Za-z][A-Za-z0-9+.\-]*:"
_NO_SCHEME = "(?![^/?#]*:)"


def _reference(start: str, more: str = "", private: str = "") -> str:
    """The grammars of RFC 3986, appendix A, and RFC 3987, section 2.2, after the scheme."""
    name = f"%{_UNRESERVED_OR_DELIMITER}{more}"
    future = f"[Vv][0-9A-Fa-f]+[.][{_UNRESERVED_OR_DELIMITER}:]+"
    host = rf"(?:\[(?:(?P<ipv6>[0-9A-Fa-f:.]+)|{future})\]|[{name}]*)"
    authority = f"//(?:[{name}:]*@)?{host}(?::[0-9]*)?(?![^/?#])"
    return (
        rf"(?:{start})(?:{authority}|(?!//))[{name}:@/]*"
        rf"(?:\?[{name}:@/?{private}]*)?(?:#[{name}:@/?]*)?"
    )


_URI = _reference(_SCHEME)
_URI_REFERENCE = _reference(f"{_SCHEME}|{_NO_SCHEME}")
_IRI = _reference(_SCHEME, _UCSCHAR, _IPRIVATE)
_IRI_REFERENCE = _reference(f"{_SCHEME}|{_NO_SCHEME}", _UCSCHAR, _IPRIVATE)

_LITERALS = r"[^\x00- \"<>\\^`{|}\x7f\ud800-\udfff]*"
_NAME = r"[A-Za-z0-9_%]+(?:\.[A-Za-z0-9_%]+)*"
_VARIABLE = rf"{_NAME}(?::[1-9][0-9]{{0,3}}|\*)?"
_EXPRESSION = rf"\{{[+#./;?&=,!@|]?{_VARIABLE}(?:,{_VARIABLE})*\}}"
_URI_TEMPLATE = f"{_LITERALS}(?:{_EXPRESSION}{_LITERALS})*"
_UUID = "[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"
_BAD_POINTER = "~(?![01])|[\ud800-\udfff]"
_STEPS = "0|[1-9][0-9]*"
