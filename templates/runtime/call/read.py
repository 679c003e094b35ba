"""The calls that read one interaction and delete. The paths are the vendor's."""

from typing import TypeVar
from urllib.parse import quote

from ..errors import (
    InteractionNotFoundError,
    InvalidPayloadError,
    NotSentError,
    OutcomeUnknownError,
)
from ..payload.types import Json, Payload
from ..results import Stored
from ..violation import Violation
from .ids import check_id
from .pages import TRANSIENT, parse_stored
from .responses import read_object, require_success
from .retry import RetryPolicy, retry
from .steps import Call, Reply, Request

P = TypeVar("P", bound=Payload)


def delete(interaction_id: str, policy: RetryPolicy) -> Call[None]:
    """Delete an interaction.

    Unlike a POST, a DELETE is retried when its outcome is unknown. If the first request was not
    answered, a retry that finds no interaction is a success.
    """
    request = Request("DELETE", _target(interaction_id))
    replies: list[Reply] = []

    def interpret(reply: Reply) -> None:
        replies.append(reply)
        try:
            require_success(reply, None, ("interaction",))
        except InteractionNotFoundError:
            if len(replies) == 1:
                raise

    yield from retry(request, interpret, policy, (NotSentError, OutcomeUnknownError))


def get(payload_class: type[P], interaction_id: str, policy: RetryPolicy) -> Call[Stored[P]]:
    """Read one interaction by its id."""

    def interpret(reply: Reply) -> dict[str, Json]:
        return read_object(reply, ("interaction",))

    request = Request("GET", _target(interaction_id))
    value = yield from retry(request, interpret, policy, TRANSIENT)
    return parse_stored(payload_class, value)


def _target(interaction_id: str) -> str:
    violations: list[Violation] = []
    check_id(violations, "id", interaction_id)
    if violations:
        raise InvalidPayloadError("interaction", violations)
    return f"interactions/{quote(interaction_id, safe='')}"
