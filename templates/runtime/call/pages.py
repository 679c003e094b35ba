"""The pages of a list of interactions.

The vendor documents that a page has `items` and `links`, and not how a link to the next page looks.
A page whose links cannot be understood is an error: it is never taken for the last one.
"""

import html
import re
from collections.abc import Iterable, Iterator
from typing import Generic, TypeVar
from urllib.parse import quote, urlencode

from ..errors import InvalidPayloadError, NotSentError, ReadError
from ..payload.types import Json, Payload
from ..results import Stored
from ..violation import Violation
from .ids import ContactId, check_contact_id
from .responses import read_object
from .retry import RetryPolicy, retry
from .steps import Call, Request

P = TypeVar("P", bound=Payload)

TRANSIENT = (NotSentError, ReadError)
"""The errors after which a read is retried."""

_FULL_PAGE = 50
_MOST_PAGES = 1000
_MOST_PAGES_WITHOUT_NEWS = 10
_LONGEST_TOKEN = 8000


class Pages(Generic[P]):
    """The interactions of one contact and schema, page by page, in the order of Engage."""

    def __init__(self, payload_class: type[P], contact_id: ContactId, policy: RetryPolicy) -> None:
        violations: list[Violation] = []
        contact_text = check_contact_id(violations, contact_id)
        if violations:
            raise InvalidPayloadError(payload_class.__schema_id__, violations)
        self._payload_class = payload_class
        self._policy = policy
        query = {"contactId": contact_text, "schemaId": payload_class.__schema_id__}
        self._query = urlencode(query)
        self._tokens = [""]
        self._ids: set[str] = set()
        self._pages_without_news = 0
        self.has_more = True
        self.is_last_full = False
        """Whether the last page had as many items as a page can have, so that the end of the list
        is the word of the links alone."""

    def next(self) -> Call[list[Stored[P]]]:
        """Read the next page, without items of earlier pages. Call it only while `has_more`.

        Raises `ReadError`, also for a list without end.
        """
        token = self._tokens[-1]
        continuation = f"&continuation={token}" if token else ""
        request = Request("GET", f"interactions?{self._query}{continuation}")
        page = yield from retry(request, read_object, self._policy, TRANSIENT)
        items = page.get("items")
        if not isinstance(items, list):
            raise ReadError("The answer of Engage has no list `items`.")
        next_token = find_next_token(page, token, is_full=len(items) >= _FULL_PAGE)
        parsed = (parse_stored(self._payload_class, item) for item in items)
        interactions = {stored.id: stored for stored in parsed if stored.id not in self._ids}
        self._ids |= interactions.keys()
        self._refuse_endless(next_token, has_news=bool(interactions))
        self.has_more = next_token is not None
        self.is_last_full = len(items) >= _FULL_PAGE
        self._tokens.append(next_token or "")
        return list(interactions.values())

    def _refuse_endless(self, next_token: str | None, *, has_news: bool) -> None:
        self._pages_without_news = 0 if has_news else self._pages_without_news + 1
        if next_token is None:
            return
        if next_token in self._tokens:
            raise ReadError("The link to the next page leads back to an earlier page.")
        if self._pages_without_news > _MOST_PAGES_WITHOUT_NEWS:
            raise ReadError(
                f"More than {_MOST_PAGES_WITHOUT_NEWS} pages in a row have no new item."
            )
        if len(self._tokens) >= _MOST_PAGES:
            raise ReadError(f"The list has more than {_MOST_PAGES} pages.")


def parse_stored(payload_class: type[P], value: Json) -> Stored[P]:
    """Convert an interaction of an answer. Raises `ReadError`."""
    if not isinstance(value, dict):
        raise ReadError(_NO_INTERACTION)
    texts = [value.get(key) for key in ("id", "contactId", "schemaId")]
    if any(not isinstance(text, (str, int)) or isinstance(text, bool) for text in texts):
        raise ReadError(_NO_INTERACTION)
    interaction_id, contact_id, schema_id = map(str, texts)
    created_date = str(value.get("createdDate") or "")
    return Stored(
        interaction_id, contact_id, schema_id, value.get("payload"), created_date, payload_class
    )


_NO_INTERACTION = "The answer of Engage contains an item that is not an interaction."


def find_next_token(page: dict[str, Json], current: str, *, is_full: bool) -> str | None:
    """Return the token of the next page as it is quoted in a query, or None for the last page.

    `current` is the token of this page. Takes the link with the relation ``next``, or else the only
    one with a token and a relation that is not known to lead elsewhere. Raises `ReadError` for
    anything that may mean another page. A full page is the last one only if the links say so.
    """
    links = page.get("links")
    if not links:
        if any(_may_continue(name, value) for name, value in page.items()):
            raise ReadError("The answer of Engage continues in a way that is not understood.")
        if links is None and is_full:
            raise ReadError("The answer of Engage is a full page without links.")
        return None
    parsed = list(_parse_links(links))
    to_next = [href for relations, href in parsed if "next" in relations]
    to_anywhere = [href for relations, href in parsed if not relations & _ELSEWHERE]
    token = _only_token(to_next or [href for href in to_anywhere if _is_list(href)])
    if token is None and is_full:
        to_last = _only_token([href for relations, href in parsed if "last" in relations])
        if to_next or (to_last or current) != current:
            raise ReadError("The answer of Engage is a full page without a link to the next one.")
    return token


_ELSEWHERE = frozenset("self first last prev previous current up start".split())


def _may_continue(name: str, value: Json) -> bool:
    """Return True for a member that may stand for another page, such as ``continuationToken``."""
    is_about_pages = re.search("continu|next|more", name.lower()) is not None
    return name not in ("items", "links") and is_about_pages and bool(value)


def _parse_links(links: Json) -> Iterator[tuple[frozenset[str], str]]:
    """Yield the relations and the address of each link, in a list or in an object."""
    pairs: Iterable[tuple[Json, Json]]
    if isinstance(links, list):
        pairs = [(_member(link, "rel"), link) for link in links]
    elif isinstance(links, dict):
        pairs = links.items()
    else:
        raise ReadError(_NO_LINKS)
    for relation, link in pairs:
        href = _member(link, "href") if isinstance(link, dict) else link
        if href is not None and not isinstance(href, str):
            raise ReadError(_NO_LINKS)
        yield _parse_relations(relation), html.unescape(href or "")


def _member(link: Json, name: str) -> Json:
    """Return the member of a link with this name in any case, or None."""
    members = link.items() if isinstance(link, dict) else ()
    return next((value for key, value in members if key.lower() == name), None)


_NO_LINKS = "The answer of Engage has links that are not understood."


def _parse_relations(relation: Json) -> frozenset[str]:
    """Return the names of relations in lower case: ``Next``, ``["next"]`` and ``nextPage`` are the
    same."""
    texts = relation if isinstance(relation, list) else [relation]
    words = " ".join(text for text in texts if isinstance(text, str)).lower().split()
    names = (re.sub("[^a-z]", "", re.split("[/#:]", word)[-1]) for word in words)
    return frozenset(name.removesuffix("link").removesuffix("page") for name in names)


def _is_list(href: str) -> bool:
    """Return True for an address that may be a page of the list."""
    path = href.partition("?")[0].rstrip("/")
    return bool(_TOKEN.search(href)) or path.endswith("/interactions")


def _only_token(hrefs: list[str]) -> str | None:
    """Return the token in links to the next page; None if they have an empty one, or no address."""
    tokens: set[str] = set()
    for href in hrefs:
        match = _TOKEN.search(href)
        if match is None and href:
            raise ReadError("The link to the next page has no continuation token.")
        if match is not None and match[1]:
            tokens.add(quote(match[1], safe=_QUOTED, errors="replace"))
    if len(tokens) > 1:
        raise ReadError("The answer of Engage has several links to the next page.")
    token = next(iter(tokens), None)
    if token is not None and len(token) > _LONGEST_TOKEN:
        raise ReadError("The link to the next page is too long.")
    return token


# The token is opaque: what is quoted stays as it is, and what a query cannot have is quoted.
_QUOTED = "%!$'()*+,-./:;=?@_~"
_TOKEN = re.compile("[?&]continuation(?:token)?=([^&]*)", re.IGNORECASE)
