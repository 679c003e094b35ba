"""What each call asks and how it judges the answers. No I/O: both clients drive these.

A call is a generator: it yields requests, is sent a reply for each, and returns its result or
raises. Paths, names and the paging rule are the vendor's; what an answer means is in `errors`.
"""

import json
import re
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Generic, NoReturn, TypeAlias, TypeVar, cast
from urllib.parse import quote, urlencode

from .errors import (
    EngageError,
    Ignored,
    InvalidPayload,
    NotAuthorised,
    NotSent,
    OutcomeUnknown,
    RateLimited,
    ReadFailed,
    Rejected,
    UnknownContact,
    UnknownInteraction,
    UnknownSchema,
)
from .payloads import Json, Payload, Violation, check_date_time, encode_date_time
from .results import Receipt, Stored

T = TypeVar("T")
P = TypeVar("P", bound=Payload)


@dataclass(frozen=True, slots=True)
class Request:
    """`target` is path and query below ``/api/v3/``, quoted."""

    method: str
    target: str
    body: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Answer:
    """The platform answered."""

    status: int
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Failure:
    """It did not. `sent` says whether the request may have reached it."""

    reason: str
    sent: bool


Reply: TypeAlias = Answer | Failure
Call: TypeAlias = Generator[Request, Reply, T]


def send(contact_id: str, payload: Payload, created_date: datetime) -> Call[Receipt]:
    """One POST. Its outcome is a receipt, `NotSent`, `Rejected` or `OutcomeUnknown`."""
    schema_id = payload.__schema_id__
    problems: list[Violation] = []
    check_date_time(problems, "createdDate", created_date)
    _check_id(problems, "contactId", contact_id)
    if problems:
        raise InvalidPayload(schema_id, problems)
    stamp = encode_date_time(created_date)
    body: dict[str, Json] = {
        "contactId": contact_id,
        "schemaId": schema_id,
        "createdDate": stamp,
        "payload": payload.to_payload(),
    }
    reply = yield Request("POST", "interactions", _encode(schema_id, body))
    answer = _done(reply, stamp)
    value = _parse(answer)
    if not isinstance(value, dict):
        raise OutcomeUnknown(f"answered {answer.status} with a body that is no JSON object", stamp)
    stored_id = value.get("id")
    if not isinstance(stored_id, (str, int)) or stored_id is False or stored_id in ("", True):
        raise Ignored("the platform did not store the interaction", answer.status)
    return Receipt(str(stored_id), contact_id, schema_id, created_date)


def delete(interaction_id: str) -> Call[None]:
    """One DELETE; safe to repeat after `OutcomeUnknown`."""
    reply = yield Request("DELETE", _target(interaction_id))
    _done(reply, None)


def get(kind: type[P], interaction_id: str) -> Call[Stored[P]]:
    """One interaction by its id."""
    reply = yield Request("GET", _target(interaction_id))
    return _stored(kind, _read(reply))


class Pages(Generic[P]):
    """A contact's interactions of one kind, page by page, in the order of the platform."""

    def __init__(self, kind: type[P], contact_id: str) -> None:
        problems: list[Violation] = []
        _check_id(problems, "contactId", contact_id)
        if problems:
            raise InvalidPayload(kind.__schema_id__, problems)
        self._kind = kind
        self._query = urlencode({"contactId": contact_id, "schemaId": kind.__schema_id__})
        self._tokens = [""]
        self.has_more = True

    def next(self) -> Call[list[Stored[P]]]:
        """The next page, while there `has_more`."""
        token = self._tokens[-1]
        continuation = f"&continuation={token}" if token else ""
        value = _read((yield Request("GET", f"interactions?{self._query}{continuation}")))
        items = value.get("items")
        if not isinstance(items, list):
            raise ReadFailed("the answer has no list of items")
        following = _continuation(value.get("links"))
        if following in self._tokens:
            raise ReadFailed("the pages of the list go round in circles")
        self.has_more = following is not None
        self._tokens.append(following or "")
        return [_stored(self._kind, item) for item in items]


def _done(reply: Reply, stamp: str | None) -> Answer:
    """The answer to a POST or DELETE that the platform has carried out."""
    if isinstance(reply, Failure):
        if reply.sent:
            raise OutcomeUnknown(f"sent, but not answered: {reply.reason}", stamp)
        raise NotSent(reply.reason)
    if reply.status == 429:
        raise RateLimited("the platform answered 429: too many requests with this key")
    if reply.status >= 500 or reply.status == 408:
        raise OutcomeUnknown(f"the platform answered {reply.status}", stamp)
    if not 200 <= reply.status < 300:
        _refuse(reply)
    return reply


def _read(reply: Reply) -> dict[str, Json]:
    """The JSON object that a GET was answered with."""
    if isinstance(reply, Failure):
        raise ReadFailed(reply.reason)
    if reply.status == 429:
        raise RateLimited("the platform answered 429: too many requests with this key")
    if reply.status >= 500 or reply.status == 408:
        raise ReadFailed(f"the platform answered {reply.status}")
    if not 200 <= reply.status < 300:
        _refuse(reply)
    value = _parse(reply)
    if not isinstance(value, dict):
        raise ReadFailed(f"answered {reply.status} with a body that is no JSON object")
    return value


def _parse(answer: Answer) -> Json:
    """The JSON in the body; None if there is none."""
    try:
        return cast(Json, json.loads(answer.body))
    except (ValueError, RecursionError):
        return None


def _refuse(answer: Answer) -> NoReturn:
    """Raise what an answer outside 2xx means; which thing a 404 is about is in its text."""
    value = _parse(answer)
    details = value if isinstance(value, dict) else {}
    code, text = details.get("errorCode"), details.get("message")
    message = ": ".join(part for part in (code, text) if isinstance(part, str) and part)
    message = " ".join(message.split())[:500] or "the platform refused the request"
    raise _refusal(answer.status, message)


def _refusal(status: int, message: str) -> EngageError:
    if status in (401, 403):
        return NotAuthorised(message, status)
    if status == 404:
        about = message.lower()
        for word, error in _UNKNOWN.items():
            if word in about:
                return error(message, status)
    return Rejected(message, status)


_UNKNOWN = {"contact": UnknownContact, "schema": UnknownSchema, "interaction": UnknownInteraction}


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


def _encode(schema_id: str, body: Mapping[str, Json]) -> bytes:
    try:
        return json.dumps(body, allow_nan=False).encode()
    except ValueError:
        problem = Violation("payload", "has a number that JSON cannot hold")
    raise InvalidPayload(schema_id, [problem])


def _target(interaction_id: str) -> str:
    problems: list[Violation] = []
    _check_id(problems, "id", interaction_id)
    if problems:
        raise InvalidPayload("interaction", problems)
    return f"interactions/{quote(interaction_id, safe='')}"


def _check_id(problems: list[Violation], name: str, value: object) -> None:
    """Any text that can stand in a path: ids are opaque, but dots alone would change the path."""
    if not isinstance(value, str):
        problems.append(Violation(name, "has to be a string", value))
    elif not value.strip(".") or len(value) > _LONGEST_ID or _SURROGATE.search(value):
        problems.append(Violation(name, "is no id", value))


_LONGEST_ID = 500
_SURROGATE = re.compile("[\ud800-\udfff]")
