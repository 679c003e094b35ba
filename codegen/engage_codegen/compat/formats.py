"""Texts whose formats are known: of a text that is not here, nothing is claimed. Pure."""

from collections.abc import Iterator, Mapping

WIDER: Mapping[str, frozenset[str]] = {
    name: frozenset(wider.split())
    for name, wider in {
        "date-time": "uri-template",
        "date": "hostname idn-hostname uri-reference iri-reference uri-template",
        "time": "uri-template",
        "duration": "uri-reference iri-reference uri-template",
        "email": "idn-email",
        "hostname": "idn-hostname uri-reference iri-reference uri-template",
        "ipv4": "hostname idn-hostname uri-reference iri-reference uri-template",
        "ipv6": "uri-template",
        "uri": "uri-reference iri iri-reference uri-template",
        "uri-reference": "iri-reference uri-template",
        "iri": "iri-reference uri-template",
        "iri-reference": "uri-template",
        "uuid": "hostname idn-hostname uri-reference iri-reference uri-template",
    }.items()
}
"""Formats whose texts are all texts of others. Of every other two that are different, the texts
below have one that is of the first and not of the second, but for idn-hostname."""

LENGTHS: Mapping[str, tuple[int, int | None]] = {
    "date-time": (20, None),
    "date": (10, 10),
    "time": (9, None),
    "duration": (3, None),
    "email": (3, None),
    "hostname": (1, 253),
    "ipv4": (7, 15),
    "ipv6": (2, 45),
    "uri": (2, None),
    "iri": (2, None),
    "uuid": (36, 36),
    "relative-json-pointer": (1, None),
}
"""No text of a format is shorter or longer."""

WRITTEN: Mapping[str, tuple[int, int]] = {
    "date-time": (25, 32),
    "date": (10, 10),
    "time": (14, 21),
    "uuid": (36, 36),
}
"""The same of typed values, as generated code writes them: with seconds, and an offset in digits.
The texts below that are of these formats are in that form, if they do not end in Z."""

_TEXTS = {
    "a": "hostname",
    "": "uri-reference json-pointer",
    "b": "hostname",
    "0": "hostname relative-json-pointer",
    "A": "hostname",
    "aa": "hostname",
    " ": "",
    "a b": "",
    "\u00e9": "idn-hostname iri-reference",
    "{a}": "uri-template",
    "2026-03-14T09:26:53+00:00": "date-time",
    "2026-03-14T09:26:53.123456+01:00": "date-time",
    "1999-12-31T23:59:00-10:30": "date-time",
    "2026-03-14T09:26:53Z": "date-time",
    "2026-03-14T09:26:53.123Z": "date-time",
    "2026-03-14": "date",
    "1999-12-31": "date",
    "09:26:53+00:00": "time",
    "09:26:53Z": "time",
    "09:26:53.123456+01:00": "time",
    "23:59:00-10:30": "time",
    "P1D": "duration hostname",
    "PT1H": "duration hostname",
    f"P{'1' * 70}D": "duration",
    "a@example.com": "email uri-reference",
    "b@c.de": "email uri-reference",
    '"a b"@example.com': "email",
    "a@[192.0.2.1]": "email uri-template",
    "\u00e9@example.com": "idn-email iri-reference",
    "a.example.com": "hostname",
    "\u00e9.example": "idn-hostname iri-reference",
    "192.0.2.1": "ipv4",
    "255.255.255.255": "ipv4",
    "::1": "ipv6",
    "2001:db8::1": "ipv6",
    "https://example.com": "uri",
    "https://example.com/a": "uri",
    "b:": "uri",
    "b:\u00e9": "iri",
    "/a": "uri-reference json-pointer",
    "/a b": "json-pointer",
    "0/a": "uri-reference relative-json-pointer",
    "0/ ": "relative-json-pointer",
    "xn--X": "uri-reference",
    "3f0c1b52-7d5e-4b0e-9c64-1c2f5b8e0d01": "uuid",
    "c4e2d6f0-1b3a-4c5d-8e7f-90b1c2d3e4f5": "uuid",
}
"""Text -> its formats, without those that are wider."""

FORMATS: Mapping[str, frozenset[str]] = {
    text: frozenset(names.split()).union(*(WIDER.get(name, ()) for name in names.split()))
    for text, names in _TEXTS.items()
}

_PADDED = ("{}", "{}@example.com", "https://example.com/{}", "/{}", "0/{}")
_LABEL, _LOCAL_PART = 63, 64


def is_of(text: str, name: str) -> bool | None:
    """Whether a text is of a format; None if that is not known."""
    known = _formats(text)
    if known is not None:
        return name in known
    shortest, longest = LENGTHS.get(name, (0, None))
    is_sized = shortest <= len(text) and (longest is None or len(text) <= longest)
    return None if is_sized else False


def padded(length: int) -> Iterator[str]:
    """Texts of a length, of as many formats as can be."""
    for form in _PADDED:
        if length > len(form) - 2:
            yield form.format("a" * (length + 2 - len(form)))
    yield " " * length


def _formats(text: str) -> frozenset[str] | None:
    if text in FORMATS or not text.strip(" "):
        return FORMATS[text if text in FORMATS else " "]
    for form in _PADDED:
        count = len(text) + 2 - len(form)
        if count > 0 and text == form.format("a" * count):
            lost = ["hostname", "idn-hostname"] if count > _LABEL else []
            lost += ["email", "idn-email"] if count > _LOCAL_PART else []
            return FORMATS[form.format("a")] - set(lost)
    return None
