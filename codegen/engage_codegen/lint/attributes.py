"""Rules about the attributes that the platform reads: labels, order and flags."""

import difflib
import json
import re
from collections.abc import Iterator

from ..model.jsonvalues import is_number, normalize
from ..schema.envelope import Schema
from ..schema.jsontext import Json
from ..schema.text import quote
from .rule import Violation, check, is_set, iterate_properties

FLAGS = ("showInContactCard", "addToSegmentation")
ATTRIBUTES = ("displayName", "sortOrder", *FLAGS)
MISPRINT = "showlnContactCard"
"""With a lower-case L, as one page of the vendor's documentation prints it."""

_EXPECTED = dict.fromkeys(FLAGS, "true or false") | {
    "sortOrder": "a whole number",
    "displayName": "a string",
}
_VALUE_FIX = dict.fromkeys(FLAGS, 'write "true" or "false"') | {
    "sortOrder": 'write a whole number in quotes, such as "1"',
    "displayName": "write a text in quotes",
}
_WHOLE_NUMBER = re.compile(r"-?[0-9]{1,9}")
_SPELLINGS = {name.lower(): name for name in ATTRIBUTES}
_KNOWN = frozenset([*ATTRIBUTES, MISPRINT, "type", "format", "title", "description", "examples"])


@check("EG111")
def _check_misprint(schema: Schema) -> Iterator[Violation]:
    for parts, _, value in iterate_properties(schema):
        if MISPRINT in value:
            message = f"the platform ignores {MISPRINT}, a misprint with a lower-case L"
            yield Violation((*parts, MISPRINT), message, "write showInContactCard")


@check("EG119")
def _check_spelling(schema: Schema) -> Iterator[Violation]:
    for parts, _, value in iterate_properties(schema):
        for key in sorted(value):
            if name := find_attribute(key):
                message = f"the platform does not know the attribute {quote(key)}"
                yield Violation((*parts, key), message, f"write {name}")


@check("EG112")
def _check_strings(schema: Schema) -> Iterator[Violation]:
    for parts, _, value in iterate_properties(schema):
        for key in (*FLAGS, "sortOrder"):
            text = to_attribute_text(key, value.get(key))
            if text is not None:
                shown = json.dumps(value[key])
                message = f"{key} is {shown}, but the platform's own samples use a string"
                yield Violation((*parts, key), message, f'write "{text}" in quotes')


@check("EG113")
def _check_values(schema: Schema) -> Iterator[Violation]:
    for parts, _, value in iterate_properties(schema):
        for key in ATTRIBUTES:
            attribute = value.get(key)
            if attribute is not None and not _is_attribute_value(key, attribute):
                shown = quote(attribute if isinstance(attribute, str) else json.dumps(attribute))
                message = f"{key} is {shown}, which is not {_EXPECTED[key]}"
                yield Violation((*parts, key), message, _VALUE_FIX[key])


def _is_attribute_value(name: str, value: Json) -> bool:
    if name == "displayName":
        return isinstance(value, str)
    if not isinstance(value, str):
        return to_attribute_text(name, value) is not None
    if name in FLAGS:
        return value in ("true", "false")
    return _WHOLE_NUMBER.fullmatch(value) is not None


@check("EG114")
def _check_display_names(schema: Schema) -> Iterator[Violation]:
    if schema.display_name == schema.id:
        message = "the schema has no displayName of its own, so users see its id"
        fix = "add a displayName that says what the customer did"
        yield Violation(("displayName",), message, fix)
    for parts, _, value in iterate_properties(schema):
        label = value.get("displayName", "")
        if isinstance(label, str) and not label.strip():
            message = "the property has no displayName, so users see its technical name"
            yield Violation((*parts, "displayName"), message, "add a displayName")


@check("EG122")
def _check_order(schema: Schema) -> Iterator[Violation]:
    owners: dict[Json, str] = {}
    for parts, name, value in iterate_properties(schema):
        order = str(value.get("sortOrder", ""))
        if order and is_set(value, "showInContactCard"):
            owner = owners.setdefault(order, name)
            if owner != name:
                message = f"sortOrder {order} is also that of {quote(owner)}"
                fix = "give each shown property a sortOrder of its own"
                yield Violation((*parts, "sortOrder"), message, fix)


def find_attribute(key: str) -> str | None:
    """Return the attribute of which a key is probably a misspelling, if there is one.

    The misprint of the vendor is a finding of its own.
    """
    if key in _KNOWN:
        return None
    matches = difflib.get_close_matches(key.lower(), _SPELLINGS, 1, 0.85)
    return _SPELLINGS[matches[0]] if matches else None


def to_attribute_text(name: str, value: Json) -> str | None:
    """Return a boolean or a whole number as the platform's samples write it: ``true``, ``1``.

    None if the attribute cannot have this value, or has it as text already.
    """
    if name in FLAGS:
        return str(value).lower() if isinstance(value, bool) else None
    if name != "sortOrder" or not is_number(value):
        return None
    number = normalize(value)
    return str(number) if isinstance(number, int) else None
