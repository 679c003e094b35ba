"""Formats that include each other, and texts that have them. Pure."""

from collections.abc import Iterator, Mapping

WIDER_FORMATS: Mapping[str, frozenset[str]] = {
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
"""Format -> the formats that all of its texts have too. For every other pair of formats, the texts
below have one with the first format and without the second; idn-hostname is the exception."""

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
"""Text -> its formats, without the wider ones."""

TEXT_FORMATS: Mapping[str, frozenset[str]] = {
    text: frozenset(names.split()).union(*(WIDER_FORMATS.get(name, ()) for name in names.split()))
    for text, names in _TEXTS.items()
}
"""Text -> all of its formats."""

_PADDED = ("{}", "{}@example.com", "https://example.com/{}", "/{}", "0/{}")


def pad_texts(length: int) -> Iterator[str]:
    """Yield texts of a length, with as many formats as possible."""
    for template in _PADDED:
        if length > len(template) - 2:
            yield template.format("a" * (length + 2 - len(template)))
    yield " " * length
