"""Untrusted JSON is parsed strictly, and every accepted value has one canonical text."""

import json
import random
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engage_codegen.errors import InputError, SchemaError
from engage_codegen.schema.envelope import Schema, from_envelope, parse_envelope
from engage_codegen.schema.jsontext import Json, JsonError, canonical_json, digest, loads
from engage_codegen.schema.text import UNSAFE_IN_TEXT, quote

BIDI_CONTROLS = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
NASTY = "\x00\x07\x1b\x7f\x85\xa0\xad\u2028\u2029\ufeff\uffff\ud800\udfff\U0001f600\r\n\t\"\\'/åß漢"
CHARACTERS = st.one_of(st.characters(exclude_categories=[]), st.sampled_from(NASTY + BIDI_CONTROLS))


def join_surrogates(text: str) -> str:
    """Return the text with each pair of surrogates as one character, as JSON reads it."""
    result: str = json.loads(json.dumps(text))
    return result


TEXTS = st.text(CHARACTERS, max_size=12).map(join_surrogates)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS
)


def nested(values: st.SearchStrategy[Json]) -> st.SearchStrategy[Json]:
    lists: st.SearchStrategy[Json] = st.lists(values, max_size=4)
    objects: st.SearchStrategy[Json] = st.dictionaries(TEXTS, values, max_size=4)
    return lists | objects


VALUES: st.SearchStrategy[Json] = st.recursive(SCALARS, nested, max_leaves=20)


def exact_text(value: Json) -> str:
    """Return a text that tells 1 from 1.0 and from true, and -0.0 from 0.0."""
    return json.dumps(value, sort_keys=True)


def shuffle(value: Json, dice: random.Random) -> Json:
    if isinstance(value, dict):
        items = list(value.items())
        dice.shuffle(items)
        return {key: shuffle(item, dice) for key, item in items}
    if isinstance(value, list):
        return [shuffle(item, dice) for item in value]
    return value


@settings(deadline=None)
@given(VALUES)
def test_every_json_value_survives_its_canonical_text(value: Json) -> None:
    text = canonical_json(value)
    assert loads(text) == json.loads(text) == value
    assert exact_text(loads(text)) == exact_text(value)


@settings(deadline=None)
@given(VALUES)
def test_canonical_text_is_printable_utf8_with_unix_line_ends(value: Json) -> None:
    text = canonical_json(value)
    assert text.encode("utf-8").decode("utf-8") == text
    assert text.endswith("\n")
    assert not text.endswith("\n\n")
    assert not UNSAFE_IN_TEXT.search(text.replace("\n", ""))


@settings(deadline=None)
@given(VALUES)
def test_the_canonical_text_of_a_canonical_text_is_itself(value: Json) -> None:
    assert canonical_json(loads(canonical_json(value))) == canonical_json(value)


@settings(deadline=None)
@given(VALUES, st.randoms(use_true_random=False), st.sampled_from([None, 0, 1, 7, "\t", "\r\n"]))
def test_key_order_and_layout_do_not_change_the_canonical_text(
    value: Json, dice: random.Random, indent: int | str | None
) -> None:
    text = json.dumps(shuffle(value, dice), indent=indent, ensure_ascii=dice.random() < 0.5)
    assert canonical_json(loads(text)) == canonical_json(value)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"b": 1, "a": [True, None]}, '{\n  "a": [\n    true,\n    null\n  ],\n  "b": 1\n}\n'),
        ("å漢\U0001f600", '"å漢\U0001f600"\n'),
        ("\u202e\x7f\ud800\U000e0001\x00\n", '"\\u202e\\u007f\\ud800\\udb40\\udc01\\u0000\\n"\n'),
        ({}, "{}\n"),
    ],
)  # fmt: skip
def test_canonical_text_is_indented_and_escapes_unsafe_characters(value: Json, text: str) -> None:
    assert canonical_json(value) == text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"a": 1, "a": 1}', "duplicate key 'a' in one object"),
        ('[{"x": {"\\u0061": 1, "a": 2}}]', "duplicate key 'a' in one object"),
        ('{"\u202e": 1, "\u202e": 2}', "duplicate key '\\u202e' in one object"),
        ("NaN", "NaN is not valid in JSON"),
        ("[Infinity]", "Infinity is not valid in JSON"),
        ('{"a": -Infinity}', "-Infinity is not valid in JSON"),
        ("1e999", "the number '1e999' is too large"),
        ("[-1e999]", "the number '-1e999' is too large"),
        ("1" * 400 + ".0", f"the number '{'1' * 29}…' is too large"),
        ("[" * 100_000, "nested too deeply"),
        ('{"a":' * 100_000, "nested too deeply"),
        ("", "Expecting value (line 1, column 1)"),
        ('{"a": 1,\n "b" 2}', "Expecting ':' delimiter (line 2, column 6)"),
        ("[1] [2]", "Extra data (line 1, column 5)"),
        ('"\x00"', "Invalid control character at (line 1, column 2)"),
        ("{'a': 1}", "line 1, column 2"),
        ("01", "line 1, column 2"),
        ('"\\x41"', "line 1, column 2"),
    ],
    ids=lambda value: str(value)[:20].encode("unicode_escape").decode(),
)
def test_invalid_json_is_refused_with_a_message(text: str, message: str) -> None:
    with pytest.raises(JsonError) as caught:
        loads(text)
    assert type(caught.value) is JsonError
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("text", "line", "column"), [("", 1, 1), ('{"a": 1,\n "b" 2}', 2, 6), ("NaN", 0, 0)]
)
def test_an_error_in_json_has_its_line_and_column_as_attributes(
    text: str, line: int, column: int
) -> None:
    with pytest.raises(JsonError) as caught:
        loads(text)
    assert (caught.value.line, caught.value.column) == (line, column)
    assert str(caught.value).endswith(f"(line {line}, column {column})") == bool(line)


@pytest.mark.parametrize("text", ["1" * 5000, "[-" + "7" * 5000 + "]"], ids=["bare", "in a list"])
def test_an_integer_of_5000_digits_is_refused(text: str) -> None:
    with pytest.raises(JsonError, match="5000 digits"):
        loads(text)


def test_the_error_of_a_long_integer_does_not_mention_python() -> None:
    with pytest.raises(JsonError, match="digits") as caught:
        loads("1" * 5000)
    assert "sys." not in str(caught.value)


@pytest.mark.parametrize(("start", "end"), [("[", "]"), ('{"a":', "}")])
def test_every_accepted_depth_can_be_written(start: str, end: str) -> None:
    accepted, refused = 1, 200_000
    while refused - accepted > 1:
        depth = (accepted + refused) // 2
        try:
            loads(start * depth + "1" + end * depth)
            accepted = depth
        except JsonError:
            refused = depth
    value = loads(start * accepted + "1" + end * accepted)
    assert loads(canonical_json(value)) == value


@settings(deadline=None)
@given(st.text(CHARACTERS, max_size=200), st.integers(1, 120))
def test_quoted_text_is_short_and_has_no_terminal_controls(text: str, limit: int) -> None:
    result = quote(text, limit)
    assert result[0] == result[-1] == "'"
    assert not any(map(is_control, result))
    assert len(result) <= 10 * limit + 2
    result.encode("utf-8")


def is_control(character: str) -> bool:
    category = unicodedata.category(character)
    return category in ("Cc", "Cs", "Zl", "Zp") or character in BIDI_CONTROLS


def test_every_control_character_of_unicode_is_escaped() -> None:
    for code in range(0x110000):
        character = chr(code)
        if is_control(character):
            assert not any(map(is_control, quote(character))), hex(code)
            assert not any(map(is_control, canonical_json(character)[:-1])), hex(code)


@pytest.mark.parametrize(
    ("text", "limit", "result"),
    [
        ("plain", 80, "'plain'"),
        ("two\nlines", 80, "'two\\nlines'"),
        ("a\x1b[2Jb\u202ec\U000e0001", 80, "'a\\u001b[2Jb\\u202ec\\U000e0001'"),
        ("x" * 80, 80, f"'{'x' * 80}'"),
        ("x" * 81, 80, f"'{'x' * 79}…'"),
        ("åß漢\U0001f600", 80, "'åß漢\U0001f600'"),
    ],
)
def test_quoted_text_is_escaped_and_cut(text: str, limit: int, result: str) -> None:
    assert quote(text, limit) == result


@settings(deadline=None)
@given(st.text(CHARACTERS, max_size=30))
def test_a_digest_depends_on_the_text_but_not_on_its_line_ends(text: str) -> None:
    clean = text.encode("utf-8", "replace").decode("utf-8")
    assert digest(clean) == digest(clean.encode("utf-8"))
    assert digest(clean.replace("\r", "")) == digest(
        clean.replace("\r", "").replace("\n", "\r\n").encode("utf-8")
    )
    assert digest(clean + "x") != digest(clean)


def test_order_and_extra_keys_of_an_envelope_do_not_change_its_text() -> None:
    first = '{"id": "Visit", "displayName": " A visit ", "jsonSchema": {"b": 1, "a": 2}}'
    second = '{"jsonSchema": {"a": 2, "b": 1},\r\n "x": 1, "displayName": "A visit", "id": "Visit"}'
    schema, other = parse_envelope(first, "here"), parse_envelope(second, "there")
    assert schema == other == Schema("Visit", "A visit", {"a": 2, "b": 1}, "")
    assert schema.canonical == other.canonical
    assert parse_envelope(schema.canonical, "snapshot") == schema


@pytest.mark.parametrize(
    ("envelope", "message"),
    [
        ([], "must be a JSON object"),
        ("text", "must be a JSON object"),
        (None, "must be a JSON object"),
        ({}, "has no `id`"),
        ({"id": 5, "jsonSchema": {}}, "has no `id`"),
        ({"id": "Visit"}, "`jsonSchema` of Visit must be an object"),
        ({"id": "Visit", "jsonSchema": []}, "`jsonSchema` of Visit must be an object"),
        (
            {"id": "Visit", "jsonSchema": {}, "displayName": 1},
            "`displayName` of Visit must be a string",
        ),
    ],
)
def test_a_malformed_envelope_is_refused(envelope: Json, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        from_envelope(envelope, "the place")
    assert caught.value.where == "the place"


@pytest.mark.parametrize(
    "schema_id",
    [
        "",
        "..",
        "a/b",
        "a\\b",
        "a.b",
        "a b",
        "é",
        "a\n",
        "a\x00",
        "-" * 201,
        "C:",
        "\u202ea",
        "\ud800",
    ],
)
def test_an_invalid_id_is_refused_and_escaped_in_the_message(schema_id: str) -> None:
    with pytest.raises(SchemaError, match="is not a valid schema id") as caught:
        from_envelope({"id": schema_id, "jsonSchema": {}}, "here")
    assert not any(map(is_control, str(caught.value).replace("\n", "")))
