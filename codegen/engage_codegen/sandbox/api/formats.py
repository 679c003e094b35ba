"""The formats that the options choose for the dates, payloads and errors of responses.

A platform may return an interaction in another form than the one that was sent. Each format here is
one that a usual serializer or database writes, and all of them are our guess.
"""

from datetime import datetime, timedelta, timezone
from http import HTTPStatus

from engage_codegen.sandbox.dates import parse_created_date
from engage_codegen.sandbox.errors import ApiError
from engage_codegen.sandbox.options import (
    DateOffset,
    DatePrecision,
    ErrorBody,
    Options,
    PayloadFormat,
)
from engage_codegen.sandbox.store.records import Json, JsonObject

_EAST = timezone(timedelta(hours=2))
_SECOND = timedelta(seconds=1)
_ADDITION: JsonObject = {"receivedBy": "Engage"}
"""The property that the platform adds."""


def format_response_date(text: str, options: Options) -> str:
    """Write a date with the precision and the offset of the options.

    A text that is not a date stays as it is, and so does a date that leads out of the years 1 to
    9999.
    """
    parsed = parse_created_date(text)
    if parsed is None:
        return text
    try:
        at = _round_date(parsed[0], options.date_precision)
        if options.date_offset is DateOffset.EAST:
            at = at.astimezone(_EAST)
    except OverflowError:
        return text
    suffix = "" if options.date_offset is DateOffset.NONE else options.date_offset.value
    return _write_digits(at.replace(tzinfo=None), options.date_precision) + suffix


def _round_date(at: datetime, precision: DatePrecision) -> datetime:
    match precision:
        case DatePrecision.ROUNDED_SECONDS:
            return at + (_SECOND / 2)
        case DatePrecision.SQL_DATETIME:
            steps = round(at.microsecond * 300 / 1e6)
            return at.replace(microsecond=0) + timedelta(milliseconds=round(steps * 1000 / 300))
        case _:
            return at


def _write_digits(at: datetime, precision: DatePrecision) -> str:
    match precision:
        case DatePrecision.SECONDS | DatePrecision.ROUNDED_SECONDS:
            return at.isoformat(timespec="seconds")
        case DatePrecision.TICKS:
            return f"{at.isoformat(timespec='microseconds')}0"
        case _:
            return at.isoformat(timespec="milliseconds")


def format_payload(payload: JsonObject, declarations: JsonObject, options: Options) -> JsonObject:
    """Write a payload in the format of the options; `declarations` are those of its schema."""
    match options.payload_format:
        case PayloadFormat.AS_STORED:
            return payload
        case PayloadFormat.NULLS:
            return dict.fromkeys(declarations) | payload
        case PayloadFormat.ADDITION:
            return payload | _ADDITION
        case _:
            return {
                name: _format_value(value, declarations.get(name), options)
                for name, value in payload.items()
            }


def _format_value(value: Json, declaration: Json, options: Options) -> Json:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    match options.payload_format:
        case PayloadFormat.DATES if isinstance(value, str) and _is_date(declaration):
            return format_response_date(value, options)
        case PayloadFormat.TRIMMED if isinstance(value, str):
            return value.strip()
        case PayloadFormat.DECIMALS if is_number and isinstance(value, int):
            return float(value) if abs(value) <= 2**53 else value
        case PayloadFormat.NUMBERS_AS_TEXT if is_number:
            return str(value)
        case _:
            return value


def _is_date(declaration: Json) -> bool:
    return isinstance(declaration, dict) and declaration.get("format") == "date-time"


def choose_status(error: ApiError, path: str, options: Options) -> HTTPStatus:
    """Return the status of an error in a response to a request for `path`."""
    match error.code:
        case "InvalidSchema" | "InvalidInteraction":
            return HTTPStatus(options.validation_status)
        case "DuplicateSchemaId":
            return HTTPStatus(options.duplicate_schema_status)
        case "ContactNotFound" if path.endswith("/interactions"):
            return HTTPStatus(options.unknown_contact_status)
        case _:
            return error.status


def format_error(body: JsonObject, status: HTTPStatus, options: Options) -> JsonObject:
    """Write the body `{errorCode, message, messageDetails}` in the form of the options."""
    message, details = body["message"], body["messageDetails"]
    match options.error_body:
        case ErrorBody.ENGAGE:
            return body
        case ErrorBody.MESSAGE:
            return {"message": message}
        case ErrorBody.PROBLEM_DETAILS:
            members: JsonObject = {"type": "about:blank", "title": status.phrase}
            return {**members, "status": status.value, "detail": message}
        case ErrorBody.VALIDATION_ERRORS:
            reasons = details.get("reasons") if isinstance(details, dict) else None
            texts = reasons if isinstance(reasons, list) and reasons else [message]
            return {"validationErrors": [{"errorDescription": text} for text in texts]}
