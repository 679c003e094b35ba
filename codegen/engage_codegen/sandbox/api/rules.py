"""What the platform accepts: pure decisions, without I/O or a clock.

Every rule names its source: "documented" is in the vendor's documentation (collected in
engage-api), "our guess" is where nobody could establish what the platform does.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Protocol

from jsonschema import Draft202012Validator, FormatChecker
from referencing import Registry

from engage_codegen.sandbox.api.schema_rules import DOCUMENTED_FORMAT, declarations
from engage_codegen.sandbox.dates import is_date_time, parse_created_date, wire_date
from engage_codegen.sandbox.options import IllTyped, Oddity, Options
from engage_codegen.sandbox.wire import (
    Dropped,
    Json,
    JsonObject,
    Refusal,
    object_member,
    text_member,
    unknown_members,
)


@dataclass(frozen=True, slots=True)
class ProposedInteraction:
    """The members have the right JSON types; nothing else is known yet."""

    contact_id: str
    schema_id: str
    created_date: str | None
    payload: JsonObject
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AcceptedInteraction:
    """What is to be stored: `created_date` as `dates.wire_date` writes it."""

    created_date: str
    payload: JsonObject
    dropped: tuple[Dropped, ...]
    warnings: tuple[str, ...]


class _Error(Protocol):
    message: str
    validator: str
    validator_value: Json


class _Validator(Protocol):
    def iter_errors(self, instance: Json) -> Iterator[_Error]: ...


def bad_key() -> Refusal:
    """A missing or wrong `apikey` header is 401 InvalidApiKey (our guess)."""
    message = "The apikey header is missing or wrong"
    return Refusal(HTTPStatus.UNAUTHORIZED, "InvalidApiKey", message)


def too_many() -> Refusal:
    """Above the rate limit is 429 (documented); its body is our guess."""
    message = "Too many requests with this key"
    return Refusal(HTTPStatus.TOO_MANY_REQUESTS, "TooManyRequests", message)


def not_enabled() -> Refusal:
    """A tenant without the feature answers 403 (our guess)."""
    message = "Interactions are not enabled for this tenant"
    return Refusal(HTTPStatus.FORBIDDEN, "FeatureNotEnabled", message)


def require_json(content_type: str | None, body: bytes) -> None:
    """A body that is not declared as `application/json`, parameters aside, is 500 (documented)."""
    media_type = (content_type or "").partition(";")[0].strip().lower()
    if body and media_type != "application/json":
        raise Refusal(HTTPStatus.INTERNAL_SERVER_ERROR, "InternalError", "An error has occurred")


def not_found(kind: str, wanted: str) -> Refusal:
    """404 ContactNotFound, SchemaNotFound or InteractionNotFound, `kind` being the first word.

    The code alone must tell which of the ids of a request is unknown (our guess).
    """
    return Refusal(HTTPStatus.NOT_FOUND, f"{kind}NotFound", f"{kind} {wanted!r} does not exist")


def read_interaction(body: JsonObject) -> ProposedInteraction:
    """The shape of the body of `POST interactions`; only `createdDate` may be left out.

    Raises `Refusal` (400 MalformedRequest), also where a member is null (our guess).
    """
    return ProposedInteraction(
        contact_id=text_member(body, "contactId"),
        schema_id=text_member(body, "schemaId"),
        created_date=text_member(body, "createdDate") if "createdDate" in body else None,
        payload=object_member(body, "payload"),
        warnings=tuple(unknown_members(body, ("contactId", "schemaId", "createdDate", "payload"))),
    )


def judge_interaction(
    proposed: ProposedInteraction,
    *,
    contact_exists: bool,
    json_schema: JsonObject | None,
    now: datetime,
    options: Options,
) -> AcceptedInteraction:
    """Judge contact, schema, createdDate, each property, and then what is left, in this order.

    Undeclared, ill-typed and ill-formatted properties are dropped (documented). A required
    property that is missing, or was dropped, breaks the schema. Raises `Refusal`: 404
    ContactNotFound, 404 SchemaNotFound, 400 InvalidInteraction (our guess); whether the last is
    answered as such is up to the options.
    """
    if not contact_exists:
        raise not_found("Contact", proposed.contact_id)
    if json_schema is None:
        raise not_found("Schema", proposed.schema_id)
    created_date, odd = _judge_created_date(proposed.created_date, now)
    if odd and options.odd_created_date is Oddity.REJECT:
        raise _invalid(odd)
    payload, dropped = _split(proposed.payload, declarations(json_schema))
    ill_typed = [lost for lost in dropped if lost.name in declarations(json_schema)]
    if ill_typed and options.ill_typed_property is IllTyped.BREAK:
        raise _invalid([f"{lost.name}: {lost.reason}" for lost in ill_typed], dropped)
    reasons = [error.message for error in _errors(payload, json_schema)]
    if reasons:
        raise _invalid(reasons, dropped)
    return AcceptedInteraction(created_date, payload, dropped, (*proposed.warnings, *odd))


def _invalid(reasons: Iterable[str], dropped: Iterable[Dropped] = ()) -> Refusal:
    return Refusal(
        HTTPStatus.BAD_REQUEST,
        "InvalidInteraction",
        "The interaction is not valid",
        reasons=reasons,
        dropped=dropped,
    )


def _judge_created_date(text: str | None, now: datetime) -> tuple[str, list[str]]:
    """Defaults to now (documented); an odd date is taken with a warning (our guess)."""
    if text is None:
        return wire_date(now), []
    parsed = parse_created_date(text)
    if parsed is None:
        raise _invalid([f"createdDate: {text!r} is not a date"])
    at, has_offset = parsed
    warnings = [] if has_offset else ["createdDate has no offset and is read as UTC"]
    if at > now:
        warnings.append("createdDate is in the future")
    return wire_date(at), warnings


def _split(payload: JsonObject, properties: JsonObject) -> tuple[JsonObject, tuple[Dropped, ...]]:
    accepted: JsonObject = {}
    dropped: list[Dropped] = []
    for name, value in payload.items():
        reason = _reason_to_drop(value, properties.get(name))
        if reason is None:
            accepted[name] = value
        else:
            dropped.append(Dropped(name, value, reason))
    return accepted, tuple(dropped)


def _reason_to_drop(value: Json, declaration: Json) -> str | None:
    if not isinstance(declaration, dict):
        return "is not declared in the schema"
    broken = [f"{error.validator} {error.validator_value}" for error in _errors(value, declaration)]
    return f"is not of {' and '.join(broken)}" if broken else None


def _errors(value: Json, schema: JsonObject) -> Iterator[_Error]:
    return _validator(schema).iter_errors(value)


def _validator(schema: JsonObject) -> _Validator:
    # An empty registry: a $ref must never make us fetch an address.
    validator: _Validator = Draft202012Validator(
        schema, format_checker=_FORMATS, registry=Registry()
    )
    return validator


def _is_no_text_or_date_time(value: object) -> bool:
    return not isinstance(value, str) or is_date_time(value)


# jsonschema's own check of date-time lets everything through, without a word, where an optional
# package is not installed, and refuses leap seconds. This one replaces it; the other formats are
# checked as jsonschema checks them.
_FORMATS = FormatChecker()
_FORMATS.checks(DOCUMENTED_FORMAT)(_is_no_text_or_date_time)
