"""The ids of contacts and interactions."""

import re
from typing import TypeAlias
from uuid import UUID

from ..payload.checks import wrong_type
from ..payload.plain import plain_value
from ..violation import Violation

ContactId: TypeAlias = str | UUID
"""The id of a contact in Engage, a GUID."""


def check_id(violations: list[Violation], name: str, value: object) -> None:
    """Accept any text that can be one segment of a URL path: ids are opaque."""
    if not isinstance(value, str):
        violations.append(wrong_type(name, "a string", value))
    elif not is_id(value):
        violations.append(Violation(name, "id", "is not a valid id", value))


def check_contact_id(violations: list[Violation], value: object) -> str:
    """Return the id of a contact as text.

    Refuses what is certainly something else: an e-mail address, a phone number, a member number.
    Any other text passes, because Engage may accept other forms than a GUID with hyphens.
    """
    text = plain_value(value)
    if not isinstance(text, str):
        violations.append(wrong_type("contactId", "a string or a UUID", value))
        return ""
    if not is_id(text) or not is_contact_id(text):
        violations.append(Violation("contactId", "id", _NOT_A_CONTACT_ID, value))
    return text


def is_id(text: str) -> bool:
    """Return True for a text that can be an id."""
    # A segment of dots alone would change the path.
    is_short = bool(text.strip(" .")) and len(text) <= _LONGEST_ID
    return is_short and (text.isascii() or not _SURROGATE.search(text))


def is_contact_id(text: str) -> bool:
    """Return True for a text that can be the id of a contact."""
    return text.isprintable() and not _OTHER_KEY.search(text)


_NOT_A_CONTACT_ID = (
    "is not the id of a contact, which is a GUID. Look it up by e-mail address, phone number or "
    "member number with `find_contact`"
)
_LONGEST_ID = 500
_SURROGATE = re.compile("[\ud800-\udfff]")
_OTHER_KEY = re.compile(r"[\s@]|^\+|^(?:[-./()]*[0-9]){1,31}[-./()]*$")
"""White space, an e-mail address, or a number with fewer digits than a GUID."""
