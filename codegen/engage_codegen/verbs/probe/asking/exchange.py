"""Requests as templates, and what a tenant answered. Pure.

A template has placeholders such as ``{contact}`` for everything that differs from tenant to tenant.
So it can be written to a file without personal data, and be sent again to another tenant.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import quote as quote_url

from ....schema.jsontext import Json, JsonObject

_PLACEHOLDER = re.compile(r"\{([a-z][a-z0-9:-]*)\}")


@dataclass(frozen=True, slots=True)
class Step:
    """A request: its name, and templates of its path below the API and of its body."""

    name: str
    method: str
    path: str
    body: JsonObject | None = None


@dataclass(frozen=True, slots=True)
class Exchange:
    """A step and its answer.

    `sent` and `received` are seconds since the start of the probe. `status` is 0 and `problem` says
    why if there was no usable answer. `value` is the JSON of the body, None for an empty body.
    """

    step: Step
    sent: float
    received: float
    status: int
    value: Json = None
    problem: str = ""

    @property
    def is_success(self) -> bool:
        return not self.problem and 200 <= self.status < 300

    @property
    def is_refusal(self) -> bool:
        """True for an answer with a status from 400 to 499."""
        return not self.problem and 400 <= self.status < 500

    @property
    def id(self) -> str:
        """The id in the answer to a successful create, or nothing."""
        value = self.value.get("id") if isinstance(self.value, dict) else None
        return value if self.is_success and isinstance(value, str) else ""


def fill_path(path: str, bindings: Mapping[str, str]) -> str:
    """Return a path with the values of its placeholders, URL-encoded."""
    return _PLACEHOLDER.sub(lambda match: quote_url(bindings[match[1]], safe=""), path)


def fill_body(body: JsonObject | None, bindings: Mapping[str, str]) -> Json:
    """Return a body with the values of its placeholders."""
    return map_texts(body, lambda text: _PLACEHOLDER.sub(lambda match: bindings[match[1]], text))


def map_texts(value: Json, change: Callable[[str], str]) -> Json:
    """Return JSON with every text in it, names of members included, changed by a function."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, list):
        return [map_texts(item, change) for item in value]
    if isinstance(value, dict):
        return {change(name): map_texts(item, change) for name, item in value.items()}
    return value
