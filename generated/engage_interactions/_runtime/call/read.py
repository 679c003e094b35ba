"""Looking up and deleting: what is asked, and how patiently. No I/O: both clients drive these.

A call is a generator: it yields requests and waits, is sent a reply for each, and returns its
result or raises. Paths, names and the paging rule are the vendor's.
"""

import re
from collections.abc import Callable
from typing import Generic, TypeVar
from urllib.parse import quote, urlencode

from ..errors import (
    EngageError,
    InvalidPayload,
    NotSent,
    OutcomeUnknown,
    ReadFailed,
)
from ..payload.checks import Json, Payload, Violation
from ..results import Stored
from .responses import Answer, Call, Reply, Request, Stop, Wait, done, read
from .retry import RetryPolicy

P = TypeVar("P", bound=Payload)
R = TypeVar("R")


def patiently(
    request: Request,
    judge: Callable[[Reply], R],
    policy: RetryPolicy,
    passing: tuple[type[EngageError], ...],
) -> Call[R]:
    """A request, repeated as often as the policy allows while it fails in a way that passes."""
    waits = iter(policy.again)
    while True:
        reply = yield request
        failure: EngageError
        try:
            return judge(reply)
        except passing as error:
            failure = error
        seconds = next(waits, None)
        wanted = (reply.retry_after or 0.0) if isinstance(reply, Answer) else 0.0
        if seconds is None or wanted > sum(policy.again):
            raise failure
        try:
            yield Wait(max(seconds, wanted), "retry")
        except Stop:
            raise failure from None


_OF_READS = (NotSent, ReadFailed)


def delete(interaction_id: str, policy: RetryPolicy) -> Call[None]:
    """A DELETE; where the first was not answered, a second that finds nothing is a success."""
    request = Request("DELETE", _target(interaction_id))
    replies: list[Reply] = []

    def judge(reply: Reply) -> None:
        replies.append(reply)
        is_gone = isinstance(reply, Answer) and reply.status == 404
        if not (is_gone and len(replies) > 1):
            done(reply, None, "interaction")

    # Unlike a POST, a DELETE may be repeated after an outcome that is unknown.
    yield from patiently(request, judge, policy, (NotSent, OutcomeUnknown))


def get(kind: type[P], interaction_id: str, policy: RetryPolicy) -> Call[Stored[P]]:
    """One interaction by its id."""

    def judge(reply: Reply) -> dict[str, Json]:
        return read(reply, "interaction")

    value = yield from patiently(Request("GET", _target(interaction_id)), judge, policy, _OF_READS)
    return _stored(kind, value)


class Pages(Generic[P]):
    """A contact's interactions of one kind, page by page, in the order of the platform."""

    def __init__(self, kind: type[P], contact_id: str, policy: RetryPolicy) -> None:
        problems: list[Violation] = []
        check_id(problems, "contactId", contact_id)
        if problems:
            raise InvalidPayload(kind.__schema_id__, problems)
        self._kind = kind
        self._policy = policy
        self._query = urlencode({"contactId": contact_id, "schemaId": kind.__schema_id__})
        self._tokens = [""]
        self.has_more = True

    def next(self) -> Call[list[Stored[P]]]:
        """The next page, while there `has_more`."""
        token = self._tokens[-1]
        continuation = f"&continuation={token}" if token else ""
        request = Request("GET", f"interactions?{self._query}{continuation}")
        value = yield from patiently(request, read, self._policy, _OF_READS)
        items = value.get("items")
        if not isinstance(items, list):
            raise ReadFailed("the answer has no list of items")
        following = _continuation(value.get("links"))
        if following in self._tokens:
            raise ReadFailed("the pages of the list go round in circles")
        self.has_more = following is not None
        self._tokens.append(following or "")
        return [_stored(self._kind, item) for item in items]


def _stored(kind: type[P], value: Json) -> Stored[P]:
    if not isinstance(value, dict):
        raise ReadFailed("an item of the answer is no interaction")
    texts = [value.get(key) for key in ("id", "contactId", "schemaId")]
    if any(not isinstance(text, (str, int)) for text in texts):
        raise ReadFailed("an item of the answer is no interaction")
    identifier, contact_id, schema_id = map(str, texts)
    created = str(value.get("createdDate") or "")
    return Stored(identifier, contact_id, schema_id, value.get("payload"), created, kind)


_NOT_NEXT = frozenset(["self", "first", "prev", "previous"])


def _continuation(links: Json) -> str | None:
    """The token of the next page as it stands in the query, still quoted: it is opaque, and it is
    in the href of whichever link carries one."""
    for link in links if isinstance(links, list) else []:
        href = link.get("href") if isinstance(link, dict) else None
        if not isinstance(link, dict) or link.get("rel") in _NOT_NEXT or not isinstance(href, str):
            continue
        match = _TOKEN.search(href)
        if match:
            if not match[1].isascii() or not match[1].isprintable():
                raise ReadFailed("the link to the next page is damaged")
            return match[1]
    return None


_TOKEN = re.compile(r"[?&]continuation=([^&#]+)")


def _target(interaction_id: str) -> str:
    problems: list[Violation] = []
    check_id(problems, "id", interaction_id)
    if problems:
        raise InvalidPayload("interaction", problems)
    return f"interactions/{quote(interaction_id, safe='')}"


def check_id(problems: list[Violation], name: str, value: object) -> None:
    """Any text that can stand in a path: ids are opaque, but dots alone would change the path."""
    if not isinstance(value, str):
        problems.append(Violation(name, "has to be a string", value))
    elif not value.strip(".") or len(value) > _LONGEST_ID or _SURROGATE.search(value):
        problems.append(Violation(name, "is no id", value))


_LONGEST_ID = 500
_SURROGATE = re.compile("[\ud800-\udfff]")
