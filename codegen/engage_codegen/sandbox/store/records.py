"""The values that the store holds and that the API reports."""

from dataclasses import dataclass
from typing import TypeAlias

Json: TypeAlias = "dict[str, Json] | list[Json] | str | int | float | bool | None"
JsonObject: TypeAlias = dict[str, Json]


@dataclass(frozen=True, slots=True)
class Violation:
    """One rule that a request breaks.

    `rule` is a keyword of JSON Schema where one says it (`type`, `format`, `required`, `enum`),
    else a code of the sandbox (`undeclared`, `unsupported`). `pointer` is a JSON pointer into the
    request body; an empty one means the whole body, and None something outside of the body.
    `message` is for people and may change at any time.
    """

    rule: str
    pointer: str | None
    message: str


@dataclass(frozen=True, slots=True)
class DroppedProperty:
    """A property that was removed from an interaction and is kept in blob storage only.

    `rules` are the codes of all rules that the value breaks; see `Violation.rule`.
    """

    name: str
    value: Json
    rules: tuple[str, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class StoredSchema:
    """An interaction schema of the tenant."""

    id: str
    display_name: str
    json_schema: JsonObject


@dataclass(frozen=True, slots=True)
class StoredInteraction:
    """An interaction of the tenant.

    `created_date` has the format of `dates.format_date`; `seq` is the order of arrival.
    """

    seq: int
    id: str
    contact_id: str
    schema_id: str
    created_date: str
    payload: JsonObject


@dataclass(frozen=True, slots=True)
class Arrival:
    """A POST of an interaction, its body, and its outcome.

    `outcome` is "stored", "dropped" (stored without some of its properties), "ignored" or
    "refused". `body` is the body byte for byte, unless the interaction was not stored: then it is
    the beginning of a body of `body_size` bytes. `stored_payload` is None unless the interaction
    was stored, `error_code` is None unless it was refused. `schema_id` and `contact_id` are None
    if the body does not name them, and `cause` sums up the broken rules for people.
    """

    arrived: str
    outcome: str
    body: bytes
    interaction_id: str | None = None
    error_code: str | None = None
    violations: tuple[Violation, ...] = ()
    dropped: tuple[DroppedProperty, ...] = ()
    stored_payload: JsonObject | None = None
    body_size: int = 0
    schema_id: str | None = None
    contact_id: str | None = None
    cause: str = ""
    seq: int = 0


def to_pointer(*tokens: str | int) -> str:
    """Return the JSON pointer (RFC 6901) that consists of these keys and positions."""
    escaped = (str(token).replace("~", "~0").replace("/", "~1") for token in tokens)
    return "".join(f"/{token}" for token in escaped)
