"""The interaction that a send posts, encoded once."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from ..errors import InvalidPayloadError
from ..payload.checks import check_date_time
from ..payload.codecs import encode_date_time
from ..payload.types import Json, Payload
from ..violation import Violation
from .ids import check_id
from .steps import Request


@dataclass(frozen=True, slots=True)
class EncodedInteraction:
    """An immutable, encoded POST request. A resend uses the same bytes."""

    payload_class: type[Payload]
    contact_id: str
    schema_id: str
    created_date: datetime
    encoded_date: str
    """The createdDate as text."""
    payload: Mapping[str, Json] = field(repr=False)
    body: bytes = field(repr=False)
    file_entry: tuple[str, int] | None = None
    """The file and the entry that hold the interaction until its receipt is recorded there."""

    @property
    def lookup_key(self) -> tuple[str, str, str]:
        """Contact, schema and date. A lookup tells interactions with one key apart by payload."""
        return (self.contact_id, self.schema_id, self.encoded_date)

    def request(self) -> Request:
        """Return the POST request."""
        return Request("POST", "interactions", self.body)


def encode_interaction(
    contact_id: str, payload: Payload, created_date: datetime
) -> EncodedInteraction:
    """Encode an interaction. Raises `InvalidPayloadError` for one that cannot be sent."""
    schema_id = payload.__schema_id__
    violations: list[Violation] = []
    check_date_time(violations, "createdDate", created_date)
    check_id(violations, "contactId", contact_id)
    if violations:
        raise InvalidPayloadError(schema_id, violations)
    encoded_date = encode_date_time(created_date)
    wire = payload.to_payload()
    envelope: dict[str, Json] = {
        "contactId": contact_id,
        "schemaId": schema_id,
        "createdDate": encoded_date,
        "payload": wire,
    }
    body = b""
    try:
        body = _to_json(envelope).encode()
    except ValueError:
        message = "contains NaN, infinity or an integer with too many digits for JSON"
        violations.append(Violation("payload", "json", message))
    if violations:
        raise InvalidPayloadError(schema_id, violations)
    return EncodedInteraction(
        type(payload), contact_id, schema_id, created_date, encoded_date, wire, body
    )


_to_json = json.JSONEncoder(allow_nan=False).encode
