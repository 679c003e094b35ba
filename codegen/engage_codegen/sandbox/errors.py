"""Requests that the API refuses: the status, the error code and the rules that they break."""

from collections.abc import Iterable
from http import HTTPStatus

from engage_codegen.sandbox.store.records import DroppedProperty, Violation


class ApiError(Exception):
    """A request that is answered with `{errorCode, message, messageDetails}`.

    Args:
        status: The HTTP status of the answer.
        code: The `errorCode`.
        message: The `message`, for people.
        violations: The rules that the request breaks, for `messageDetails`.
        dropped: The properties that had already been dropped when an interaction was refused.
        matches: The ids of all contacts that match a search for one.
    """

    def __init__(
        self,
        status: HTTPStatus,
        code: str,
        message: str,
        *,
        violations: Iterable[Violation] = (),
        dropped: Iterable[DroppedProperty] = (),
        matches: Iterable[str] = (),
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.violations = tuple(violations)
        self.dropped = tuple(dropped)
        self.matches = tuple(matches)


def malformed(rule: str, message: str, pointer: str | None = None) -> ApiError:
    """Return the 400 for a request that cannot be understood. The error code is our guess."""
    return malformed_by([Violation(rule, pointer, message)])


def malformed_by(violations: Iterable[Violation]) -> ApiError:
    """Return the same 400 for several violations."""
    return ApiError(
        HTTPStatus.BAD_REQUEST,
        "MalformedRequest",
        "The request is malformed",
        violations=violations,
    )


def not_found(resource: str, requested_id: str) -> ApiError:
    """Return the 404 for an id that does not exist.

    `resource` is the first word of the error code: `Contact` gives `ContactNotFound`. The code
    alone must tell which of the ids in a request is unknown (our guess).
    """
    message = f"{resource} {requested_id!r} does not exist"
    return ApiError(HTTPStatus.NOT_FOUND, f"{resource}NotFound", message)
