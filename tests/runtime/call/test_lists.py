"""Lists of interactions: which page follows, where a list ends, and when it cannot be told."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import pytest

from engage_interactions import RetryPolicy
from engage_interactions._runtime.call.pages import Pages
from engage_interactions._runtime.call.steps import Answer, Failure, Reply, Request, Wait
from engage_interactions._runtime.errors import (
    InvalidPayloadError,
    RateLimitedError,
    ReadError,
    RejectedError,
)
from engage_interactions._runtime.results import Stored
from tests.support.runtime.platform import CONTACT, Gift

Body: TypeAlias = Mapping[str, object]

SENTENCE = r"\w+ \w+ \w+"
LIST = f"interactions?contactId={CONTACT}&schemaId=gift"


def item(name: object, **changes: object) -> dict[str, object]:
    return {
        "id": name,
        "contactId": CONTACT,
        "schemaId": "gift",
        "createdDate": "2026-03-14T09:26:53.589Z",
        "payload": {"note": "a"},
        **changes,
    }


def answer(body: object) -> Answer:
    return Answer(200, json.dumps(body).encode())


def linked(token: object, *names: str, rel: object = "next") -> dict[str, object]:
    """Return a page with a link to the next one."""
    href = f"/api/v3/interactions?continuation={token}"
    return {"items": [item(name) for name in names], "links": [{"rel": rel, "href": href}]}


LAST: Body = {"items": [], "links": []}


class List:
    """A list that reads the pages it is given, and records its requests."""

    def __init__(self, policy: RetryPolicy | None = None, contact: str = CONTACT) -> None:
        self.pages = Pages(Gift, contact, policy or RetryPolicy.never())
        self.targets: list[str] = []
        self.waits: list[float] = []

    def next(self, *replies: Reply | Body) -> list[Stored[Gift]]:
        """Read one page."""
        call = self.pages.next()
        remaining = list(replies)
        step: object = next(call)
        try:
            while True:
                if isinstance(step, Wait):
                    self.waits.append(step.seconds)
                    step = call.send(Failure("no request", may_have_arrived=False))
                    continue
                assert isinstance(step, Request)
                assert (step.method, step.body) == ("GET", None)
                self.targets.append(step.target)
                reply = remaining.pop(0)
                step = call.send(answer(reply) if isinstance(reply, Mapping) else reply)
        except StopIteration as end:
            assert not remaining
            items: list[Stored[Gift]] = end.value
            return items

    def ids(self, *replies: Reply | Body) -> list[str]:
        return [stored.id for stored in self.next(*replies)]


def test_the_pages_are_requested_by_their_tokens_until_there_is_no_link() -> None:
    interactions = List()
    assert interactions.pages.has_more
    assert interactions.pages.is_last_full is False
    assert interactions.ids(linked("t1", "a", "b")) == ["a", "b"]
    assert interactions.pages.has_more
    assert interactions.ids(linked("t2", "c")) == ["c"]
    assert interactions.ids(LAST) == []
    assert not interactions.pages.has_more
    assert interactions.targets == [LIST, f"{LIST}&continuation=t1", f"{LIST}&continuation=t2"]


def test_the_query_is_quoted() -> None:
    interactions = List(contact="a+b&c=d/é")
    interactions.next(LAST)
    assert interactions.targets == ["interactions?contactId=a%2Bb%26c%3Dd%2F%C3%A9&schemaId=gift"]


@pytest.mark.parametrize("contact", ["", " ", "..", "\ud800", None, 5])
def test_a_contact_without_a_valid_id_is_refused_before_the_first_request(contact: Any) -> None:
    with pytest.raises(InvalidPayloadError) as caught:
        List(contact=contact)
    assert caught.value.schema_id == "gift"
    assert [violation.property for violation in caught.value.violations] == ["contactId"]


def test_an_item_that_an_earlier_page_had_is_left_out() -> None:
    interactions = List()
    assert interactions.ids(linked("t1", "a", "b", "a")) == ["a", "b"]
    assert interactions.ids(linked("t2", "b", "c")) == ["c"]
    assert interactions.ids(linked("t3", "a", "d", "c")) == ["d"]


FULL = [item(f"i{number}") for number in range(50)]
ALMOST_FULL = FULL[:49]


def next_token(page: Body, before: str = "") -> str | None:
    """Return the token of the page that follows, or None after the last one."""
    interactions = List()
    if before:
        interactions.next(linked(before))
    interactions.next(page)
    if not interactions.pages.has_more:
        return None
    interactions.next(LAST)
    return interactions.targets[-1].removeprefix(f"{LIST}&continuation=")


NEXT = "/api/v3/interactions?continuation=t"
OTHER = "/api/v3/interactions?continuation=o"


@pytest.mark.parametrize(
    "relation",
    [
        *("next", "Next", "NEXT", "next-page", "next_page", "nextPage", "nextLink", "nextPageLink"),
        *(["next"], ["other", "next"], [5, "next"], "collection next", "next collection"),
        *("https://a.example/rels/next", "https://a.example/rels#next", "urn:rel:next", '"next"'),
    ],
    ids=str,
)
def test_the_relation_next_has_many_forms(relation: object) -> None:
    links = [{"rel": "more", "href": OTHER}, {"rel": relation, "href": NEXT}]
    assert next_token({"items": [item("a")], "links": links}) == "t"
    assert next_token({"items": FULL, "links": links[::-1]}) == "t"


@pytest.mark.parametrize(
    "relation",
    ["more", "nextX", "page", "link", "pagenext", "linknext", "next/", "next/x", 5, None],
)
def test_no_other_relation_is_taken_for_the_next_one(relation: object) -> None:
    links = [{"rel": "more", "href": OTHER}, {"rel": relation, "href": NEXT}]
    with pytest.raises(ReadError, match="several"):
        next_token({"items": [item("a")], "links": links})


@pytest.mark.parametrize(
    "links",
    [
        # The relation, in any form.
        [{"rel": "next", "href": NEXT}],
        [{"rel": "Next", "href": NEXT}],
        [{"REL": "next", "HREF": NEXT}],
        [{"rel": "next-page", "href": NEXT}],
        [{"rel": "nextPage", "href": NEXT}],
        [{"rel": "nextLink", "href": NEXT}],
        [{"rel": "nextPageLink", "href": NEXT}],
        [{"rel": ["next"], "href": NEXT}],
        [{"rel": [5, "next"], "href": NEXT}],
        [{"rel": "collection next", "href": NEXT}],
        [{"rel": "https://a.example/rels/next", "href": NEXT}],
        [{"rel": "https://a.example/rels#next", "href": NEXT}],
        [{"rel": "urn:rel:next", "href": NEXT}],
        {"next": NEXT},
        {"next": {"href": NEXT}},
        {"Next": {"Href": NEXT}},
        {"self": OTHER, "next": NEXT},
        # Beside others.
        [{"rel": "prev", "href": OTHER}, {"rel": "next", "href": NEXT}],
        [{"rel": "next", "href": NEXT}, {"rel": "more", "href": OTHER}],
        [{"rel": "next", "href": NEXT}, {"rel": "next", "href": NEXT}],
        [{"rel": "last", "href": OTHER}, {"rel": "next", "href": NEXT}],
        # Another relation, or none: the only link that is not known to lead elsewhere.
        [{"href": NEXT}],
        [{"href": "/x?continuation=t"}],
        [{"rel": "more", "href": NEXT}],
        [{"rel": 5, "href": NEXT}],
        [NEXT],
        [{"rel": "self", "href": OTHER}, {"rel": "following", "href": NEXT}],
        [{"rel": "following", "href": NEXT}, {"rel": "schema", "href": "/schemas/gift"}],
        # The token, in any place.
        [{"rel": "next", "href": "?continuation=t"}],
        [{"rel": "next", "href": "/x?a=b&continuation=t&c=d"}],
        [{"rel": "next", "href": "/x?a=b&amp;continuation=t&amp;c=d"}],
        [{"rel": "next", "href": "/x?Continuation=t"}],
        [{"rel": "next", "href": "/x?continuationToken=t"}],
    ],
    ids=str,
)
def test_a_link_leads_to_the_next_page(links: object) -> None:
    assert next_token({"items": [item("a")], "links": links}) == "t"
    assert next_token({"items": FULL, "links": links}) == "t"


@pytest.mark.parametrize(
    "page",
    [
        {"items": []},
        {"items": ALMOST_FULL},
        {"items": FULL, "links": []},
        {"items": FULL, "links": {}},
        {"items": [], "links": None},
        {"items": [], "links": False},
        {"items": [], "continuation": None, "hasMore": False, "nextPage": ""},
        {"items": [], "links": [{"rel": "next", "href": ""}]},
        {"items": [], "links": [{"rel": "next"}]},
        {"items": [], "links": [{"rel": "next", "href": None}]},
        {"items": [], "links": {"next": None}},
        {"items": [], "links": [{"rel": "next", "href": "/x?continuation="}]},
        {"items": [], "links": [{"rel": "next", "href": "/x?continuation=&a=b"}]},
        *(
            {"items": ALMOST_FULL, "links": [{"rel": rel, "href": OTHER}]}
            for rel in "self first last prev previous current up start Self prevLink".split()
        ),
        {"items": FULL, "links": [{"rel": "self", "href": OTHER}]},
        {"items": [], "links": [{"rel": "schema", "href": "/schemas/gift"}]},
        {"items": FULL, "links": [{"rel": "schema", "href": "/schemas/gift"}]},
    ],
    ids=lambda page: str(page)[-90:],
)
def test_a_page_is_the_last_one(page: Body) -> None:
    assert next_token(page) is None


@pytest.mark.parametrize(
    "page",
    [
        # Something that may stand for another page.
        {"items": [], "continuation": "t"},
        {"items": [], "continuationToken": "t"},
        {"items": [], "NextPage": "t"},
        {"items": [], "hasMore": True},
        {"items": [], "links": [], "continuation": "t"},
        {"items": [], "links": {}, "next": 1},
        {"items": FULL},
        {"items": FULL, "links": None},
        # Links that are not understood.
        {"items": [], "links": "next"},
        {"items": [], "links": 5},
        {"items": [], "links": True},
        {"items": [], "links": [{"rel": "next", "href": 5}]},
        {"items": [], "links": {"next": ["/x?continuation=t"]}},
        {"items": [], "links": [5]},
        {"items": [], "links": [{"rel": "next", "href": "/x?page=2"}]},
        {"items": [], "links": [{"href": "/api/v3/interactions"}]},
        {"items": [], "links": [{"rel": "more", "href": "/api/v3/interactions/?page=2"}]},
        # Several next pages.
        {"items": [], "links": [{"rel": "next", "href": NEXT}, {"rel": "next", "href": OTHER}]},
        {"items": [], "links": [{"href": NEXT}, {"rel": "more", "href": OTHER}]},
        # A full page without the next one.
        {"items": FULL, "links": [{"rel": "next", "href": ""}]},
        {"items": FULL, "links": [{"rel": "next"}]},
        {"items": FULL, "links": [{"rel": "last", "href": OTHER}]},
        {"items": FULL, "links": [{"rel": "self", "href": NEXT}, {"rel": "last", "href": OTHER}]},
        # No list.
        {"items": None, "links": []},
        {"items": {}, "links": []},
        {"links": []},
        {"items": [5], "links": []},
        {"items": [None], "links": []},
    ],
    ids=lambda page: str(page)[-90:],
)
def test_a_page_that_may_be_followed_by_another_is_an_error(page: Body) -> None:
    interactions = List()
    with pytest.raises(ReadError, match=SENTENCE):
        interactions.next(page)


def test_a_full_page_is_the_last_one_if_the_last_link_leads_to_it() -> None:
    page = {"items": FULL, "links": [{"rel": "last", "href": NEXT}]}
    assert next_token(page, before="t") is None
    with pytest.raises(ReadError, match=SENTENCE):
        next_token(page, before="another")
    to_itself = {"items": FULL, "links": [{"rel": "self", "href": NEXT}]}
    assert next_token(to_itself, before="t") is None


@pytest.mark.parametrize("count", [0, 49, 50, 51])
def test_a_page_is_full_with_fifty_items(count: int) -> None:
    interactions = List()
    interactions.next({"items": [item(f"i{number}") for number in range(count)], "links": []})
    assert interactions.pages.is_last_full == (count >= 50)


@pytest.mark.parametrize(
    ("token", "sent"),
    [
        ("a%2Bb", "a%2Bb"),
        ("a+b/c==", "a+b/c=="),
        ("!$'()*+,-./:;=?@_~", "!$'()*+,-./:;=?@_~"),
        ('"<>é ', "%22%3C%3E%C3%A9%20"),
        ("a\ud800", "a?"),
        ("t" * 8000, "t" * 8000),
    ],
)
def test_a_token_is_sent_as_it_is_and_only_quoted_where_it_must_be(token: str, sent: str) -> None:
    assert next_token(linked(token)) == sent


def test_a_token_that_is_too_long_is_an_error() -> None:
    with pytest.raises(ReadError, match=SENTENCE):
        next_token(linked("t" * 8001))


def test_a_link_back_to_any_earlier_page_is_an_error() -> None:
    interactions = List()
    interactions.next(linked("t1", "a"))
    interactions.next(linked("t2", "b"))
    interactions.next(linked("t3", "c"))
    with pytest.raises(ReadError, match=SENTENCE):
        interactions.next(linked("t1", "d"))
    interactions = List()
    interactions.next(linked("t1", "a"))
    with pytest.raises(ReadError, match=SENTENCE):
        interactions.next(linked("t1", "b"))


def test_ten_pages_in_a_row_can_have_no_new_item() -> None:
    interactions = List()
    interactions.next(linked("t0", "a"))
    for number in range(10):
        interactions.next(linked(f"empty{number}", "a"))
    interactions.next(linked("t1", "b"))
    for number in range(10):
        interactions.next(linked(f"again{number}"))
    with pytest.raises(ReadError, match=SENTENCE):
        interactions.next(linked("t2"))


def test_the_last_page_can_have_no_new_item_after_many_others() -> None:
    interactions = List()
    for number in range(10):
        interactions.next(linked(f"t{number}"))
    assert interactions.ids(LAST) == []


def test_a_list_has_at_most_a_thousand_pages() -> None:
    interactions = List()
    for number in range(999):
        interactions.next(linked(f"t{number}", f"i{number}"))
    with pytest.raises(ReadError, match=SENTENCE):
        interactions.next(linked("t999", "i999"))


@pytest.mark.parametrize("name", ["id", "contactId", "schemaId"])
@pytest.mark.parametrize("value", [None, True, False, 1.5, [], {}])
def test_an_item_without_its_ids_is_an_error(name: str, value: object) -> None:
    with pytest.raises(ReadError, match=SENTENCE):
        List().next({"items": [item("a", **{name: value})], "links": []})


def test_an_item_is_a_stored_interaction() -> None:
    (stored,) = List().next({"items": [item("a")], "links": []})
    assert (stored.id, stored.contact_id, stored.schema_id) == ("a", CONTACT, "gift")
    assert stored.raw_created_date == "2026-03-14T09:26:53.589Z"
    assert stored.raw == {"note": "a"}
    assert stored.payload == Gift("a")


@pytest.mark.parametrize(("date", "text"), [(None, ""), ("", ""), (0, ""), (5, "5"), ("x", "x")])
def test_ids_can_be_numbers_and_the_date_anything(date: object, text: str) -> None:
    changed = item(7, contactId=8, schemaId=9, createdDate=date)
    (stored,) = List().next({"items": [changed], "links": []})
    assert (stored.id, stored.contact_id, stored.schema_id) == ("7", "8", "9")
    assert stored.raw_created_date == text


@pytest.mark.parametrize(
    "failure",
    [
        Failure("cut", may_have_arrived=True),
        Failure("refused", may_have_arrived=False),
        Answer(429, b""),
        Answer(500, b""),
        Answer(408, b""),
        Answer(200, b"<p>"),
    ],
)
def test_a_page_is_read_again_by_the_policy(failure: Reply) -> None:
    policy = RetryPolicy(retry_delays=(1.0, 2.0))
    interactions = List(policy)
    assert interactions.ids(failure, failure, linked("t1", "a")) == ["a"]
    assert (interactions.targets, interactions.waits) == ([LIST] * 3, [1.0, 2.0])
    with pytest.raises((ReadError, RateLimitedError)):
        List(policy).next(failure, failure, failure)


def test_a_refusal_is_not_read_again() -> None:
    refused: Sequence[Reply] = [Answer(400, b'{"message": "no"}')]
    with pytest.raises(RejectedError):
        List(RetryPolicy(retry_delays=(1.0,))).next(*refused)
