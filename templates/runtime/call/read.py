"""The calls that read and delete. Paths, names and the paging rule are the vendor's."""

import re
from typing import Generic, TypeVar
from urllib.parse import quote, urlencode

from ..errors import InvalidPayloadError, NotSentError, OutcomeUnknownError, ReadError
from ..payload.types import Json, Payload
from ..results import Stored
from ..violation import Violation
from .ids import check_id
from .responses import read_object, require_success
from .retry import RetryPolicy, retry
from .steps import Answer, Call, Reply, Request

P = TypeVar("P", bound=Payload)

_TRANSIENT = (NotSentError, ReadError)


def delete(interaction_id: str, policy: RetryPolicy) -> Call[None]:
    """Delete an interaction.

    Unlike a POST, a DELETE is retried when its outcome is unknown. If the first request was not
    answered, a retry that finds no interaction is a success.
    """
    request = Request("DELETE", _target(interaction_id))
    replies: list[Reply] = []

    def interpret(reply: Reply) -> None:
        replies.append(reply)
        is_absent = isinstance(reply, Answer) and reply.status == 404
        if not (is_absent and len(replies) > 1):
            require_success(reply, None, ("interaction",))

    yield from retry(request, interpret, policy, (NotSentError, OutcomeUnknownError))


def get(payload_class: type[P], interaction_id: str, policy: RetryPolicy) -> Call[Stored[P]]:
    """Read one interaction by its id."""

    def interpret(reply: Reply) -> dict[str, Json]:
        return read_object(reply, ("interaction",))

    request = Request("GET", _target(interaction_id))
    value = yield from retry(request, interpret, policy, _TRANSIENT)
    return _stored(payload_class, value)


class Pages(Generic[P]):
    """The interactions of one contact and schema, page by page, in the order of Engage."""

    def __init__(self, payload_class: type[P], contact_id: str, policy: RetryPolicy) -> None:
        violations: list[Violation] = []
        check_id(violations, "contactId", contact_id)
        if violations:
            raise InvalidPayloadError(payload_class.__schema_id__, violations)
        self._payload_class = payload_class
        self._policy = policy
        query = {"contactId": contact_id, "schemaId": payload_class.__schema_id__}
        self._query = urlencode(query)
        self._tokens = [""]
        self.has_more = True

    def next(self) -> Call[list[Stored[P]]]:
        """Read the next page; call it only while `has_more`."""
        token = self._tokens[-1]
        continuation = f"&continuation={token}" if token else ""
        request = Request("GET", f"interactions?{self._query}{continuation}")
        value = yield from retry(request, read_object, self._policy, _TRANSIENT)
        items = value.get("items")
        if not isinstance(items, list):
            raise ReadError("The answer of Engage has no list `items`.")
        next_token = _next_token(value.get("links"))
        if next_token in self._tokens:
            raise ReadError("The link to the next page leads back to an earlier page.")
        self.has_more = next_token is not None
        self._tokens.append(next_token or "")
        return [_stored(self._payload_class, item) for item in items]


def _stored(payload_class: type[P], value: Json) -> Stored[P]:
    if not isinstance(value, dict):
        raise ReadError(_NO_INTERACTION)
    texts = [value.get(key) for key in ("id", "contactId", "schemaId")]
    if any(not isinstance(text, (str, int)) for text in texts):
        raise ReadError(_NO_INTERACTION)
    interaction_id, contact_id, schema_id = map(str, texts)
    created_date = str(value.get("createdDate") or "")
    return Stored(
        interaction_id, contact_id, schema_id, value.get("payload"), created_date, payload_class
    )


_NO_INTERACTION = "The answer of Engage contains an item that is not an interaction."
_NOT_NEXT = frozenset(["self", "first", "prev", "previous"])


def _next_token(links: Json) -> str | None:
    """Return the token of the next page, as it is quoted in the query: it is opaque.

    The token is in the href of whichever link carries one.
    """
    for link in links if isinstance(links, list) else []:
        href = link.get("href") if isinstance(link, dict) else None
        if not isinstance(link, dict) or link.get("rel") in _NOT_NEXT or not isinstance(href, str):
            continue
        match = _TOKEN.search(href)
        if match:
            if not match[1].isascii() or not match[1].isprintable():
                raise ReadError("The link to the next page is damaged.")
            return match[1]
    return None


_TOKEN = re.compile(r"[?&]continuation=([^&#]+)")


def _target(interaction_id: str) -> str:
    violations: list[Violation] = []
    check_id(violations, "id", interaction_id)
    if violations:
        raise InvalidPayloadError("interaction", violations)
    return f"interactions/{quote(interaction_id, safe='')}"
