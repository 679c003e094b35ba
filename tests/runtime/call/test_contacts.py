"""Contacts: the lookup of their ids, its cache, and what is accepted as the id of one."""

import json
import os
import pickle
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote_to_bytes
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engage_interactions import (
    AmbiguousContactError,
    AsyncEngageClient,
    ConfigurationError,
    ContactCache,
    ContactNotFoundError,
    EngageClient,
    InvalidPayloadError,
    ReadError,
    RejectedError,
    RetryPolicy,
    UnauthorizedError,
)
from engage_interactions.favourite import Favourite
from engage_interactions.outbox import Outbox
from engage_interactions.testing import AsyncRecordingClient, ManualClock, RecordingClient
from tests.support.runtime.clients import (
    URL,
    Handler,
    answering,
    both,
    calling,
    run,
    threads,
)
from tests.support.runtime.http_library import httpx

CONTACT = "3f0c1a52-7d5e-4b0e-9a64-1c2f5b8e0d01"
OTHER = "8a7e4c19-2b36-4f5d-8c71-6e90d3a4b502"
FAVOURITE = Favourite(product_sku="7120-38")
PARAMETERS = {
    "email": "email",
    "mobile_phone": "mobilePhone",
    "social_security_number": "socialSecurityNumber",
    "custom_key": "customKey",
    "any_key": "any",
    "contact_type": "contactType",
}


def refusing(status: int, code: str, details: object = None) -> Handler:
    return answering({"errorCode": code, "message": "no", "messageDetails": details}, status)


def target(request: httpx.Request) -> tuple[str, dict[str, str]]:
    """Return the path and the parameters of a request, decoded strictly: ``+`` is no space."""
    path, _, query = request.url.raw_path.decode().partition("?")
    pairs = (pair.partition("=") for pair in query.split("&"))
    return path, {name: unquote_to_bytes(value).decode() for name, _, value in pairs}


@both
@pytest.mark.parametrize("name", PARAMETERS)
def test_each_argument_is_sent_under_the_name_of_the_vendor(connect: Any, name: str) -> None:
    requests: list[httpx.Request] = []
    arguments = {name: "one value"}
    if name == "contact_type":
        arguments["email"] = "anna@example.com"
    client = connect(calling(requests, CONTACT))
    assert run(client.find_contact(**arguments)) == CONTACT
    (request,) = requests
    expected = {PARAMETERS[argument]: value for argument, value in arguments.items()}
    assert request.method == "GET"
    assert target(request) == ("/api/v3/contacts/id", expected)


values = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40).filter(
    lambda text: bool(text.strip())
)


@given(st.dictionaries(st.sampled_from(sorted(PARAMETERS)), values, min_size=1))
def test_every_value_arrives_unchanged_from_both_clients(arguments: dict[str, str]) -> None:
    arguments.setdefault("email", "anna+test@example.com")
    identical: list[tuple[bytes, list[tuple[bytes, bytes]]]] = []
    for connect in both.args[1]:
        requests: list[httpx.Request] = []
        run(connect(calling(requests, CONTACT)).find_contact(**arguments))
        (request,) = requests
        expected = {PARAMETERS[name]: value for name, value in arguments.items()}
        assert target(request) == ("/api/v3/contacts/id", expected)
        identical.append((request.url.raw_path, request.headers.raw))
    assert identical[0] == identical[1]


@both
@pytest.mark.parametrize(
    ("handler", "error_class", "words"),
    [
        (refusing(404, "ContactNotFound"), ContactNotFoundError, "no contact with this e-mail"),
        (
            refusing(409, "MultipleMatches", {"multipleMatchesFound": [CONTACT, OTHER]}),
            AmbiguousContactError,
            "2 contacts have this e-mail address",
        ),
        (refusing(409, "MultipleMatches"), AmbiguousContactError, "Several contacts"),
        (refusing(409, "Conflict"), RejectedError, "Conflict"),
        (refusing(400, "InvalidEmailAddress"), RejectedError, "InvalidEmailAddress"),
        (refusing(400, "InvalidPhoneNumber"), RejectedError, "InvalidPhoneNumber"),
        (refusing(400, "InvalidSocialSecurityNumber"), RejectedError, "InvalidSocialSecurity"),
        (refusing(400, "InvalidContactType"), RejectedError, "InvalidContactType"),
        (refusing(400, "InvalidSearchQuery"), RejectedError, "InvalidSearchQuery"),
        (refusing(500, "InvalidSystemConfiguration"), RejectedError, "is not set up"),
        (refusing(404, "RouteNotFound"), RejectedError, "RouteNotFound"),
        (refusing(401, "InvalidApiKey"), UnauthorizedError, "InvalidApiKey"),
        (answering(b"<html>", 404), ReadError, "not Engage's"),
        (answering({"id": CONTACT}), ReadError, "not Engage's"),
        (answering([CONTACT]), ReadError, "not Engage's"),
        (answering("anna@example.com"), ReadError, "not Engage's"),
        (answering(""), ReadError, "not Engage's"),
        (answering(b"", 204), ReadError, "not Engage's"),
        (answering({}, 500), ReadError, "500"),
        (answering({}, 302), ReadError, "not Engage's"),
    ],
)
def test_an_answer_without_one_contact_is_an_error_without_the_value(
    connect: Any, handler: Handler, error_class: type[Exception], words: str
) -> None:
    with pytest.raises(error_class) as caught:
        run(connect(handler).find_contact(email="anna@example.com"))
    assert type(caught.value) is error_class
    assert words in str(caught.value)
    assert "anna" not in repr(caught.value)


@both
def test_the_ids_of_several_contacts_are_in_the_error(connect: Any) -> None:
    details = {"multipleMatchesFound": [CONTACT, OTHER, 5], "hint": "several", "rule": OTHER}
    with pytest.raises(AmbiguousContactError) as caught:
        run(connect(refusing(409, "MultipleMatches", details)).find_contact(email="a@example.com"))
    assert caught.value.contact_ids == (CONTACT, OTHER)
    assert caught.value.response is not None
    assert caught.value.response.status == 409
    assert pickle.loads(pickle.dumps(caught.value)).contact_ids == (CONTACT, OTHER)


@both
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({}, "without a value to look for"),
        ({"email": None}, "without a value to look for"),
        ({"contact_type": "Member"}, "without a value to look for"),
        ({"email": ""}, "The email is blank"),
        ({"mobile_phone": " \n"}, "The mobile_phone is blank"),
        ({"email": "a@example.com", "contact_type": ""}, "The contact_type is blank"),
        ({"custom_key": "x" * 501}, "longer than 500 characters"),
        ({"custom_key": 12345}, "must be a string, not a value of the type int"),
        ({"email": b"a@example.com"}, "must be a string, not a value of the type bytes"),
        ({"any_key": "half \ud800"}, "half a character"),
    ],
)
def test_a_value_that_cannot_be_looked_up_sends_nothing(
    connect: Any, arguments: dict[str, Any], words: str
) -> None:
    requests: list[httpx.Request] = []
    with pytest.raises(ConfigurationError, match=words):
        run(connect(calling(requests, CONTACT)).find_contact(**arguments))
    assert not requests


def test_a_server_error_and_429_are_retried_and_an_answer_is_not() -> None:
    answers = [httpx.Response(429), httpx.Response(503), httpx.Response(200, json=CONTACT)]
    clock = ManualClock()

    def answer(request: httpx.Request) -> httpx.Response:
        assert request.url.path == "/api/v3/contacts/id"
        return answers.pop(0)

    client = EngageClient(
        URL,
        api_key="key",
        user_agent="Shop/1",
        clock=clock,
        http=httpx.Client(transport=httpx.MockTransport(answer)),
    )
    assert client.find_contact(custom_key="4711") == CONTACT
    answers[:] = [httpx.Response(404, json={"errorCode": "ContactNotFound"})]
    with pytest.raises(ContactNotFoundError):
        client.find_contact(custom_key="4711")
    assert not answers


class Events:
    """An observer that records."""

    def __init__(self) -> None:
        self.events: list[tuple[Any, ...]] = []

    def attempted(self, method: str, route: str, status: int | None, seconds: float) -> None:
        del seconds
        self.events.append((method, route, status))

    def waited(self, reason: str, seconds: float) -> None:
        del reason, seconds

    def finished(self, operation: str, schema_id: str, outcome: str, seconds: float) -> None:
        del seconds
        self.events.append((operation, schema_id, outcome))


@both
def test_an_observer_gets_no_personal_data(connect: Any) -> None:
    events = Events()
    client = connect(calling([], CONTACT), observer=events)
    run(client.find_contact(email="anna@example.com"))
    assert events.events == [("GET", "contacts/id", 200), ("find_contact", "", "ok")]


# The cache.


def counting(ids: Mapping[str, str]) -> tuple[list[str], Handler]:
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        email = request.url.params["email"]
        asked.append(email)
        if email in ids:
            return httpx.Response(200, json=ids[email])
        return httpx.Response(404, json={"errorCode": "ContactNotFound"})

    return asked, answer


@both
def test_a_cache_remembers_what_was_found(connect: Any) -> None:
    asked, handler = counting({"a@x": CONTACT, "b@x": OTHER})
    cache = ContactCache()
    client = connect(handler, contact_cache=cache)
    for email, expected in [("a@x", CONTACT), ("b@x", OTHER), ("a@x", CONTACT), ("b@x", OTHER)]:
        assert run(client.find_contact(email=email)) == expected
    assert asked == ["a@x", "b@x"]
    run(client.find_contact(email="a@x", contact_type="Member"))
    assert asked == ["a@x", "b@x", "a@x"]
    for _ in range(2):
        with pytest.raises(ContactNotFoundError):
            run(client.find_contact(email="nobody@x"))
    assert asked[3:] == ["nobody@x", "nobody@x"]
    assert "a@x" not in repr(cache)


def test_a_cache_forgets_by_age_by_size_and_when_told() -> None:
    asked, handler = counting({f"{letter}@x": CONTACT for letter in "abcd"})
    clock, cache = ManualClock(), ContactCache(max_size=3, max_age=60)
    client = threads(handler, contact_cache=cache, clock=clock)

    def find(letters: str) -> str:
        """Return the letters that were asked for at the platform."""
        asked.clear()
        for letter in letters:
            client.find_contact(email=f"{letter}@x")
        return "".join(email[0] for email in asked)

    assert find("abc") == "abc"
    clock.advance(59)
    assert find("abc") == ""
    clock.advance(2)
    assert find("aabc") == "abc"
    assert find("ad") == "d"  # Forgets b, which was not used for the longest time.
    assert find("acd") == ""
    assert find("b") == "b"
    assert len(cache) == 3
    cache.discard(UUID(CONTACT))
    assert (len(cache), find("a")) == (0, "a")
    cache.clear()
    assert find("a") == "a"


def test_clients_of_two_tenants_share_a_cache_without_sharing_contacts() -> None:
    cache = ContactCache()
    for url, contact in [(URL, CONTACT), ("https://other.voyado.com", OTHER)]:
        client = threads(calling([], contact), url=url, contact_cache=cache)
        assert client.find_contact(email="a@x") == contact
    assert len(cache) == 2


@pytest.mark.parametrize("arguments", [{"max_size": 0}, {"max_age": 0}, {"max_age": -1}])
def test_a_cache_that_cannot_work_is_refused(arguments: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError):
        ContactCache(**arguments)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the platform has no fork")
def test_a_forked_process_can_use_the_cache_whoever_held_its_lock() -> None:
    cache = ContactCache()
    cache.put(("a",), CONTACT, 0.0)
    with cache._lock:  # pyright: ignore[reportPrivateUsage]
        child = os.fork()
        if not child:
            os._exit(cache.get(("a",), 0.0) != CONTACT)
    assert os.waitpid(child, 0)[1] == 0


# What is the id of a contact.

NO_CONTACT_IDS: list[Any] = [
    *("", " ", ".", "..", "anna@example.com", "+46701234567", "0701234567", "070-123 45 67"),
    *("070-1234567", "4711", f" {CONTACT}", f"{CONTACT}\n", "a b", "a\u00a0b", "a\x00b", "\ud800"),
    *("x" * 501, None, 4711, b"abc", CONTACT.encode(), ["a"]),
]
CONTACT_IDS: list[tuple[Any, str]] = [
    (CONTACT, CONTACT),
    (UUID(CONTACT), CONTACT),
    (CONTACT.upper(), CONTACT.upper()),
    (f"{{{CONTACT}}}", f"{{{CONTACT}}}"),
    (CONTACT.replace("-", ""), CONTACT.replace("-", "")),
    ("12345678-1234-1234-1234-123456789012", "12345678-1234-1234-1234-123456789012"),
    ("UhoMP15dDkuaZBwvW44NAQ", "UhoMP15dDkuaZBwvW44NAQ"),
    ("contact-1", "contact-1"),
]


def uses(path: Path) -> dict[str, Callable[[Any, Any], Any]]:
    """Return everything that takes the id of a contact: client and id to the ids that it used."""
    outbox = Outbox(path / "outbox.db")
    return {
        "send": lambda client, contact: run(client.send(contact, FAVOURITE)),
        "list": lambda client, contact: run(client.list(Favourite, contact)),
        "interactions": lambda client, contact: run(client.interactions(contact, [Favourite])),
        "find": lambda client, contact: run(client.find(contact, FAVOURITE, ManualClock().now())),
        "put": lambda client, contact: outbox.put(contact, FAVOURITE),
    }


USES = ["send", "list", "interactions", "find", "put"]


@both
@pytest.mark.parametrize("use", USES)
def test_what_cannot_be_a_contact_id_is_refused_when_it_is_given(
    tmp_path: Path, connect: Any, use: str
) -> None:
    requests: list[httpx.Request] = []
    client = connect(calling(requests, {"id": "i1", "items": []}))
    for value in NO_CONTACT_IDS:
        with pytest.raises(InvalidPayloadError) as caught:
            uses(tmp_path)[use](client, value)
        (violation,) = caught.value.violations
        assert violation.property == "contactId"
        assert violation.code == ("id" if isinstance(value, str) else "type")
    assert not requests


@both
@pytest.mark.parametrize("use", USES)
def test_a_uuid_and_every_text_that_can_be_a_contact_id_is_accepted(
    tmp_path: Path, connect: Any, use: str
) -> None:
    for value, expected in CONTACT_IDS:
        requests: list[httpx.Request] = []
        client = connect(calling(requests, {"id": "i1", "items": []}))
        uses(tmp_path)[use](client, value)
        if use == "put":
            *_, entry = Outbox(tmp_path / "outbox.db").entries()
            assert entry.contact_id == expected
        else:
            (request,) = requests
            body = json.loads(request.content or b"{}")
            assert request.url.params.get("contactId", body.get("contactId")) == expected


# The recording clients.


@pytest.mark.parametrize("client_class", [RecordingClient, AsyncRecordingClient])
def test_a_recording_client_finds_the_contacts_that_a_test_added(client_class: Any) -> None:
    client = client_class()
    client.add_contact(CONTACT, email="anna+1@example.com", custom_key="4711")
    client.add_contact(OTHER, email="bo@example.com", custom_key="4711", contact_type="Contact")
    assert run(client.find_contact(email="anna+1@example.com")) == CONTACT
    assert run(client.find_contact(any_key="bo@example.com")) == OTHER
    assert run(client.find_contact(custom_key="4711", contact_type="Contact")) == OTHER
    assert run(client.find_contact(custom_key="4711", email="bo@example.com")) == OTHER
    with pytest.raises(AmbiguousContactError) as caught:
        run(client.find_contact(custom_key="4711"))
    assert caught.value.contact_ids == (CONTACT, OTHER)
    with pytest.raises(ContactNotFoundError):
        run(client.find_contact(email="anna 1@example.com"))
    run(client.send(run(client.find_contact(email="bo@example.com")), FAVOURITE))
    client.assert_sent(FAVOURITE, contact_id=OTHER)
    client.assert_sent(FAVOURITE, contact_id=UUID(OTHER), times=1)


def test_both_clients_have_the_same_reads() -> None:
    def names(client_class: type[object]) -> set[str]:
        return {name for name in dir(client_class) if not name.startswith("_")}

    assert names(EngageClient) - {"close"} == names(AsyncEngageClient) - {"aclose"}


def test_a_policy_without_retries_asks_once() -> None:
    asked, handler = counting({})
    client = threads(handler)
    with pytest.raises(ContactNotFoundError):
        client.find_contact(email="a@x", retry=RetryPolicy.background())
    assert asked == ["a@x"]
