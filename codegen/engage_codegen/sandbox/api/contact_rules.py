"""The rules for requests to the endpoints of contacts: pure decisions, without I/O or a clock.

Documented are the parameters, the names and the statuses of the errors, and the order in which
`any` tries the formats. Everything else is our guess; sources are named as in `rules`.
"""

import base64
import binascii
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from uuid import UUID

from engage_codegen.sandbox.dates import format_date, parse_created_date
from engage_codegen.sandbox.errors import ApiError, malformed
from engage_codegen.sandbox.options import ContactErrors, Options, ShortContactId
from engage_codegen.sandbox.store.contact_keys import (
    to_email_key,
    to_phone_key,
    to_social_security_key,
)
from engage_codegen.sandbox.store.contacts import MEMBER, SearchKey
from engage_codegen.sandbox.store.records import Violation

_USUAL_TYPES = (MEMBER, "Contact")
_SHORT_GUID_LENGTH = 22
_ENCODING_HINT = "; a + that is not URL-encoded arrives as a space"


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactSearch:
    """The query of `GET contacts/id`, as it arrived."""

    email: str | None = None
    mobile_phone: str | None = None
    social_security_number: str | None = None
    custom_key: str | None = None
    any: str | None = None
    contact_type: str | None = None


@dataclass(frozen=True, slots=True)
class _Format:
    """A field with a format: how to compare it, and what to answer if a value does not fit."""

    key: SearchKey
    to_key: Callable[[str], str | None]
    code: str
    subject: str


_EMAIL = _Format(SearchKey.EMAIL, to_email_key, "InvalidEmailAddress", "an e-mail address")
_PHONE = _Format(SearchKey.MOBILE_PHONE, to_phone_key, "InvalidPhoneNumber", "a phone number")
_SOCIAL_SECURITY = _Format(
    SearchKey.SOCIAL_SECURITY_NUMBER,
    to_social_security_key,
    "InvalidSocialSecurityNumber",
    "a social security number",
)
_ORDER_OF_ANY = (_EMAIL, _SOCIAL_SECURITY, _PHONE)
"""The formats that `any` tries before the custom key, in the documented order."""


def read_search(
    search: ContactSearch, existing_types: Collection[str], options: Options
) -> list[tuple[SearchKey, str]]:
    """Read a search into the keys that a contact must have, all of them (our guess).

    Raises:
        ApiError: 400 InvalidEmailAddress, InvalidPhoneNumber, InvalidSocialSecurityNumber,
            InvalidContactType or InvalidSearchQuery, or 500 InvalidSystemConfiguration
            (all documented; which one comes first is our guess).
    """
    criteria = list(_read_criteria(search, options))
    if not criteria:
        message = "pass email, mobilePhone, socialSecurityNumber, customKey or any"
        raise _refuse("InvalidSearchQuery", "required", message)
    if search.contact_type not in (None, *_USUAL_TYPES, *existing_types):
        message = "contactType is not a contact type of this tenant"
        raise _refuse("InvalidContactType", "enum", message)
    return criteria


def _read_criteria(search: ContactSearch, options: Options) -> Iterator[tuple[SearchKey, str]]:
    if search.email is not None:
        yield _read_value("email", search.email, _EMAIL, options)
    if search.mobile_phone is not None:
        yield _read_value("mobilePhone", search.mobile_phone, _PHONE, options)
    if search.social_security_number is not None:
        number = search.social_security_number
        yield _read_value("socialSecurityNumber", number, _SOCIAL_SECURITY, options)
    if search.custom_key is not None:
        yield _read_custom_key("customKey", search.custom_key, options)
    if search.any is not None:
        yield _read_any(search.any, options)


def _read_value(name: str, text: str, format_: _Format, options: Options) -> tuple[SearchKey, str]:
    key = format_.to_key(text)
    if key is None and options.contact_errors is ContactErrors.NOT_FOUND:
        raise _no_match()
    if key is None:
        hint = _ENCODING_HINT if " " in text else ""
        raise _refuse(format_.code, "format", f"{name} is not {format_.subject}{hint}")
    return format_.key, key


def _read_any(text: str, options: Options) -> tuple[SearchKey, str]:
    """Take the first format that fits, also if no contact has such a value (documented)."""
    for format_ in _ORDER_OF_ANY:
        key = format_.to_key(text)
        if key is not None:
            return format_.key, key
    return _read_custom_key("any", text, options)


def _read_custom_key(name: str, text: str, options: Options) -> tuple[SearchKey, str]:
    """Compare custom keys as they are: with case, and with any spaces (our guess)."""
    if not options.custom_key_enabled:
        message = "The custom key is not set up for this tenant"
        raise ApiError(HTTPStatus.INTERNAL_SERVER_ERROR, "InvalidSystemConfiguration", message)
    if not text.strip():
        raise _refuse("InvalidSearchQuery", "minLength", f"{name} is empty")
    return SearchKey.CUSTOM_KEY, text


def _refuse(code: str, rule: str, message: str) -> ApiError:
    return ApiError(
        HTTPStatus.BAD_REQUEST,
        code,
        "The search for a contact is invalid",
        violations=[Violation(rule, None, message)],
    )


def _no_match() -> ApiError:
    message = "No contact matches the search"
    return ApiError(HTTPStatus.NOT_FOUND, "ContactNotFound", message)


def require_one_match(ids: Sequence[str]) -> str:
    """Return the only contact that a search found.

    Raises:
        ApiError: 404 ContactNotFound, or 409 MultipleMatches with the ids (documented).
    """
    if not ids:
        raise _no_match()
    if len(ids) > 1:
        message = f"{len(ids)} contacts match the search"
        raise ApiError(HTTPStatus.CONFLICT, "MultipleMatches", message, matches=ids)
    return ids[0]


def read_window(from_date: str, to_date: str) -> tuple[str, str]:
    """Read `fromDate`, which is inclusive, and `toDate`, which is not (our guess).

    Raises:
        ApiError: 400 MalformedRequest if one is not a date, or if the second is before the first
            (our guess).
    """
    since, until = _read_date("fromDate", from_date), _read_date("toDate", to_date)
    if until < since:
        raise malformed("date-window", "toDate is before fromDate")
    return format_date(since), format_date(until)


def _read_date(name: str, text: str) -> datetime:
    """Read a date in the lenient form of `createdDate` (our guess)."""
    parsed = parse_created_date(text)
    if parsed is None:
        hint = _ENCODING_HINT if " " in text else ""
        raise malformed("format", f"{name} is not a date{hint}")
    return parsed[0]


def require_few(ids: Sequence[str], options: Options) -> Sequence[str]:
    """Return the ids, unless there are more than one answer can list.

    Raises:
        ApiError: 400 (documented) MalformedRequest (our guess).
    """
    most = options.max_changed_contacts
    if len(ids) > most:
        raise malformed("maxItems", f"more than {most} contacts: choose a shorter window of time")
    return ids


def list_possible_ids(contact_id: str, options: Options) -> list[str]:
    """Return the ids that a contactId may stand for: itself, and that of a short GUID."""
    if options.short_contact_id is ShortContactId.REJECT or len(contact_id) != _SHORT_GUID_LENGTH:
        return [contact_id]
    try:
        raw = base64.b64decode(f"{contact_id}==", altchars=b"-_", validate=True)
    except (ValueError, binascii.Error):
        return [contact_id]
    return [contact_id, str(UUID(bytes=raw)), str(UUID(bytes_le=raw))]
