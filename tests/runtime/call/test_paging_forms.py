"""A list is complete or an error, however the platform links its pages: never the first page alone.

Each form writes the links of three pages. For a lookup, the interaction is on the last one.
"""

import html
import json
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias
from urllib.parse import quote
from uuid import uuid4

import pytest

from engage_interactions import EngageError, OutcomeUnknownError, ReadError, Receipt, RetryPolicy
from engage_interactions.favourite import Favourite
from tests.support.runtime.raw.one_send import (
    CONTACT,
    client_for,
    favourite,
    first,
    outcome_of,
    store_and_reset,
)
from tests.support.runtime.raw.platform import PAGE_SIZE, Exchange, Item, RawPlatform, render_answer

pytestmark = pytest.mark.slow

COUNT = 120
PAGES = 3
PATH = "/api/v3/interactions"
QUERY = f"contactId={CONTACT}&schemaId=favourite"

Body: TypeAlias = dict[str, Any]
Form: TypeAlias = Callable[[int], Body]
"""Page number, from 0 -> the members of the page that link to others."""


def href(page: int, name: str = "continuation") -> str:
    return f"{PATH}?{QUERY}&{name}={page}"


def link(rel: object, page: int, **members: object) -> Body:
    return {"href": href(page), "method": "GET", "rel": rel, **members}


def is_last(page: int) -> bool:
    return page >= PAGES - 1


def links(*before: str, next_rel: object = "next", after: tuple[str, ...] = ()) -> Form:
    """Link to other pages before and after the link to the next one."""

    def write(page: int) -> Body:
        following = [] if is_last(page) else [link(next_rel, page + 1)]
        return {"links": [*named(before, page), *following, *named(after, page)]}

    return write


def named(rels: tuple[str, ...], page: int) -> list[Body]:
    targets = {
        **dict.fromkeys(("self", "current", "up", "canonical", "alternate"), page),
        **dict.fromkeys(("first", "start", "firstpage"), 0),
        **dict.fromkeys(("last", "end", "lastpage"), PAGES - 1),
        **dict.fromkeys(("prev", "previous", "previouspage"), page - 1),
    }
    return [link(rel, targets[rel.lower()]) for rel in rels if targets[rel.lower()] >= 0]


def following(write: Callable[[int], Body]) -> Form:
    """Write the members of a page that link to the next one, if there is one."""
    return lambda page: {"links": []} if is_last(page) else write(page + 1)


def hrefs(write: Callable[[int], object]) -> Form:
    """Write the href of the next link."""
    return following(lambda page: {"links": [{**link("next", page), "href": write(page)}]})


UNDERSTOOD: dict[str, Form] = {
    "next": links(),
    "self and next": links("self"),
    "self, prev and next": links("self", "prev"),
    "Self, Prev and Next": links("Self", "Prev", next_rel="Next"),
    "SELF, PREVIOUS and NEXT": links("SELF", "PREVIOUS", next_rel="NEXT"),
    "first and last before next": links("first", "last"),
    "First and Last before Next": links("First", "Last", next_rel="Next"),
    "last before next": links("last"),
    "last after next": links(after=("last",)),
    "current before next": links("current"),
    "Current, First, Previous and Last around Next": links(
        "Current", "First", next_rel="Next", after=("Previous", "Last")
    ),
    "an absolute address": hrefs(lambda page: f"https://acme.voyado.com{href(page)}"),
    "a query alone": hrefs(lambda page: f"?{QUERY}&continuation={page}"),
    "the token first": hrefs(lambda page: f"{PATH}?continuation={page}&{QUERY}"),
    "a fragment": hrefs(lambda page: f"{href(page)}#top"),
    "other members": following(lambda page: {"links": [link("next", page, title=None, type="x")]}),
}
"""The vendor's own form and its usual variations: the list is complete."""

ODD: dict[str, Form] = {
    "previousPage before next": links("previousPage"),
    "nextPage": links(next_rel="nextPage"),
    "up, canonical and alternate before next": links("up", "canonical", "alternate"),
    "another rel alone": links(next_rel="more"),
    "an address as the rel": links(next_rel="https://schema.org/next"),
    "a rel with spaces": links(next_rel=" next "),
    "several rels in a text": links(next_rel="nofollow next"),
    "rel as a list": links(next_rel=["next"]),
    "rel as a list of several": links(next_rel=["nofollow", "Next"]),
    "rel as an object": links(next_rel={"name": "next"}),
    "rel null": links(next_rel=None),
    "rel a number": links(next_rel=2),
    "no rel": following(lambda page: {"links": [{"href": href(page), "method": "GET"}]}),
    "Rel and Href": following(lambda page: {"links": [{"Href": href(page), "Rel": "next"}]}),
    "Links": following(lambda page: {"Links": [link("next", page)]}),
    "_links": following(lambda page: {"_links": {"next": {"href": href(page)}}}),
    "links as an object": following(lambda page: {"links": {"next": {"href": href(page)}}}),
    "links as an object of texts": following(lambda page: {"links": {"next": href(page)}}),
    "links as an object, capitalized": following(
        lambda page: {"links": {"Self": {"href": href(page - 1)}, "Next": {"href": href(page)}}}
    ),
    "links as an object of lists": following(lambda page: {"links": {"next": [link("", page)]}}),
    "links as one link": following(lambda page: {"links": link("next", page)}),
    "links as texts": following(lambda page: {"links": [href(page)]}),
    "links as a text": following(lambda page: {"links": href(page)}),
    "links in a text": following(lambda page: {"links": json.dumps([link("next", page)])}),
    "links in a list of lists": following(lambda page: {"links": [[link("next", page)]]}),
    "a null among the links": following(lambda page: {"links": [None, link("next", page)]}),
    "two links to next": lambda page: {
        "links": [] if is_last(page) else [link("next", PAGES - 1), link("next", page + 1)]
    },
    "Continuation=": hrefs(lambda page: href(page, "Continuation")),
    "CONTINUATION=": hrefs(lambda page: href(page, "CONTINUATION")),
    "continuationToken=": hrefs(lambda page: href(page, "continuationToken")),
    "$skiptoken=": hrefs(lambda page: href(page, "$skiptoken")),
    "page=": hrefs(lambda page: href(page, "page")),
    "escaped for HTML": hrefs(lambda page: html.escape(href(page))),
    "escaped for HTML, the token first": hrefs(
        lambda page: html.escape(f"{PATH}?continuation={page}&{QUERY}")
    ),
    "&#38;": hrefs(lambda page: href(page).replace("&", "&#38;")),
    "a semicolon": hrefs(lambda page: href(page).replace("&", ";")),
    "quoted twice": hrefs(lambda page: quote(href(page))),
    "the token in the path": hrefs(lambda page: f"{PATH}/continuation/{page}"),
    "the token in the fragment": hrefs(lambda page: f"{PATH}?{QUERY}#continuation={page}"),
    "no token": hrefs(lambda page: f"{PATH}?{QUERY}&continuation="),
    "a token of the last page that is another": hrefs(lambda page: f"{PATH}?{QUERY}"),
    "a templated link": hrefs(lambda page: f"{PATH}?{QUERY}{{&continuation}}"),
    "href null": hrefs(lambda page: None),
    "href empty": hrefs(lambda page: ""),
    "href an object": hrefs(lambda page: {"url": href(page)}),
    "a token with a line feed": hrefs(lambda page: f"{href(page)}\n"),
    "a token that is not ASCII": hrefs(lambda page: f"{href(page)}\u00e9"),
    "continuation in the page": following(lambda page: {"links": [], "continuation": str(page)}),
    "Continuation in the page": following(lambda page: {"Continuation": str(page)}),
    "continuationToken in the page": following(lambda page: {"continuationToken": str(page)}),
    "next in the page": following(lambda page: {"next": href(page)}),
    "nextLink in the page": following(lambda page: {"nextLink": href(page)}),
    "@odata.nextLink": following(lambda page: {"@odata.nextLink": href(page)}),
    "paging in the page": following(lambda page: {"paging": {"cursors": {"after": str(page)}}}),
    "a total in the page": lambda page: {"total": COUNT, "page": page},
    "hasMore in the page": lambda page: {"hasMore": not is_last(page)},
    "no links": lambda page: {},
    "links empty": lambda page: {"links": []},
    "links null": lambda page: {"links": None},
    "self alone": lambda page: {"links": named(("self",), page)},
    "first and last alone": lambda page: {"links": named(("first", "last"), page)},
}
"""Forms that a client may understand, or not: the list is complete or an error."""

FORMS = UNDERSTOOD | ODD
LINKED_BY_A_HEADER = {"Link": f'<{href(1)}>; rel="next"'}


def linked(form: Form, headers: Mapping[str, object] = {}) -> Callable[[Exchange], None]:
    """Answer with full pages, oldest interactions last."""

    def answer(exchange: Exchange) -> None:
        query = {name.lower(): value for name, value in exchange.request.query.items()}
        text = query.get("continuation", "0")
        page = int("".join(filter(str.isdigit, text)) or "0")
        part = exchange.platform.stored[page * PAGE_SIZE : (page + 1) * PAGE_SIZE]
        exchange.write(render_answer(200, {"items": part, **form(page)}, headers))

    return answer


def items(count: int) -> list[Item]:
    return [favourite(number) for number in range(count)]


ENDS = ("links empty", "self alone")
"""Forms of a page that can be the last one of a list, even if it is full. A lookup must not rely on
that."""


@pytest.mark.parametrize("form", [form for form in FORMS if form not in ENDS])
def test_a_list_is_complete_or_an_error(form: str) -> None:
    with RawPlatform(page=linked(FORMS[form])) as platform, client_for(platform) as client:
        platform.stored.extend(items(COUNT))
        listed: list[str] = []
        try:
            listed += [item.id for item in client.list(Favourite, CONTACT)]
        except ReadError:
            assert form not in UNDERSTOOD
            return
    assert listed == [item["id"] for item in platform.stored]


@pytest.mark.parametrize("form", FORMS)
def test_a_lookup_that_does_not_understand_the_links_sends_nothing_again(form: str) -> None:
    with (
        RawPlatform(post=first(store_and_reset), page=linked(FORMS[form])) as platform,
        client_for(platform) as client,
    ):
        platform.stored.extend(items(COUNT - 1))
        outcome = outcome_of(lambda: client.send(CONTACT, Favourite(product_sku="new")))
        assert platform.count("POST") == 1
    assert isinstance(outcome, Receipt if form in UNDERSTOOD else Receipt | OutcomeUnknownError)
    if isinstance(outcome, Receipt):
        assert outcome.id == platform.stored[-1]["id"]


def test_a_full_page_that_is_linked_by_a_header_alone_is_not_taken_for_the_last() -> None:
    page = linked(lambda page: {}, LINKED_BY_A_HEADER)
    with RawPlatform(page=page) as platform, client_for(platform) as client:
        platform.stored.extend(items(PAGE_SIZE + 1))
        with pytest.raises(ReadError):
            list(client.list(Favourite, CONTACT))


@pytest.mark.parametrize("count", [0, 1, PAGE_SIZE - 1])
@pytest.mark.parametrize("form", ["links empty", "links null", "no links", "self alone"])
def test_a_page_that_is_not_full_is_the_last_without_a_link(form: str, count: int) -> None:
    with RawPlatform(page=linked(FORMS[form])) as platform, client_for(platform) as client:
        platform.stored.extend(items(count))
        assert len(list(client.list(Favourite, CONTACT))) == count


def endless(write: Callable[[Exchange, int], Body]) -> Callable[[Exchange], None]:
    """Answer every list with a page that links to another one."""

    def answer(exchange: Exchange) -> None:
        page = int(exchange.request.query.get("continuation", "0").split("-")[0])
        exchange.write(render_answer(200, write(exchange, page)))

    return answer


def empty_page(exchange: Exchange, page: int) -> Body:
    return {"items": [], "links": [link("next", page + 1)]}


def same_page(exchange: Exchange, page: int) -> Body:
    return {"items": exchange.platform.stored[:PAGE_SIZE], "links": [link("next", page + 1)]}


def page_with_a_random_token(exchange: Exchange, page: int) -> Body:
    target = f"{PATH}?continuation={page + 1}-{uuid4()}"
    return {"items": [], "links": [{"href": target, "rel": "next", "method": "GET"}]}


def page_and_itself(exchange: Exchange, page: int) -> Body:
    return {"items": exchange.platform.stored[:1], "links": [link("next", page)]}


def two_pages_in_turn(exchange: Exchange, page: int) -> Body:
    return {"items": exchange.platform.stored[:1], "links": [link("next", 3 - page if page else 1)]}


def items_with_new_ids(exchange: Exchange, page: int) -> Body:
    return {"items": [favourite(page)], "links": [link("next", page + 1)]}


ENDLESS = {
    "empty pages": empty_page,
    "the same page": same_page,
    "random tokens": page_with_a_random_token,
    "a page that links to itself": page_and_itself,
    "two pages in turn": two_pages_in_turn,
    "new interactions for ever": items_with_new_ids,
}
MOST_PAGES = 4_000
"""More pages than any contact has: the platform hangs up, and the test fails."""


@pytest.mark.parametrize("form", ENDLESS)
def test_a_list_without_an_end_ends_with_an_error(form: str) -> None:
    platform = RawPlatform(page=limited(endless(ENDLESS[form])))
    with platform, client_for(platform) as client:
        platform.stored.extend(items(PAGE_SIZE))
        with pytest.raises(ReadError):
            for _ in client.list(Favourite, CONTACT, retry=RetryPolicy.never()):
                pass
        assert platform.count("GET") < MOST_PAGES


@pytest.mark.parametrize("form", ENDLESS)
def test_a_lookup_in_a_list_without_an_end_is_inconclusive(form: str) -> None:
    platform = RawPlatform(post=first(store_and_reset), page=limited(endless(ENDLESS[form])))
    with platform, client_for(platform) as client:
        platform.stored.extend(items(PAGE_SIZE))
        outcome = outcome_of(lambda: client.send(CONTACT, Favourite(product_sku="new")))
        assert platform.count("POST") == 1
        assert platform.count("GET") < MOST_PAGES
    assert isinstance(outcome, OutcomeUnknownError)


def limited(reply: Callable[[Exchange], None]) -> Callable[[Exchange], None]:
    """Hang up after the most pages."""

    def answer(exchange: Exchange) -> None:
        if len(exchange.platform.requests) > MOST_PAGES:
            exchange.reset()
        else:
            reply(exchange)

    return answer


def html_page(exchange: Exchange) -> None:
    exchange.write(render_answer(200, b"<html>sign in</html>"))


def status(code: int, body: object = b"", **headers: object) -> Callable[[Exchange], None]:
    return lambda exchange: exchange.write(render_answer(code, body, headers))


def with_items(write: Callable[[list[Item]], Any]) -> Callable[[Exchange], None]:
    return lambda exchange: exchange.write(
        render_answer(200, write(exchange.platform.stored), {"X-Cache": "HIT"})
    )


def second_page_fails(exchange: Exchange) -> None:
    if "continuation" in exchange.request.query:
        exchange.write(render_answer(500))
    else:
        exchange.write(render_answer(200, {"items": [], "links": [link("next", 1)]}))


NOT_A_LIST: dict[str, Callable[[Exchange], None]] = {
    "an HTML page": html_page,
    "nothing": status(200),
    "202": status(202),
    "204": lambda exchange: exchange.write(b"HTTP/1.1 204 No Content\r\n\r\n"),
    "a redirect": status(302, Location="http://127.0.0.1:9/"),
    "a redirect to no address": status(302, Location="mailto:x"),
    "304": lambda exchange: exchange.write(b"HTTP/1.1 304 Not Modified\r\n\r\n"),
    "401": status(401, {"message": "no"}),
    "404 without the error of the platform": status(404, b"<html>no route</html>"),
    "404 with another error": status(404, {"title": "Not Found"}),
    "405": status(405),
    "407": status(407),
    "421": status(421),
    "500": status(500),
    "null": status(200, None),
    "an array": with_items(lambda items: items),
    "data": with_items(lambda items: {"data": items, "links": []}),
    "Items": with_items(lambda items: {"Items": items, "Links": []}),
    "items null": with_items(lambda items: {"items": None, "links": []}),
    "items as an object": with_items(lambda items: {"items": {item["id"]: item for item in items}}),
    "items in an envelope": with_items(lambda items: {"result": {"items": items, "links": []}}),
    "a null among the items": with_items(lambda items: {"items": [None, *items], "links": []}),
    "an id among the items": with_items(lambda items: {"items": [i["id"] for i in items]}),
    "a second page that fails": second_page_fails,
    "a page cut within": lambda exchange: exchange.write(render_answer(200, b'{"items": [')),
}


@pytest.mark.parametrize("name", NOT_A_LIST)
def test_a_lookup_that_gets_no_list_sends_nothing_again(name: str) -> None:
    with (
        RawPlatform(post=first(store_and_reset), page=NOT_A_LIST[name]) as platform,
        client_for(platform) as client,
    ):
        outcome = outcome_of(lambda: client.send(CONTACT, Favourite(product_sku="new")))
        assert platform.count("POST") == 1
    assert isinstance(outcome, Receipt | OutcomeUnknownError), outcome


@pytest.mark.parametrize("name", NOT_A_LIST)
def test_a_list_that_is_none_is_an_error_of_ours(name: str) -> None:
    with RawPlatform(page=NOT_A_LIST[name]) as platform, client_for(platform) as client:
        platform.stored.append(favourite(1))
        with pytest.raises(EngageError):
            list(client.list(Favourite, CONTACT))
