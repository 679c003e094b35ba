"""Puts: what is checked and encoded before an interaction is in an outbox."""

from datetime import datetime

from ..call.ids import ContactId, check_contact_id
from ..call.interaction import encode_interaction
from ..call.item import Item, Pair, as_item
from ..errors import ConfigurationError, InvalidPayloadError
from ..payload.types import Payload
from ..registry import generated_schemas, unknown_schema
from ..transport.clock import CreatedDates
from ..violation import Violation
from .store import Draft, check_key


def make_draft(
    dates: CreatedDates,
    contact_id: ContactId,
    payload: Payload,
    created_date: datetime | None,
    key: str | int | None,
) -> Draft:
    """Check and encode an interaction. `dates` are for those without a date.

    Raises `InvalidPayloadError`, and `ConfigurationError` for a key that cannot be kept.
    """
    text = check_key(key)
    interaction = encode_interaction(contact_id, payload, created_date or dates.next())
    schema = generated_schemas().get(interaction.schema_id)
    if schema is None:
        raise unknown_schema(interaction.schema_id)
    return Draft(interaction, schema.schema_hash, text)


def make_draft_of_item(dates: CreatedDates, number: int, source: Item | Pair) -> Draft:
    """Check and encode an item of many. See `make_draft`."""
    item = as_item(source)
    if item is None:
        raise ConfigurationError(
            f"Item {number} is neither an Item nor a pair of a contact id and a payload."
        )
    return make_draft(dates, item.contact_id, item.payload, item.created_date, item.key)


def checked_contact(contact_id: ContactId) -> str:
    """Return a contact id as text. Raises `InvalidPayloadError` for anything else."""
    violations: list[Violation] = []
    contact_text = check_contact_id(violations, contact_id)
    if violations:
        raise InvalidPayloadError("", violations)
    return contact_text
