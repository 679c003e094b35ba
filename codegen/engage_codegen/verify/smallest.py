"""The smallest payload of all that show the same difference."""

import json
from collections.abc import Callable
from typing import TypeAlias

from ..schema.jsontext import Json, JsonObject

Key: TypeAlias = tuple[str, str]
"""The direction of a difference, and its property."""


def minimize(payload: Json, is_same: Callable[[Json], bool]) -> Json:
    """Return the payload without the properties that can be removed while `is_same` holds."""
    if not isinstance(payload, dict):
        return payload
    for name in sorted(payload):
        smaller: JsonObject = {key: value for key, value in payload.items() if key != name}
        if is_same(smaller):
            payload = smaller
    return payload


def keep_smallest(payloads: dict[Key, Json], key: Key, payload: Json) -> None:
    """Add a payload unless a smaller one has the same key."""
    if key not in payloads or _size(payload, key[1]) < _size(payloads[key], key[1]):
        payloads[key] = payload


def _size(payload: Json, name: str) -> tuple[int, int]:
    value = payload.get(name) if isinstance(payload, dict) else payload
    return len(json.dumps(value)), len(json.dumps(payload))
