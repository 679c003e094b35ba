"""The fields of query strings and forms, and the types of the views that read them."""

import re
from collections.abc import Callable, Mapping
from typing import TypeAlias
from urllib.parse import urlencode

from engage_codegen.sandbox.errors import malformed
from engage_codegen.sandbox.state import SandboxState
from engage_codegen.sandbox.store.records import Json

Query: TypeAlias = Mapping[str, str]
"""The fields of a query string or form."""

Values: TypeAlias = dict[str, object]
"""The variables of a template."""

View: TypeAlias = Callable[[SandboxState, Query], Values]

MAX_NUMBER = 2**53
_BOOLEANS = {"yes": True, "true": True, "no": False, "false": False}


def read_number(query: Query, name: str) -> int:
    """Return a field that is zero or a positive integer; 0 if it is missing."""
    return parse_integer(query.get(name, "0"), name)


def parse_integer(text: str, field: str, *, is_signed: bool = False) -> int:
    """Parse an integer of at most 15 digits. Raises `ApiError` (400 MalformedRequest)."""
    sign = "-?" if is_signed else ""
    if not re.fullmatch(f"{sign}[0-9]{{1,15}}", text):
        raise malformed("type", f"{field}: {text!r} is not an integer")
    return int(text)


def parse_decimal(text: str, field: str, *, is_signed: bool = False) -> float:
    """Parse a number. Raises `ApiError` (400 MalformedRequest)."""
    try:
        number = float(text)
    except ValueError:
        raise malformed("type", f"{field}: {text!r} is not a number") from None
    if not 0 <= abs(number) < MAX_NUMBER or (number < 0 and not is_signed):
        raise malformed("number-range", f"{field}: {text!r} is out of range")
    return number


def parse_value(declaration: Json, text: str) -> str | int | float | bool:
    """Parse the value of a property that has this declaration.

    Raises `ApiError` (400 MalformedRequest).
    """
    type_name = declaration.get("type") if isinstance(declaration, dict) else None
    if type_name == "boolean":
        if text.lower() not in _BOOLEANS:
            raise malformed("type", f"value: {text!r} is neither yes nor no")
        return _BOOLEANS[text.lower()]
    if type_name == "integer":
        return parse_integer(text, "value", is_signed=True)
    return parse_decimal(text, "value", is_signed=True) if type_name == "number" else text


def build_link(query: Query) -> str:
    """Build a query string for the same page; empty fields are left out."""
    return "?" + urlencode({name: value for name, value in query.items() if value})
