"""What arrivals are grouped by: the ids in a body, and a summary of the broken rules."""

import json
from itertools import permutations

import pytest

from engage_codegen.sandbox.store.arrival_facts import read_ids, sum_up
from engage_codegen.sandbox.store.records import DroppedProperty, Json, Violation


def drop(name: str, *rules: str, value: Json = None) -> DroppedProperty:
    return DroppedProperty(name, value, rules, "a reason")


def test_equal_causes_have_equal_summaries() -> None:
    dropped = [drop("price", "type", "minimum"), drop("color", "undeclared"), drop("at", "format")]
    violations = [
        Violation("required", "/payload/sku", "one text"),
        Violation("type", "/contactId", "another text"),
        Violation("json", "", "a third text"),
        Violation("ContactNotFound", None, "a fourth text"),
    ]
    expected = "ContactNotFound; at: format; color: undeclared; contactId: type; json; and 2 more"
    for order in permutations(dropped):
        assert sum_up(order, violations) == expected
    assert sum_up(dropped, violations[::-1]) == expected
    assert sum_up([drop("price", "minimum", "type", value=1)], ()) == "price: minimum, type"
    assert sum_up([drop("price", "type", "minimum", value=2)], ()) == "price: minimum, type"


def test_long_names_are_shortened() -> None:
    assert len(sum_up([drop("x" * 1000, "undeclared")], ())) < 100


@pytest.mark.parametrize(
    ("body", "ids"),
    [
        ({"schemaId": "repair", "contactId": "1"}, ("repair", "1")),
        ({"schemaId": 1, "contactId": None}, (None, None)),
        ({"schemaId": "", "contactId": []}, (None, None)),
        ({"schemaId": "x" * 1000}, ("x" * 200, None)),
        ([], (None, None)),
        ("text", (None, None)),
    ],
)
def test_ids_are_read_from_any_body(body: Json, ids: tuple[str | None, str | None]) -> None:
    assert read_ids(json.dumps(body).encode()) == ids


@pytest.mark.parametrize(
    "body", [b"", b"{", b"\xff\xfe{", b'{"a":' * 100_000, b'{"schemaId": ' + b"9" * 5000 + b"}"]
)
def test_a_body_that_is_no_json_has_no_ids(body: bytes) -> None:
    assert read_ids(body) == (None, None)


def test_a_lone_surrogate_in_an_id_can_be_stored() -> None:
    schema_id, _ = read_ids(b'{"schemaId": "a\\ud800"}')
    assert schema_id == "a?"
