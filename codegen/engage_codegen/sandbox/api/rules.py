"""The rules for requests and interactions: pure decisions, without I/O or a clock.

Every rule names its source: "documented" means the vendor's documentation (collected in
engage-api), "our guess" means that nobody knows what the platform does.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from http import HTTPStatus
from typing import Protocol

from jsonschema import FormatChecker
from referencing import Registry

from engage_codegen.sandbox.api.patterns import LinearTimeValidator
from engage_codegen.sandbox.api.request_body import find_unknown_members, read_object, read_text
from engage_codegen.sandbox.api.schema_rules import DOCUMENTED_FORMAT, get_declarations
from engage_codegen.sandbox.dates import format_date, is_date_time, parse_created_date
from engage_codegen.sandbox.errors import ApiError, not_found
from engage_codegen.sandbox.options import IllTypedProperty, Options, WarnOrReject
from engage_codegen.sandbox.store.records import (
    DroppedProperty,
    Json,
    JsonObject,
    Violation,
    to_pointer,
)


@dataclass(frozen=True, slots=True)
class ProposedInteraction:
    """The body of `POST interactions`, of which only the JSON types have been checked."""

    contact_id: str
    schema_id: str
    created_date: str | None
    payload: JsonObject
    warnings: tuple[Violation, ...]


@dataclass(frozen=True, slots=True)
class AcceptedInteraction:
    """An interaction to store; `created_date` has the format of `dates.format_date`."""

    created_date: str
    payload: JsonObject
    dropped: tuple[DroppedProperty, ...]
    warnings: tuple[Violation, ...]


class _Error(Protocol):
    message: str
    validator: str
    validator_value: Json


class _Validator(Protocol):
    def iter_errors(self, instance: Json) -> Iterator[_Error]: ...


def invalid_key() -> ApiError:
    """Return the 401 for a missing or wrong `apikey` header (our guess)."""
    message = "The apikey header is missing or wrong"
    return ApiError(HTTPStatus.UNAUTHORIZED, "InvalidApiKey", message)


def too_many_requests() -> ApiError:
    """Return the 429 for requests above the rate limit (documented); its body is our guess."""
    message = "Too many requests with this key"
    return ApiError(HTTPStatus.TOO_MANY_REQUESTS, "TooManyRequests", message)


def feature_not_enabled() -> ApiError:
    """Return the 403 of a tenant without the feature (our guess)."""
    message = "Interactions are not enabled for this tenant"
    return ApiError(HTTPStatus.FORBIDDEN, "FeatureNotEnabled", message)


def require_json(content_type: str | None, body: bytes) -> None:
    """Require the media type `application/json` for a body; parameters do not matter.

    Raises:
        ApiError: 500 InternalError (documented).
    """
    media_type = (content_type or "").partition(";")[0].strip().lower()
    if body and media_type != "application/json":
        raise ApiError(HTTPStatus.INTERNAL_SERVER_ERROR, "InternalError", "An error has occurred")


def read_interaction(body: JsonObject) -> ProposedInteraction:
    """Read the body of `POST interactions`; only `createdDate` is optional.

    Raises:
        ApiError: 400 MalformedRequest, also for a member that is null (our guess).
    """
    names = ("contactId", "schemaId", "createdDate", "payload")
    return ProposedInteraction(
        contact_id=read_text(body, "contactId"),
        schema_id=read_text(body, "schemaId"),
        created_date=read_text(body, "createdDate") if "createdDate" in body else None,
        payload=read_object(body, "payload"),
        warnings=tuple(find_unknown_members(body, names)),
    )


def check_interaction(
    proposed: ProposedInteraction,
    *,
    contact_exists: bool,
    json_schema: JsonObject | None,
    now: datetime,
    options: Options,
) -> AcceptedInteraction:
    """Check contact, schema, createdDate, each property, and the rest, in this order.

    Undeclared properties and properties of the wrong type or format are dropped (documented). A
    required property that is missing or was dropped breaks the schema.

    Raises:
        ApiError: 404 ContactNotFound, 404 SchemaNotFound, or 400 InvalidInteraction (our guess).
            The options decide whether the last one becomes an error response.
    """
    if not contact_exists:
        raise not_found("Contact", proposed.contact_id)
    if json_schema is None:
        raise not_found("Schema", proposed.schema_id)
    created_date, warnings = _check_created_date(proposed.created_date, now)
    if warnings and options.odd_created_date is WarnOrReject.REJECT:
        raise _invalid(warnings)
    payload, dropped = _drop_properties(proposed.payload, get_declarations(json_schema))
    if options.ill_typed_property is IllTypedProperty.BREAK:
        _refuse_ill_typed(proposed.payload, dropped, json_schema)
    if violations := [*_check_whole(payload, json_schema)]:
        raise _invalid(violations, dropped)
    return AcceptedInteraction(created_date, payload, dropped, (*proposed.warnings, *warnings))


def _invalid(violations: Iterable[Violation], dropped: Iterable[DroppedProperty] = ()) -> ApiError:
    return ApiError(
        HTTPStatus.BAD_REQUEST,
        "InvalidInteraction",
        "The interaction is invalid",
        violations=violations,
        dropped=dropped,
    )


def _check_created_date(text: str | None, now: datetime) -> tuple[str, list[Violation]]:
    """Default to now (documented); accept an odd date with warnings (our guess)."""
    if text is None:
        return format_date(now), []
    parsed = parse_created_date(text)
    pointer = to_pointer("createdDate")
    if parsed is None:
        raise _invalid([Violation("format", pointer, f"createdDate {text!r} is not a date")])
    at, has_offset = parsed
    warnings: list[Violation] = []
    if not has_offset:
        warnings.append(Violation("offset", pointer, "createdDate has no offset"))
    if at > now:
        warnings.append(Violation("future", pointer, "createdDate is in the future"))
    return format_date(at), warnings


def _drop_properties(
    payload: JsonObject, declarations: JsonObject
) -> tuple[JsonObject, tuple[DroppedProperty, ...]]:
    accepted: JsonObject = {}
    dropped: list[DroppedProperty] = []
    for name, value in payload.items():
        if violations := _check_property(name, value, declarations.get(name)):
            rules = tuple(violation.rule for violation in violations)
            reason = " and ".join(violation.message for violation in violations)
            dropped.append(DroppedProperty(name, value, rules, reason))
        else:
            accepted[name] = value
    return accepted, tuple(dropped)


def _check_property(name: str, value: Json, declaration: Json) -> list[Violation]:
    pointer = to_pointer("payload", name)
    if not isinstance(declaration, dict):
        return [Violation("undeclared", pointer, "is not declared in the schema")]
    return [
        Violation(error.validator, pointer, _describe(error))
        for error in _validate(value, declaration)
    ]


def _describe(error: _Error) -> str:
    verb = "is not of" if error.validator in ("type", "format") else "violates"
    return f"{verb} {error.validator} {error.validator_value}"


def _refuse_ill_typed(
    payload: JsonObject, dropped: tuple[DroppedProperty, ...], json_schema: JsonObject
) -> None:
    declarations = get_declarations(json_schema)
    violations = [
        replace(violation, message=f"{name} {violation.message}")
        for name, value in payload.items()
        if name in declarations
        for violation in _check_property(name, value, declarations[name])
    ]
    if violations:
        raise _invalid(violations, dropped)


def _check_whole(payload: JsonObject, json_schema: JsonObject) -> Iterator[Violation]:
    """Validate the accepted properties together.

    The validator reports one error for each missing property, in the order of `required`.
    """
    required = json_schema.get("required")
    names = required if isinstance(required, list) else []
    missing = iter([str(name) for name in names if name not in payload])
    for error in _validate(payload, json_schema):
        name = next(missing, None) if error.validator == "required" else None
        pointer = to_pointer("payload") if name is None else to_pointer("payload", name)
        yield Violation(error.validator, pointer, error.message)


def _validate(value: Json, schema: JsonObject) -> Iterator[_Error]:
    return _build_validator(schema).iter_errors(value)


def _build_validator(schema: JsonObject) -> _Validator:
    # An empty registry, so that a $ref can never make the sandbox fetch an address.
    validator: _Validator = LinearTimeValidator(
        schema, format_checker=_FORMATS, registry=Registry()
    )
    return validator


def _is_valid_date_time(value: object) -> bool:
    return not isinstance(value, str) or is_date_time(value)


# The check of date-time in jsonschema accepts everything if an optional package is missing, and
# refuses leap seconds. This check replaces it; jsonschema checks the other formats.
_FORMATS = FormatChecker()
_FORMATS.checks(DOCUMENTED_FORMAT)(_is_valid_date_time)
