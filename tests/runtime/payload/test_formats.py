"""The formats of the runtime agree with jsonschema-rs and the official suite.

`DIFFERENCES` lists the intended differences, each with its reason and an example.
"""

import json
import re
import sys
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given, settings
from hypothesis import provisional as web
from hypothesis import strategies as st

from engage_interactions._runtime.payload import formats

FORMATS = """
    date-time date time duration email idn-email hostname idn-hostname ipv4 ipv6 uri uri-reference
    iri iri-reference uri-template uuid json-pointer relative-json-pointer
""".split()
OURS: dict[str, Callable[[str], bool]] = {
    name: getattr(formats, f"is_{name.replace('-', '_')}") for name in FORMATS
}
ORACLE: dict[str, Callable[[str], bool]] = {
    name: jsonschema_rs.validator_for(
        {"$schema": "https://json-schema.org/draft/2020-12/schema", "format": name},
        validate_formats=True,
    ).is_valid
    for name in FORMATS
}
NAMES = {"hostname", "idn-hostname", "email", "idn-email"}
UUID = "2eb8aa08-aa98-11ea-b4aa-73b441d16380"


def words(text: str, *others: str) -> list[str]:
    return [*text.split(), *others]


# Format -> valid texts, invalid texts.
TABLE: dict[str, tuple[list[str], list[str]]] = {
    "date": (
        words("2024-02-29 2000-02-29 0000-01-01 0000-02-29 9999-12-31"),
        words(
            """
            1900-02-29 2023-02-29 2024-04-31 2024-13-01 2024-00-01 2024-01-00 2024-1-1 20240101
            2024-W01-1 2024-001 12024-01-01 -2024-01-01 \uff12024-01-01 2024-01-0\u0661
            2024\u201301\u201301 2024-01-01Z
        """,
            "",
            "2024-01-01\n",
            " 2024-01-01",
        ),
    ),
    "time": (
        words(
            """
            12:00:00Z 12:00:00z 00:00:00.0Z 12:00:00+23:59 12:00:00-00:00 23:59:60Z 23:59:60.9Z
            00:59:60+01:00 15:59:60-08:00 23:29:60+23:30
        """,
            f"12:00:00.{'1' * 100}Z",
        ),
        words(
            """
            12:00:00 12:00Z 24:00:00Z 12:60:00Z 12:00:61Z 12:00:00.Z 12:00:60Z 23:59:60+01:00
            22:59:60+01:00 12:00:00+24:00 12:00:00+12:60 12:00:00+0000 12:00:00+00 12:00:00,1Z
            1\uff12:00:00Z
        """,
            "",
            "12:00:00 Z",
            "12:00:00Z\n",
        ),
    ),
    "date-time": (
        words("""
            2024-02-29T12:00:00Z 2024-02-29t12:00:00.123456789z 0000-02-29T00:00:00-12:34
            1990-12-31T23:59:60Z 1990-12-31T15:59:60-08:00 2024-06-15T23:59:60Z
        """),
        words(
            """
            T 2024-02-29 2024-02-29T12:00:00 2024-02-30T12:00:00Z 2024-02-29T12:00:60Z
            2024-02-29TT12:00:00Z
        """,
            "",
            "2024-02-29 12:00:00Z",
            "2024-02-29T12:00:00Z\n",
        ),
    ),
    "duration": (
        words("P1D P0W P1Y2M3DT4H5M6S PT36H P1YT1H P1MT1M P12345678901234567890D"),
        words(
            """
            P PT P1 1D p1d P1DT P1Y1D PT1H1S P1D1M P1Y1Y P1W1D P1Y1W P1WT1H PT1.5S P-1D +P1D P1H
            PT1D P\u0661D PTT1H
        """,
            "",
            "P1D\n",
        ),
    ),
    "email": (
        words(
            """
            a@b a@1 a.b+c@d.example a@[127.0.0.1] a@[IPv6:::1] a@[ipv6:1::] ""@x "\\""@x
            "\\\\"@x "@"@x !#$%&'*+/=?^_`{|}~-@x a@xn--9n2bp8q
        """,
            '"a b"@x',
            '"a\tb"@x',
            f"{'a' * 64}@x",
        ),
        words(
            """
            a @ a@ @a a@b@c a.@b .a@b a..b@c a@-b a@b- a@b. a@.b a@b..c a@b_c a@[::1]
            a@[127.0.0.256] a@[b] a@[] a@[IPv6:127.0.0.1] a@[IPv6:::1 "@x "a"b@x "a"."b"@x
            "\\"@x "\x7f"@x é@x a@é a\u0080@x <a@b>
        """,
            "",
            "a b@c",
            "a@b c",
            '"\\ "@x',
            f"{'a' * 65}@x",
            "a@b\n",
            "a\n@b",
        ),
    ),
    "idn-email": (
        words(
            """
            é@x a@é.example 실례@실례.테스트 \U0001f600@x "é"@x "\\é"@x a@b\u3002c a@\u0915\u094d
            \u0080@x a@XN--9N2BP8Q
        """,
            f"{'é' * 64}@x",
        ),
        words("é é@ @é é..é@x é@-x a@\u0301 a@é@b", "", "é é@x", f"{'é' * 65}@x"),
    ),
    "hostname": (
        words(
            "a 1 a.b A-1.B a--b abc--d 1.2.3.4 xn--9n2bp8q xn--9N2BP8Q a.xn--4dbc5h",
            "a" * 63,
            ".".join(["a" * 63] * 3),
            ".".join("a" * 127),
        ),
        words(
            """
            . a. .a a..b -a a- a.- a_b é a\uff0eb \u212a a\x00 ab--c xn-- xn--a xn--- xn--X
            XN--9n2bp8q xN--9n2bp8q xn--é xn--99999999
        """,
            "",
            "a b",
            "a" * 64,
            ".".join("a" * 127) + "b",
            "a\n",
        ),
    ),
    "idn-hostname": (
        words(
            """
            a É.example a\u3002b\uff0ec\uff61d 실례.테스트 \u00df \u2460 XN--4DB \u05d0.a-b a\u00adb
            \uff21 xn--4dbc5h \u0915\u094d\u200d\u0937 l\u00b7l \u05d0\u05f3\u05d1
            \u03b1\u0375\u03b2 \u30fb\u30a1
        """,
            "é" * 57,
        ),
        words(
            """
            . \u3002 é. \u00ad a.\u00ad a_b éa--b ab--é -é é- \u0301a xn--é xn---9uc 0a.\u05d0
            \u05d0.0a a\u05d0 0\u05d0 \u05d00\u0660 \u0628\u0660\u06f0 l\u00b7 \u30fb a\u200db
            a\u200cb \U0001f600 \u3031 a\u2488 =\u0338 é\x00 \ue000 \ufffe
        """,
            "",
            "é" * 58,
            "é\n",
        ),
    ),
    "ipv4": (
        words("0.0.0.0 255.255.255.255 1.2.3.4"),
        words(
            """
            1.2.3 1.2.3.4.5 1.2.3.256 01.2.3.4 1.2.3.00 1.2.3. 0x1.2.3.4 1.2.3.\u0664
            1\uff0e2\uff0e3\uff0e4 1.2.3.4/8 16909060
        """,
            "",
            "1.2.3.4\n",
            " 1.2.3.4",
        ),
    ),
    "ipv6": (
        words("""
            :: ::1 1:: 1:2:3:4:5:6:7:8 1:2:3:4:5:6:7:: ::2:3:4:5:6:7:8 ABCD::abcd ::1.2.3.4
            1:2:3:4:5:6:1.2.3.4 1:2:3:4:5::1.2.3.4 1::3:4:5:6:1.2.3.4
        """),
        words(
            """
            : ::: 1: :1 ::1:: 1::2::3 12345:: g:: 1:2:3:4:5:6:7 1:2:3:4:5:6:7:8:9
            1:2:3:4:5:6:7:8:: ::1:2:3:4:5:6:7:8 1.2.3.4 1.2.3.4:: ::1.2.3.4:1 ::01.2.3.4 ::1.2.3
            1:2:3:4:5:6::1.2.3.4 ::1%eth0 [::1] ::\u0661 1:2:3:4:5:6:7:1.2.3.4 ::1/64
        """,
            "",
            "::1\n",
        ),
    ),
    "uri": (
        words("""
            a: A1+-.:x a:b:c a:/ a:// a:/// a://// a://@ a://u:p@h:1/?# a:b?c?d#e?f
            http://[::1]:80/ http://[v1.a:b] http://[VF.~] http://a: http://[::ffff:1.2.3.4]
            http://999.999.999.999 urn:a:%00 a:%ff a:@:!$&'()*+,;=
        """),
        words(
            """
            : a //a 1a: a_b: é: a:é a:% a:%4 a:%4g a:[ a:?[ a:#[ a:## a://u@p@h a://h:8a
            a://[::1]a a://[::1 a://[1.2.3.4] a://[v1.] a://[v.a] a://[::1%25eth0] http:/[::1]
            a:\x7f a:" a:< a:\\ a:^ a:` a:{ a:| a://[1:2:3:4:5:6:7] a:\x00
        """,
            "",
            "a: ",
            "a:\n",
        ),
    ),
    "uri-reference": (
        words("/ // /// ? # . ./: /a:b a/b:c a%3Ab ?: #: a:b //h:1/ //[::1] %41", ""),
        words(": 1:b %41:b !: //a:b é ## % [ //[ \\", "a b", "a\n"),
    ),
    "iri": (
        words(
            """
            http://é.example/é?é#é a:?\ue000 a:?\U00100000 a:\U0001fffd a:b http://ü@é:1
            a:\u202e a:\U000e1000 a:\ud7ff\uf900
        """,
            "a:\u00a0",
        ),
        words(
            """
            é é:a a:\ue000 a:#\ue000 http://\ue000 a:\u0080 a:\u009f a:\ufdd0 a:\ufff0 a:\ufffe
            a:\U0001fffe a:\U000e0fff a:?\U0010fffe http://[v1.é] http://a:é http://a:\uff11
            é://a
        """,
            "",
            "a: ",
            "a:é\n",
        ),
    ),
    "iri-reference": (
        words("é é/a:b //é ?\ue000 #é a:é \uff0e", ""),
        words("é:a \ue000 #\ue000 é% :é é\x00", "é é", "\u0085"),
    ),
    "uri-template": (
        words(
            """
            a {a} {+a}{#a}{.a}{/a}{;a}{?a}{&a} {=a}{,a}{!a}{@a}{|a} {a,b:1,c*} {a:9999} {a.b}
            {%41.%42} {_1} [a] ' é %41 {a}b{c} ~ \ue000
        """,
            "",
        ),
        words(
            """
            { } {} {+} {a {a}} {{a}} {a,} {,} {a:0} {a:} {a:10000} {a**} {a:1*} {a*:1} {a..b}
            {.a.} {..a} {é} {%4} {-a} {$a} {a:\uff11} % %4 %4g " < > \\ ^ ` | \x00 \x7f
        """,
            "{a b}",
            " ",
        ),
    ),
    "uuid": (
        words(
            "00000000-0000-0000-0000-000000000000 ffffffff-ffff-ffff-ffff-ffffffffffff",
            UUID,
            UUID.upper(),
        ),
        words(
            "",
            "",
            UUID[:-1],
            UUID + "0",
            UUID.replace("-", ""),
            f"{{{UUID}}}",
            f"urn:uuid:{UUID}",
            UUID.replace("-", "_"),
            UUID[:-1] + "g",
            UUID[:-1] + "\uff11",
            UUID + "\n",
            UUID.replace("-", "\u2013"),
        ),
    ),
    "json-pointer": (
        words("/ // /a/b /~0~1 /é /\U0001f600 /%", "", "/\x00\n", "/ ", "/a\n"),
        words("a # #/a a/ ~0 /~ /~2 /~~0 /~0~ /~\u0660", "\n", " /"),
    ),
    "relative-json-pointer": (
        words("0 1 10 0# 10# 0/ 1/a/~0~1 123456789012345678901/a", "0/\n"),
        words("# / -1 +1 00 01 01# 0## 0#/a 0a 0/~ \u0661 \uff11/a 0+1 1-1/a", "", "0\n"),
    ),
}
TOKENS: dict[str, str] = {
    "date": "0 1 2 9 - 02 28 29 30 31 2024 1900 -02-29",
    "time": "0 1 2 5 9 : . T Z z + - 23 59 60 23:59:60 +01:00",
    "duration": "P T 1 23 Y M W D H S 1M 1D T1M",
    "name": "a b - -- . xn-- xn--9n2bp8q XN-- é 실 \u05d0 \uff41 0 \u00df \u3002 x" + " y" * 60,
    "ip": "0 1 25 255 256 . : :: a F g 1.2.3.4 1:2:3: %",
    "uri": "a 1 : / // ? # [ ] [::1] [v1. @ ! % %4 %41 . + é ü@ :80 ::1 \ue000",
    "uri-template": "{ } { } , : * . 1 9 %41 % a _ + # ; ? & = | é",
    "json-pointer": "/ ~ 0 1 ~0 ~1 # a 01",
}
HOSTILE = list(
    "\x00\n\r\t \x1f\x7f\u0080\u00a0\u00ad\u00b2\u00b7\u00df\u00e9\u0130\u017f\u0301\u0338\u0375"
    "\u03b1\u05d0\u05d1\u05f3\u064b\u0660\u0664\u06f0\u11a8\u200b\u200c\u200d\u202e\u2028\u2066"
    "\u212a\u2160\u2460\u3002\u3007\u30a1\u30fb\ue000\ufeff\uff0e\uff0f\uff10\uff19\uff1a\uff20"
    "\uff61\ufffe\U0001f600\U0010ffff"
    "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~0123456789azAZ"
)


def host_of(format_: str, text: str) -> str:
    return text.rpartition("@")[2] if "email" in format_ else text


def quote(text: str) -> str:
    """Return a mapped host name, with its A-labels decoded where possible."""
    mapped = "".join(
        letter
        for letter in unicodedata.normalize("NFKC", text).lower()
        if unicodedata.category(letter) != "Cf" or letter in "\u200c\u200d"
    )
    labels: list[str] = []
    for label in re.split("[.\u3002]", mapped):
        try:
            labels.append(
                label[4:].encode().decode("punycode") if label.startswith("xn--") else label
            )
        except ValueError:
            labels.append(label)
    return unicodedata.normalize("NFKC", ".".join(labels))


def characters(*ranges: tuple[int, int]) -> str:
    return "".join(chr(code) for first, last in ranges for code in range(first, last + 1))


JAMO = characters((0x1100, 0x11FF), (0xA960, 0xA97C), (0xD7B0, 0xD7FB))
IGNORABLE = characters((0x20D0, 0x20F0), (0x1D165, 0x1D1AD), (0x1D242, 0x1D244))
MAPPED_SINCE_16 = "\u04c0\u2132\u2183\u180e\u3164\uffa0" + characters(
    (0x10A0, 0x10C5), (0x115F, 0x1160), (0x17B4, 0x17B5), (0x2061, 0x206F), (0x1D173, 0x1D17A)
)
PLACED = re.compile(
    r"(?:[0-9]{4}-[0-9]{2}-[0-9]{2})?[Tt]?"
    r"(?:[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?(?:[Zz]|[+-][0-9]{2}:[0-9]{2}))?"
)


@dataclass(frozen=True)
class Difference:
    """A difference between `OURS` and `ORACLE`: our verdict, or None if it depends on versions."""

    name: str
    reason: str
    formats: set[str]
    applies: Callable[[str, str], bool]
    ours: bool | None
    example: tuple[str, str]


DIFFERENCES = [
    Difference(
        "one of *+,-./ for a digit",
        "the oracle's subtraction borrows; RFC 3339 and the suite want digits",
        {"date", "time", "date-time"},
        lambda format_, text: not PLACED.fullmatch(text),
        False,
        ("date", "202--01-01"),
    ),
    Difference(
        "a display name before an address in angle brackets",
        "RFC 5321 has it in no Mailbox, and the suite refuses the header From",
        {"email", "idn-email"},
        lambda format_, text: text.rstrip().endswith(">"),
        False,
        ("email", "Joe Bloggs <joe.bloggs@example.com>"),
    ),
    Difference(
        "a quoted local part that looks like the end of a display name",
        "the oracle looks for one first; RFC 5321 permits every visible character in quotes",
        {"email", "idn-email"},
        lambda format_, text: " <" in text and ORACLE[format_](text.replace(" <", " ,")),
        True,
        ("email", '"a <b"@x'),
    ),
    Difference(
        "more than 1012 characters to map",
        "the limit is ours, against hostile texts; no name of 253 octets needs them",
        NAMES,
        lambda format_, text: len(host_of(format_, text)) > 1012,
        False,
        ("idn-hostname", "a" + "\u00ad" * 1012),
    ),
    Difference(
        "a character newer than a table of Unicode",
        "Python, idna and the oracle each know their own version of Unicode",
        NAMES,
        lambda format_, text: any(
            unicodedata.category(letter) == "Cn" for letter in quote(host_of(format_, text))
        ),
        None,
        ("idn-hostname", "\U0003fffd"),
    ),
    Difference(
        "a mapping that changed in UTS #46, version 16",
        "idna follows the newer table, where the installed version does",
        NAMES,
        lambda format_, text: any(letter in text for letter in MAPPED_SINCE_16),
        None,
        ("idn-hostname", "\u10a0"),
    ),
    Difference(
        "old Hangul jamo",
        "RFC 5892, section 2.9, disallows them",
        NAMES,
        lambda format_, text: any(letter in JAMO for letter in quote(host_of(format_, text))),
        False,
        ("idn-hostname", "\u1100"),
    ),
    Difference(
        "combining marks for symbols and of music",
        "RFC 5892, section 2.4, disallows their blocks",
        NAMES,
        lambda format_, text: any(letter in IGNORABLE for letter in quote(host_of(format_, text))),
        False,
        ("idn-hostname", "a\u20d0"),
    ),
    Difference(
        "U+30A0",
        "RFC 5892 derives DISALLOWED for it: punctuation",
        NAMES,
        lambda format_, text: "\u30a0" in quote(host_of(format_, text)),
        False,
        ("idn-hostname", "\u30a0"),
    ),
    Difference(
        "a script that is more or less than a block",
        "RFC 5892, appendix A, asks for the scripts next to U+0375 and U+30FB, not for blocks",
        NAMES,
        lambda format_, text: bool(
            re.search(
                "\u0375[\u03e2-\u03ef\u1d26-\u1fff\uab65]"
                "|\u30fb.*[\u3005\u3007\u30fc\u3099-\u309a\u31f0-\u4dbf\U00016fe0-\U0003ffff]"
                "|[\u3005\u3007\u30fc\u3099-\u309a\u31f0-\u4dbf\U00016fe0-\U0003ffff].*\u30fb",
                quote(host_of(format_, text)),
            )
        ),
        None,
        ("idn-hostname", "\u30fb\u3007"),
    ),
    Difference(
        "an A-label of what RFC 5892 or RFC 5893 forbids",
        "in a hostname the oracle looks at decoded labels less closely than in an idn-hostname; "
        "the suite says of xn--0ca24w and xn--7a as idn-hostname that they are invalid",
        {"hostname", "email"},
        lambda format_, text: "xn--" in text and not ORACLE["idn-hostname"](host_of(format_, text)),
        False,
        ("hostname", "xn--0ca24w"),
    ),
    Difference(
        "labels of an address that no ASCII stop separates",
        "the oracle counts 63 characters from one ASCII stop to the next, though it takes the "
        "others for stops, as the suite does in idn-hostname",
        {"idn-email"},
        lambda format_, text: (
            max(map(len, host_of(format_, text).split("."))) > 63
            and ORACLE["idn-hostname"](host_of(format_, text))
        ),
        True,
        ("idn-email", f"a@{'a' * 40}\u3002{'a' * 40}"),
    ),
]


def expected(format_: str, text: str) -> bool | None:
    """Return the expected verdict, or None where both are right."""
    declared = [
        difference.ours
        for difference in DIFFERENCES
        if format_ in difference.formats and difference.applies(format_, text)
    ]
    if None in declared:
        return None
    return (ORACLE[format_](text) or True in declared) and False not in declared


def check(format_: str, text: str) -> None:
    wanted = expected(format_, text)
    assert wanted is None or OURS[format_](text) is wanted, (format_, text, wanted)


def test_formats_agree_with_the_official_suite(corpora: Path) -> None:
    seen: set[str] = set()
    for line in (corpora / "json-schema-test-suite/scalar.jsonl").read_text().splitlines():
        group = json.loads(line)
        format_ = group["jsonSchema"]["properties"]["value"].get("format")
        if format_ not in OURS or not group["format_asserted"]:
            continue
        for case in group["tests"]:
            text = case["payload"].get("value")
            if isinstance(text, str):
                seen.add(format_)
                assert OURS[format_](text) is case["valid"], (format_, case["description"])
                assert ORACLE[format_](text) is case["valid"], (format_, case["description"])
    assert len(seen) >= 7


def test_formats_agree_with_the_oracle_on_public_payloads(corpora: Path) -> None:
    envelopes = [json.loads(path.read_text()) for path in (corpora / "events/schemas").iterdir()]
    properties: dict[str, dict[str, dict[str, Any]]] = {
        envelope["id"]: envelope["jsonSchema"]["properties"] for envelope in envelopes
    }
    texts: set[tuple[str, str]] = set()
    for line in (corpora / "events/payloads.jsonl").read_text().splitlines():
        body = json.loads(line)
        for name, value in body["payload"].items():
            format_ = properties[body["id"]].get(name, {}).get("format")
            if format_ in OURS and isinstance(value, str):
                texts.add((format_, value))
    assert len(texts) > 90
    for format_, text in texts:
        assert OURS[format_](text) is ORACLE[format_](text), (format_, text)


@pytest.mark.parametrize("format_", FORMATS)
def test_the_examples_of_each_format_are_accepted_or_refused(format_: str) -> None:
    has, lacks = TABLE[format_]
    for texts, wanted in ((has, True), (lacks, False)):
        for text in texts:
            assert OURS[format_](text) is wanted, text
            assert expected(format_, text) in {wanted, None}, text


@pytest.mark.parametrize("difference", DIFFERENCES, ids=lambda difference: difference.name)
def test_every_declared_difference_from_the_oracle_exists(difference: Difference) -> None:
    format_, text = difference.example
    assert difference.reason
    assert format_ in difference.formats
    assert difference.applies(format_, text)
    if difference.ours is not None:
        assert OURS[format_](text) is difference.ours
        assert ORACLE[format_](text) is not difference.ours


@pytest.mark.parametrize("format_", FORMATS)
def test_formats_agree_with_the_oracle_on_every_edit_of_an_example(format_: str) -> None:
    for text in (text for texts in TABLE[format_] for text in texts if len(text) < 40):
        for near in single_edits(text):
            check(format_, near)


def single_edits(text: str) -> Iterator[str]:
    """Yield the text after one edit at any position."""
    for place in range(len(text) + 1):
        head, tail = text[:place], text[place:]
        yield from (head, tail, head + tail[1:], head + tail[:1] + tail)
        for character in "\x00\n 0-.:/%@\u0664\u3002é":
            yield head + character + tail
            yield head + character + tail[1:]


VALID: dict[str, st.SearchStrategy[str]] = {
    "date": st.dates().map(str),
    "time": st.times().map(lambda time: f"{time.isoformat()}Z"),
    "date-time": st.datetimes(timezones=st.timezones()).map(lambda moment: moment.isoformat()),
    "email": st.emails(),
    "idn-email": st.emails(),
    "hostname": web.domains(),
    "idn-hostname": web.domains(),
    "ipv4": st.ip_addresses(v=4).map(str),
    "ipv6": st.ip_addresses(v=6).map(str),
    "uri": web.urls(),
    "uri-reference": web.urls(),
    "iri": web.urls(),
    "iri-reference": web.urls(),
    "uuid": st.uuids().map(str),
}
KINDS = {
    "date-time": "date time",
    "email": "name ip",
    "hostname": "name",
    "ipv4": "ip",
    "ipv6": "ip",
    "iri": "uri ip",
    "relative-json-pointer": "json-pointer",
    "uri": "uri ip",
}


def pieces_of(format_: str) -> list[str]:
    kinds = KINDS.get(format_.removeprefix("idn-").removesuffix("-reference"), format_)
    pieces = [piece for kind in kinds.split() if kind in TOKENS for piece in TOKENS[kind].split()]
    return [*pieces, *list('@[]"\\<>')] if "email" in format_ else pieces


def edit(text: str, edits: list[tuple[int, int, str]]) -> str:
    """Apply edits. Each deletes, inserts, replaces, doubles or swaps at a position."""
    for kind, number, character in edits:
        place = number % (len(text) + 1)
        head, tail = text[:place], text[place:]
        text = [
            head + tail[1:],
            head + character + tail,
            head + character + tail[1:],
            head + tail[:1] + tail,
            head + tail[1:2] + tail[:1] + tail[2:],
        ][kind]
    return text


def near(format_: str) -> st.SearchStrategy[str]:
    pieces = pieces_of(format_) or HOSTILE
    joined = st.lists(st.sampled_from(pieces), max_size=14).map("".join)
    seeds = st.sampled_from([*TABLE[format_][0], *TABLE[format_][1]])
    edits = st.tuples(st.integers(0, 4), st.integers(0, 80), st.sampled_from([*HOSTILE, *pieces]))
    start = st.one_of(seeds, joined, VALID.get(format_, seeds))
    return st.builds(edit, start, st.lists(edits, max_size=4))


@pytest.mark.parametrize("format_", FORMATS)
def test_formats_agree_with_the_oracle_on_random_edits(format_: str) -> None:
    @given(near(format_) | st.text(max_size=8))
    @settings(deadline=None, max_examples=250)
    def search(text: str) -> None:
        check(format_, text)

    search()


@pytest.mark.parametrize("format_", FORMATS)
def test_a_text_with_a_lone_surrogate_has_no_format(format_: str) -> None:
    """The oracle cannot check such a text, because it is not UTF-8."""
    for text in [*TABLE[format_][0], "", "/", "{a}", "é@x"]:
        for surrogate in ("\ud800", "\udfff", "\ud83d\ude00"):
            assert OURS[format_](text + surrogate) is False
            assert OURS[format_](surrogate + text) is False


MILLION = 1_000_000
HUGE = {
    "one letter": "a" * MILLION,
    "one digit": "1" * MILLION,
    "labels": "a." * (MILLION // 2),
    "labels that are A-labels": "xn--a." * (MILLION // 6),
    "a label": "xn--" + "a" * MILLION,
    "what a mapping drops": "\u00ad" * MILLION,
    "letters beyond ASCII": "é" * MILLION,
    "marks": "a" + "\u0301" * MILLION,
    "a local part": "a." * (MILLION // 2) + "a@x",
    "an open quotation": '"' + "\\a" * (MILLION // 2) + "@x",
    "at signs": "a@" * (MILLION // 2),
    "a name in an address": "a@" + "a-" * (MILLION // 2),
    "an address in an address": "a@[IPv6:" + "1:" * (MILLION // 2) + "]",
    "colons": ":" * MILLION,
    "numbers with colons": "1:" * (MILLION // 2),
    "numbers with stops": "1." * (MILLION // 2),
    "slashes": "/" * MILLION,
    "user information without an end": "a://" + "a:" * (MILLION // 2) + "\x00",
    "at signs in an authority": "a://" + "a@" * (MILLION // 2),
    "an address in brackets": "a://[" + "1:" * (MILLION // 2) + "]",
    "a future address": "a://[v1." + "a" * MILLION,
    "a path": "a:/" + "é/" * (MILLION // 2) + "\x00",
    "percents": "%41" * (MILLION // 3) + "%",
    "expressions": "{a}" * (MILLION // 3) + "{",
    "variables": "{" + "a," * (MILLION // 2) + "}",
    "parts of a variable": "{" + "a." * (MILLION // 2),
    "braces": "{" * MILLION,
    "escapes": "/~0" * (MILLION // 3) + "~",
    "a year": "P" + "1" * MILLION,
    "years": "P" + "1Y" * (MILLION // 2),
    "a fraction": "2024-01-01T00:00:00." + "1" * MILLION,
    "a fraction of a time": "00:00:00." + "1" * MILLION,
    "hyphens": "-" * MILLION,
}


@pytest.mark.parametrize("name", HUGE)
def test_a_hostile_megabyte_is_checked_in_linear_time(name: str) -> None:
    for format_ in FORMATS:
        assert isinstance(OURS[format_](HUGE[name]), bool)


def test_only_international_names_are_refused_without_idna(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "idna", None)
    assert formats.is_hostname("a.example")
    assert formats.is_idn_hostname("a.example")
    assert formats.is_idn_email("é@a.example")
    assert not formats.is_hostname("xn--9n2bp8q")
    assert not formats.is_idn_hostname("실례")
    assert not formats.is_idn_email("é@실례")


@pytest.mark.parametrize("letters", ["אב", "ابج"])
def test_a_name_with_a_label_from_right_to_left_follows_the_bidi_rule_in_all_labels(
    letters: str,
) -> None:
    assert formats.is_idn_hostname(f"a0.{letters}")
    assert formats.is_idn_hostname("0a.example")
    assert not formats.is_idn_hostname(f"0a.{letters}")


@pytest.mark.parametrize(("length", "is_valid"), [(1011, True), (1012, True), (1013, False)])
def test_a_name_has_at_most_four_letters_for_each_one_that_remains(
    length: int, is_valid: bool
) -> None:
    soft_hyphens = "\u00ad" * (length - 1)
    assert formats.is_idn_hostname(f"é{soft_hyphens}") == is_valid


@pytest.mark.parametrize(
    ("name", "is_valid"),
    [
        ("example.ab--cd.com", False),
        ("ab--cd.com", False),
        ("a.abc--d.com", True),
        ("a.xn--tda.com", True),
        ("a.xn--tda.ab--cd", False),
    ],
)
def test_hyphens_are_reserved_in_every_label(name: str, is_valid: bool) -> None:
    assert formats.is_hostname(name) == is_valid


@pytest.mark.parametrize("plane", range(0x1, 0xE))
def test_an_iri_can_have_all_characters_of_a_plane_but_the_last_two(plane: int) -> None:
    start = plane * 0x10000
    for offset in (0, 1, 0xFFFC, 0xFFFD):
        assert formats.is_iri(f"a:{chr(start + offset)}")
    for offset in (-1, -2, 0xFFFE, 0xFFFF):
        assert not formats.is_iri(f"a:{chr(start + offset)}")
