"""The interaction that a send posts, encoded once."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import cast

from ..errors import InvalidPayloadError
from ..payload.checks import check_date_time
from ..payload.codecs import encode_date_time, read_date_time
from ..payload.encoding import checked_payload, payload_class_of
from ..payload.types import Json, Payload
from ..results import Receipt, ResponseInfo
from ..violation import InvalidValueError, Violation
from .ids import ContactId, check_contact_id
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
    stored_entry: tuple[str, int] | None = None
    """The file and the entry that hold the interaction until its receipt is recorded."""

    @property
    def lookup_key(self) -> tuple[str, str, str]:
        """Contact, schema and date. A lookup tells interactions with one key apart by payload."""
        return (self.contact_id, self.schema_id, self.encoded_date)

    def request(self) -> Request:
        """Return the POST request."""
        return Request("POST", "interactions", self.body)

    def receipt(self, interaction_id: str, response: ResponseInfo | None = None) -> Receipt:
        """Return the receipt of the interaction."""
        return Receipt(interaction_id, self.contact_id, self.schema_id, self.created_date, response)


def encode_interaction(
    contact_id: ContactId, payload: Payload, created_date: datetime
) -> EncodedInteraction:
    """Check an interaction again, and encode it.

    Raises:
        InvalidPayloadError: The interaction cannot be sent.
        ConfigurationError: The payload is not an instance of a payload class of this package.
    """
    schema_id = payload_class_of(payload).__schema_id__
    violations: list[Violation] = []
    date, encoded_date = _encode_created_date(violations, created_date)
    contact_text = check_contact_id(violations, contact_id)
    if violations:
        raise InvalidPayloadError(schema_id, violations)
    wire = checked_payload(payload)
    envelope: dict[str, Json] = {
        "contactId": contact_text,
        "schemaId": schema_id,
        "createdDate": encoded_date,
        "payload": wire,
    }
    return EncodedInteraction(
        payload_class=type(payload),
        contact_id=contact_text,
        schema_id=schema_id,
        created_date=date,
        encoded_date=encoded_date,
        payload=wire,
        body=_to_json(envelope).encode(),
    )


def _encode_created_date(violations: list[Violation], value: object) -> tuple[datetime, str]:
    """Return a date as it is sent, and its text. Its offset no longer changes."""
    count = len(violations)
    date = cast(datetime, check_date_time(violations, "createdDate", value))
    if len(violations) > count:
        return date, ""
    text = encode_date_time(date)
    if date.tzinfo is UTC:
        return date, text
    try:
        return read_date_time(text), text
    except InvalidValueError as error:
        violations.append(Violation("createdDate", error.code, error.message, value))
        return date, ""


_to_json = json.JSONEncoder(allow_nan=False).encode
