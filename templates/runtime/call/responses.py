"""The meaning of replies: a result, or an error of the package."""

import json
from typing import Literal, TypeAlias, cast

from ..errors import (
    EngageError,
    InteractionNotFoundError,
    NotSentError,
    OutcomeUnknownError,
    RateLimitedError,
    ReadError,
    RejectedError,
    UnauthorizedError,
    UnknownContactError,
    UnknownSchemaError,
)
from ..payload.types import Json
from .foreign_text import printable_line
from .steps import Answer, Failure, Reply

Subject: TypeAlias = Literal["contact", "schema", "interaction"]
"""What a 404 can be about."""

TOO_MANY_REQUESTS = "Engage answered 429: too many requests."


def require_success(
    reply: Reply,
    created_date: str | None,
    subjects: tuple[Subject, ...] = ("contact", "schema"),
    *,
    is_personal: bool = False,
) -> Answer:
    """Return the answer to a POST or DELETE that Engage carried out; raise for any other reply.

    `created_date` is the one that was sent, `subjects` is what a 404 can be about. With
    `is_personal`, the request has personal data, which the text of a refusal can quote.
    """
    if isinstance(reply, Failure):
        if reply.may_have_arrived:
            message = f"Engage did not answer: {end_sentence(reply.reason)}"
            raise OutcomeUnknownError(message, created_date)
        raise NotSentError(f"The request was not sent: {end_sentence(reply.reason)}")
    if reply.status == 429:
        raise RateLimitedError(TOO_MANY_REQUESTS, reply.retry_after)
    if reply.status >= 500 or reply.status == 408:
        raise OutcomeUnknownError(f"Engage answered {reply.status}.", created_date)
    if 200 <= reply.status < 300:
        return reply
    if is_refusal(reply):
        raise _refusal(reply, subjects, is_personal=is_personal)
    raise OutcomeUnknownError(describe_foreign(reply), created_date)


def require_read(reply: Reply, subjects: tuple[Subject, ...]) -> Answer:
    """Return the answer to a GET that Engage carried out; raise for any other reply."""
    if isinstance(reply, Failure):
        raise ReadError(f"Engage did not answer: {end_sentence(reply.reason)}")
    if reply.status == 429:
        raise RateLimitedError(TOO_MANY_REQUESTS, reply.retry_after)
    if reply.status >= 500 or reply.status == 408:
        raise ReadError(f"Engage answered {reply.status}.")
    if is_refusal(reply):
        raise _refusal(reply, subjects)
    if not 200 <= reply.status < 300:
        raise ReadError(describe_foreign(reply))
    return reply


def read_object(
    reply: Reply, subjects: tuple[Subject, ...] = ("contact", "schema")
) -> dict[str, Json]:
    """Return the JSON object of the answer to a GET; raise for any other reply."""
    answer = require_read(reply, subjects)
    value = parse_body(answer)
    if not isinstance(value, dict):
        raise ReadError(describe_foreign(answer))
    return value


def is_refusal(answer: Answer) -> bool:
    """Return True if Engage refused the request, and not a proxy or a gateway.

    Engage explains a refusal with an error code or a message. A wrong key may have neither.
    """
    if answer.status in (401, 403):
        return True
    value = parse_body(answer) if 400 <= answer.status < 500 else None
    return isinstance(value, dict) and any(
        isinstance(value.get(name), str) for name in ("errorCode", "message")
    )


def describe_foreign(answer: Answer) -> str:
    """Describe an answer that does not have the form of Engage's."""
    return (
        f"The answer with the status {answer.status} is not Engage's. A proxy, a gateway or a "
        "login page may have given it."
    )


def parse_body(answer: Answer) -> Json:
    """Return the JSON of the body, or None if the body is not JSON."""
    try:
        return cast(Json, json.loads(answer.body))
    except (ValueError, RecursionError):
        return None


def end_sentence(reason: str) -> str:
    """Return the reason with a period at its end."""
    return f"{reason.rstrip('.')}."


def _refusal(
    answer: Answer, subjects: tuple[Subject, ...], *, is_personal: bool = False
) -> EngageError:
    """Return the error for an answer outside of 2xx."""
    value = parse_body(answer)
    details = value if isinstance(value, dict) else {}
    code, text = (_printable_text(details.get(key)) for key in ("errorCode", "message"))
    message = ": ".join(filter(None, (code, text))) or "Engage refused the request"
    reasons = _reasons(details.get("messageDetails"))
    if is_personal and text:
        message = f"{code or 'Engage refused the request'}. {_IN_REASONS}"
        reasons.insert(0, text[:500])
    error_class: type[RejectedError | InteractionNotFoundError] = RejectedError
    if answer.status in (401, 403):
        error_class = UnauthorizedError
    elif answer.status == 404:
        error_class = _not_found_class(code, text, subjects)
    return error_class(message[:500], answer.status, reasons, code[:500])


def _not_found_class(
    code: str, text: str, subjects: tuple[Subject, ...]
) -> type[RejectedError | InteractionNotFoundError]:
    """Go by the error code, then by the first subject of the request that the text names."""
    for subject, error_class in _NOT_FOUND.items():
        is_possible = subject != "interaction" or subject in subjects
        if subject in code.lower() and is_possible:
            return error_class
    for subject in subjects:
        if subject in text.lower():
            return _NOT_FOUND[subject]
    return RejectedError


_IN_REASONS = "The text of the answer can quote personal data, so it is only in `reasons`."

_NOT_FOUND: dict[Subject, type[RejectedError | InteractionNotFoundError]] = {
    "contact": UnknownContactError,
    "schema": UnknownSchemaError,
    "interaction": InteractionNotFoundError,
}


def _reasons(details: Json) -> list[str]:
    """Return the texts in messageDetails, in whatever structure they are."""
    texts: list[str] = []
    queue = [details]
    while queue and len(texts) < 50:
        item = queue.pop(0)
        if isinstance(item, dict):
            queue += item.values()
        elif isinstance(item, list):
            queue += item
        elif isinstance(item, str):
            texts.append(printable_line(item)[:500])
    return texts


def _printable_text(value: Json) -> str:
    return printable_line(value) if isinstance(value, str) else ""
