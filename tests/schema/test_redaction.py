"""A secret is recognized in every spelling that an answer may give it."""

import base64
import html
import json
from collections.abc import Callable
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engage_codegen.schema.redaction import (
    MASK,
    hide_credentials,
    hide_secret,
    hide_secret_in_bytes,
)

KEY = 'aB3+/="<x>&-_.\\~ end'
"""A key with every kind of character that some encoding escapes."""

ENCODINGS: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "JSON": lambda text: json.dumps(text)[1:-1],
    "JSON of .NET": lambda text: json_with_hex(text, '+&<>"', "04X"),
    "JSON of PHP": lambda text: json.dumps(text)[1:-1].replace("/", "\\/"),
    "JSON, every character, lower case": lambda text: json_with_hex(text, text, "04x"),
    "JSON, every character, upper case": lambda text: json_with_hex(text, text, "04X"),
    "percent": quote,
    "percent, with the slash": lambda text: quote(text, safe=""),
    "percent, lower case": lambda text: "".join(f"%{ord(character):02x}" for character in text),
    "percent, old": lambda text: "".join(f"%u{ord(character):04x}" for character in text),
    "HTML names": html.escape,
    "HTML names of HTML 5": lambda text: html.escape(text).replace("+", "&plus;"),
    "HTML decimal": lambda text: "".join(f"&#{ord(character)};" for character in text),
    "HTML hexadecimal": lambda text: "".join(f"&#x{ord(character):X};" for character in text),
    "HTML with zeros": lambda text: "".join(f"&#x{ord(character):06x};" for character in text),
    "Python and C": lambda text: "".join(f"\\x{ord(character):02x}" for character in text),
    "repr of bytes": lambda text: repr(text.encode())[2:-1],
}


def json_with_hex(text: str, escaped: str, form: str) -> str:
    """Return text inside a JSON string with some characters as ``\\u002B``."""
    return "".join(
        f"\\u{ord(character):{form}}" if character in escaped else json.dumps(character)[1:-1]
        for character in text
    )


@pytest.mark.parametrize("outer", ENCODINGS)
@pytest.mark.parametrize("inner", ENCODINGS)
def test_a_secret_is_hidden_in_every_encoding_of_every_encoding(inner: str, outer: str) -> None:
    spelled = ENCODINGS[outer](ENCODINGS[inner](KEY))
    text = f"before {spelled} between {spelled}, after \\u00e5"
    expected = f"before {MASK} between {MASK}, after \\u00e5"
    assert hide_secret(text, KEY) == expected
    assert hide_secret_in_bytes(text.encode(), KEY) == expected.encode()


@given(
    secret=st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=4),
    spellings=st.lists(st.sampled_from(sorted(ENCODINGS)), min_size=1),
    before=st.text(st.sampled_from("ab \n{\"':åÅ中"), max_size=9),
)
def test_each_character_of_a_secret_may_be_spelled_in_another_way(
    secret: str, spellings: list[str], before: str
) -> None:
    spelled = "".join(
        ENCODINGS[spellings[number % len(spellings)]](character)
        for number, character in enumerate(secret)
    )
    # A backslash of the secret that is not escaped can begin an escape that nobody wrote.
    if "\\" in secret or "%" in secret or "&" in secret:
        spelled = json_with_hex(secret, secret, "04x")
    assert hide_secret(f"{before}{spelled}.", secret) == f"{before}{MASK}."


@pytest.mark.parametrize("key", ["\\u0041bc", "%41%42", "a%2", "a&amp;b", "x\\\\y\\", "&#43;", "%"])
@pytest.mark.parametrize("encoding", ["as it is", "JSON", "percent", "HTML names"])
def test_a_secret_that_looks_like_an_escape_is_hidden(key: str, encoding: str) -> None:
    assert hide_secret(f"<{ENCODINGS[encoding](key)}>", key) == f"<{MASK}>"


@pytest.mark.parametrize(
    "text",
    [
        *("", "aB3", "\\", "%", "&#;", "\\u12", "%zz", "&#99999999999;", "&nosuch;", "\ud800"),
        *("Å \\u00e5 %C3%A5 &aring;", '{"message": "a \\"quoted\\" word\\n"}', "\\ud83d\\ude00"),
    ],
)
def test_other_text_stays_as_it_is(text: str) -> None:
    assert hide_secret(text, KEY) == text


def test_any_bytes_stay_as_they_are() -> None:
    body = bytes(range(256)) * 3
    assert hide_secret_in_bytes(body, "a-secret") == body
    assert hide_secret_in_bytes(body + b"a-secret" + body, "a-secret") == body + b"***" + body


def test_an_answer_that_was_cleaned_is_still_json() -> None:
    body = '{"errorCode": "Bad", "message": "the key \\u0061\\"b\\/ was \\"wrong\\""}'
    assert json.loads(hide_secret(body, 'a"b/'))["message"] == 'the key *** was "wrong"'


def test_overlapping_occurrences_are_one() -> None:
    assert hide_secret("%41%41", "AA") == "***"
    assert hide_secret("x" * 7, "xx") == "***" * 3 + "x"


def test_without_a_secret_nothing_is_hidden() -> None:
    assert hide_secret("text", "") == "text"


@pytest.mark.parametrize("piece", ["\\", "%25", "&amp;", "\\u005c", "&#", "a", "%2541"])
def test_a_text_that_was_made_to_be_slow_is_searched_all_the_same(piece: str) -> None:
    """If the time grew with the square of the text, this would take hours."""
    assert MASK not in hide_secret(piece * 200_000, "aaaa\\%&")


def test_base64_is_not_one_of_the_spellings() -> None:
    text = base64.b64encode(KEY.encode()).decode()
    assert hide_secret(text, KEY) == text


URLS = {
    "https://acme.voyado.com": "https://acme.voyado.com",
    "https://acme.voyado.com:8443/api/v3": "https://acme.voyado.com:8443/api/v3",
    "http://[::1]:80": "http://[::1]:80",
    "acme.voyado.com": "acme.voyado.com",
    "https://user:secret@acme.com": "https://…@acme.com",
    "https://secret@acme.com": "https://…@acme.com",
    "https://user:secret%40acme.com": "https://…@acme.com",
    "https://user:secr/et@acme.com/x": "https://…@acme.com/x",
    "https://user:se@cret@acme.com": "https://…@acme.com",
    "https:user:secret@acme.com": "…@acme.com",
    "https:/user:secret@acme.com": "…@acme.com",
    "user:secret@acme.com": "…@acme.com",
    "https://user:secret": "https://user…",
    "https://acme.com:": "https://acme.com…",
    "https://acme.com?apikey=secret": "https://acme.com…",
    "https://acme.com/x#secret": "https://acme.com/x…",
    "https://acme.com/x;secret": "https://acme.com/x…",
    "https://a:secret@b.com https://c:secret@d.com": "https://…@d.com",
    "socks5://user:secret@proxy:1080": "socks5://…@proxy:1080",
    "": "",
}


@pytest.mark.parametrize("url", URLS)
def test_the_credentials_of_a_url_are_not_shown(url: str) -> None:
    assert hide_credentials(url) == URLS[url]
    assert "secret" not in hide_credentials(url)
