"""What is known about a POST that left is what the caller is told, whatever answers it.

An answer that is not the platform's own is no verdict: the interaction is looked up first.
"""

import asyncio
import threading
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from engage_interactions import (
    AsyncEngageClient,
    EngageClient,
    EngageError,
    OutcomeUnknownError,
    Receipt,
    RejectedError,
    RetryPolicy,
)
from engage_interactions.favourite import Favourite
from tests.support.runtime.clocks import FakeClock
from tests.support.runtime.raw.faults import (
    close,
    drip_and_close,
    http_1_0_truncated,
    http_1_0_without_a_body,
    omit_the_body,
    random_bytes,
    reset,
    truncate_the_body,
    truncate_without_a_length,
)
from tests.support.runtime.raw.one_send import (
    CONTACT,
    RESEND,
    client_for,
    first,
    outcome_of,
    store_and_reset,
    stored,
)
from tests.support.runtime.raw.platform import Exchange, RawPlatform, Reply, accept, render_answer

pytestmark = pytest.mark.slow

PAYLOAD = Favourite(product_sku="1")
LOGIN = b"<!doctype html><title>Sign in</title>"
ELSEWHERE = "http://127.0.0.1:9/login"


def answer(status: int, body: object = b"", **headers: object) -> Reply:
    """Write an answer; `Retry_After` is the header Retry-After."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda exchange: exchange.write(render_answer(status, body, named))


def raw(data: bytes) -> Reply:
    return lambda exchange: exchange.write(data)


def with_id(value: object) -> Reply:
    return answer(200, {"id": value, "self": {}})


def own_id(write: Callable[[str], Any]) -> Reply:
    """Answer with the id of the interaction in an unexpected place."""
    return lambda exchange: exchange.write(render_answer(200, write(exchange.item["id"])))


ODD_SUCCESS: dict[str, Reply] = {
    "202 empty": answer(202),
    "202 queued": answer(202, {"status": "queued"}),
    "203 HTML": answer(203, LOGIN),
    "204": raw(b"HTTP/1.1 204 No Content\r\n\r\n"),
    "205": raw(b"HTTP/1.1 205 Reset Content\r\nContent-Length: 0\r\n\r\n"),
    "200 empty": answer(200),
    "200 with a space": answer(200, b" \r\n"),
    "200 HTML": answer(200, LOGIN),
    "201 HTML": answer(201, LOGIN),
    "200 text": answer(200, b"OK"),
    "200 null": answer(200, None),
    "200 true": answer(200, True),
    "200 {}": answer(200, {}),
    "200 []": answer(200, []),
    "200 with an error": answer(200, {"errorCode": "Unavailable", "message": "try later"}),
    "200 damaged": answer(200, b'{"id": "'),
    "200 in UTF-16": answer(200, '{"ok": true}'.encode("utf-16")),
    "200 with nested arrays": answer(200, b"[" * 100_000),
    "id null": with_id(None),
    "id empty": with_id(""),
    "id blank": with_id("  "),
    "id true": with_id(True),
    "id a fraction": with_id(1.5),
    "id an object": with_id({"value": 1}),
    "id a list": with_id(["1"]),
    "Id": own_id(lambda value: {"Id": value}),
    "interactionId": own_id(lambda value: {"interactionId": value}),
    "an id in an envelope": own_id(lambda value: {"data": {"id": value}}),
    "an id in a list": own_id(lambda value: [{"id": value}]),
    "an id as text": own_id(lambda value: value),
    "truncated body": truncate_the_body,
    "no body": omit_the_body,
    "truncated without a length": truncate_without_a_length,
    "HTTP/1.0 without a body": http_1_0_without_a_body,
    "HTTP/1.0 truncated": http_1_0_truncated,
    "dripped and cut": drip_and_close,
    "random bytes": random_bytes,
}
"""Answers that look like a success, and name no interaction."""

STATUSES = [
    *(301, 302, 303, 304, 307, 308),
    *(404, 405, 406, 407, 410, 411, 413, 414, 415, 421, 423, 425, 426, 431, 451),
]
FOREIGN: dict[str, Reply] = {
    f"{status} {name}": answer(status, body, **({"Location": ELSEWHERE} if status < 400 else {}))
    for status in STATUSES
    for name, body in {
        "HTML": LOGIN,
        "empty": b"",
        "another JSON": b'{"type": "about:blank", "title": "No route"}',
    }.items()
    if status != 304 or not body
}
"""Answers of infrastructure: without the form of the platform's errors."""

NO_VERDICT = ODD_SUCCESS | FOREIGN


@pytest.mark.parametrize("name", NO_VERDICT)
def test_a_stored_interaction_is_never_reported_as_not_stored(name: str) -> None:
    with RawPlatform(post=first(stored(NO_VERDICT[name]))) as platform:
        with client_for(platform) as client:
            outcome = outcome_of(lambda: client.send(CONTACT, PAYLOAD))
        assert (platform.count("POST"), len(platform.stored)) == (1, 1)
    if name in ODD_SUCCESS:
        assert isinstance(outcome, Receipt), outcome
    assert isinstance(outcome, Receipt | OutcomeUnknownError), outcome
    if isinstance(outcome, Receipt):
        assert outcome.id == platform.stored[0]["id"]


@pytest.mark.parametrize("name", ODD_SUCCESS)
def test_an_odd_success_is_looked_up_before_anything_is_reported(name: str) -> None:
    with RawPlatform(post=first(ODD_SUCCESS[name])) as platform:
        with client_for(platform) as client:
            outcome = outcome_of(lambda: client.send(CONTACT, PAYLOAD))
        assert platform.count("GET")
        assert len(platform.stored) <= 1
    if isinstance(outcome, Receipt):
        assert outcome.id == platform.stored[0]["id"]


@pytest.mark.parametrize("name", FOREIGN)
def test_an_answer_that_is_not_of_the_platform_is_not_a_refusal(name: str) -> None:
    with RawPlatform(post=FOREIGN[name]) as platform, client_for(platform) as client:
        outcome = outcome_of(lambda: client.send(CONTACT, PAYLOAD, retry=RetryPolicy.never()))
        assert platform.count("POST") == 1
    assert isinstance(outcome, EngageError)
    assert not isinstance(outcome, RejectedError), outcome


@pytest.mark.parametrize("status", [400, 404, 405, 409, 410, 413, 415, 421, 422, 451])
def test_an_answer_in_the_form_of_the_platform_is_a_refusal(status: int) -> None:
    body = {"errorCode": "InvalidInteraction", "message": "no"}
    with RawPlatform(post=answer(status, body)) as platform, client_for(platform) as client:
        outcome = outcome_of(lambda: client.send(CONTACT, PAYLOAD))
        assert platform.count("POST") == 1
    assert isinstance(outcome, RejectedError)
    assert outcome.status == status


@pytest.mark.parametrize("value", [0, 1, 12345678901234567890, "1", "a/b", "\u00e9"])
def test_an_id_is_opaque(value: int | str) -> None:
    with RawPlatform(post=stored(with_id(value))) as platform, client_for(platform) as client:
        assert client.send(CONTACT, PAYLOAD).id == str(value)


LOCATIONS = [
    *("/", "", "?", "#", "//", "///x", "mailto:x", "javascript:0", "http://", "http://[::x"),
    *("http://a b/", "http://127.0.0.1:99999/", "https://\u00e9", "\u00ff", "x" * 70_000),
    ELSEWHERE,
]
RETRY_AFTER = [
    *("", "-1", "1e9", "garbage", "9" * 400, "\u0662", "0x10", "1.5", "NaN", "inf"),
    *("Fri, 31 Dec 9999 23:59:59 GMT", "Sat, 01 Jan 0000 00:00:00 GMT"),
    *("Fri, 31 Dec 9999 23:59:59 -2359", "Mon, 01 Jan 0001 00:00:00 +2359"),
    *("Mon, 01 Jan 10000 00:00:00 GMT", "Mon, 30 Feb 2026 00:00:00 GMT"),
    *(
        "Mon, 01 Jan 2026 00:00:00 +999999999",
        "Mon, 01 Jan 2026 25:00:00 GMT",
        "Mon, 1",
        "now, GMT",
    ),
]
COOKIES = [
    "a=\u00e9",
    "a=\u00ff; Path=/",
    "=",
    ";",
    "a=b; Expires=x",
    "a=" + "b" * 50_000,
    "\u00ff=1",
]
ODD_HEADERS = [
    *({"Location": text} for text in LOCATIONS),
    *({"Retry_After": text} for text in RETRY_AFTER),
    *({"Set_Cookie": text} for text in COOKIES),
    *(
        {"Content_Encoding": text}
        for text in ("gzip", "br", "identity, identity", "x", "gzip, gzip")
    ),
    *({"Content_Type": text} for text in ("", "application/json; charset=x", "text/\u00e9", "*")),
]


def latin(headers: dict[str, str]) -> dict[str, object]:
    """Let a header carry any byte: the head is written in Latin-1."""
    return {name: text.encode().decode("latin-1") for name, text in headers.items()}


@pytest.mark.parametrize("status", [200, 302, 404, 429, 503])
@pytest.mark.parametrize("headers", ODD_HEADERS, ids=lambda headers: repr(headers)[:50])
def test_an_odd_header_raises_only_our_exceptions_and_spoils_no_later_request(
    headers: dict[str, str], status: int
) -> None:
    def odd(exchange: Exchange) -> None:
        exchange.store()
        body = {"id": exchange.item["id"]}
        exchange.write(
            render_answer(
                status,
                body,
                {name.replace("_", "-"): value for name, value in latin(headers).items()},
            )
        )
        exchange.close()

    with RawPlatform(post=first(odd)) as platform, client_for(platform, FakeClock()) as client:
        outcome_of(lambda: client.send(CONTACT, PAYLOAD, retry=RetryPolicy.never()))
        receipt = client.send("another", Favourite(product_sku="2"))
        assert receipt.id == platform.stored[-1]["id"]
        assert platform.stored[-1]["payload"] == {"productSku": "2"}


def twice(exchange: Exchange) -> None:
    exchange.store()
    exchange.write(exchange.success() * 2)


def twice_with_a_pause(exchange: Exchange) -> None:
    exchange.store()
    exchange.write(exchange.success())
    exchange.wait(0.05)
    exchange.write(exchange.success())


def three_times(exchange: Exchange) -> None:
    exchange.store()
    exchange.write(exchange.success() * 3)


def one_and_a_half_times(exchange: Exchange) -> None:
    exchange.store()
    exchange.write(exchange.success() + exchange.success()[:-12])


REPEATED = (twice, twice_with_a_pause, three_times, one_and_a_half_times)
NEXT: dict[str, Reply] = {
    "is stored": accept,
    "is reset": reset,
    "is closed": close,
    "is stored and reset": store_and_reset,
}


@pytest.mark.parametrize("next_reply", NEXT)
@pytest.mark.parametrize("repeat", REPEATED)
@pytest.mark.parametrize("client_class", [EngageClient, AsyncEngageClient])
def test_an_answer_that_is_repeated_is_not_the_receipt_of_the_next_send(
    client_class: type[EngageClient | AsyncEngageClient], repeat: Reply, next_reply: str
) -> None:
    with RawPlatform(post=first(repeat, NEXT[next_reply])) as platform:
        outcomes = send_several(client_class, platform, 3)
        for number, outcome in enumerate(outcomes):
            own = [i["id"] for i in platform.stored if i["payload"]["productSku"] == str(number)]
            assert len(own) <= 1
            if isinstance(outcome, Receipt):
                assert [outcome.id] == own
            else:
                assert isinstance(outcome, OutcomeUnknownError)
        assert isinstance(outcomes[0], Receipt)


def send_several(
    client_class: type[EngageClient | AsyncEngageClient], platform: RawPlatform, count: int
) -> list[Receipt | EngageError]:
    """Send one after the other with one client, which keeps its connection open."""
    policy = RetryPolicy(lookup_delays=(0.0, 0.0))
    if client_class is EngageClient:
        with EngageClient(platform.url, api_key="k", user_agent="tests/1", retry=policy) as client:
            payloads = [Favourite(product_sku=str(number)) for number in range(count)]
            return [outcome_of(partial(client.send, CONTACT, payload)) for payload in payloads]

    async def send_all() -> list[Receipt | EngageError]:
        outcomes: list[Receipt | EngageError] = []
        async with AsyncEngageClient(
            platform.url, api_key="k", user_agent="tests/1", retry=policy
        ) as client:
            for number in range(count):
                try:
                    payload = Favourite(product_sku=str(number))
                    outcomes.append(await client.send(CONTACT, payload))
                except EngageError as error:
                    outcomes.append(error)
        return outcomes

    return asyncio.run(send_all())


def test_an_id_that_belongs_to_another_send_is_no_receipt() -> None:
    def repeat_the_first_id(exchange: Exchange) -> None:
        exchange.store()
        exchange.write(render_answer(200, {"id": exchange.platform.stored[0]["id"]}))

    with (
        RawPlatform(post=first(accept, repeat_the_first_id)) as platform,
        client_for(platform) as client,
    ):
        one = client.send(CONTACT, PAYLOAD)
        outcome = outcome_of(lambda: client.send(CONTACT, Favourite(product_sku="2")))
        assert platform.count("POST") == 2
    if isinstance(outcome, Receipt):
        assert outcome.id == platform.stored[1]["id"] != one.id
    else:
        assert isinstance(outcome, OutcomeUnknownError)


AFTER_CLOSE: dict[str, Reply] = {
    "answers": lambda exchange: exchange.write(exchange.success()),
    "resets": reset,
    "closes": close,
    "answers 500": answer(500),
}


@pytest.mark.parametrize("then", AFTER_CLOSE)
def test_close_while_a_send_is_in_flight_hides_nothing(then: str) -> None:
    def close_client(exchange: Exchange) -> None:
        exchange.store()
        client.close()
        AFTER_CLOSE[then](exchange)

    with RawPlatform(post=close_client) as platform:
        client = EngageClient(platform.url, api_key="k", user_agent="tests/1", retry=RESEND)
        outcome = outcome_of(lambda: client.send(CONTACT, PAYLOAD))
        client.close()
        assert (platform.count("POST"), len(platform.stored)) == (1, 1)
    assert isinstance(outcome, Receipt | OutcomeUnknownError), outcome


@pytest.mark.parametrize("then", AFTER_CLOSE)
def test_close_while_a_task_sends_hides_nothing(then: str) -> None:
    async def send() -> Receipt | EngageError:
        client = AsyncEngageClient(platform.url, api_key="k", user_agent="tests/1", retry=RESEND)
        loop = asyncio.get_running_loop()

        def close_client(exchange: Exchange) -> None:
            exchange.store()
            asyncio.run_coroutine_threadsafe(client.aclose(), loop).result()
            AFTER_CLOSE[then](exchange)

        platform.post = close_client
        try:
            return await client.send(CONTACT, PAYLOAD)
        except EngageError as error:
            return error
        finally:
            await client.aclose()

    with RawPlatform() as platform:
        outcome = asyncio.run(send())
        assert (platform.count("POST"), len(platform.stored)) == (1, 1)
    assert isinstance(outcome, Receipt | OutcomeUnknownError), outcome


def test_close_during_a_lookup_hides_nothing() -> None:
    def close_client(exchange: Exchange) -> None:
        client.close()
        exchange.reset()

    with RawPlatform(post=store_and_reset, page=close_client) as platform:
        client = EngageClient(platform.url, api_key="k", user_agent="tests/1", retry=RESEND)
        outcome = outcome_of(lambda: client.send(CONTACT, PAYLOAD))
        client.close()
        assert (platform.count("POST"), len(platform.stored)) == (1, 1)
    assert isinstance(outcome, OutcomeUnknownError)
    assert outcome.created_date


def test_a_send_after_close_sends_nothing() -> None:
    with RawPlatform() as platform:
        client = EngageClient(platform.url, api_key="k", user_agent="tests/1")
        client.close()
        assert not isinstance(outcome_of(lambda: client.send(CONTACT, PAYLOAD)), Receipt)
        assert platform.requests == []


def test_close_while_threads_send_accounts_for_every_interaction() -> None:
    turn = threading.Barrier(9)

    def send(number: int) -> Receipt | EngageError:
        turn.wait()
        return outcome_of(lambda: client.send(CONTACT, Favourite(product_sku=str(number))))

    outcomes: dict[int, Receipt | EngageError] = {}

    def send_and_keep(number: int) -> None:
        outcomes[number] = send(number)

    with RawPlatform() as platform:
        policy = RetryPolicy(lookup_delays=(0.0,))
        client = EngageClient(
            platform.url, api_key="k", user_agent="tests/1", rate=10**6, retry=policy
        )
        threads = [threading.Thread(target=send_and_keep, args=(n,)) for n in range(8)]
        for thread in threads:
            thread.start()
        turn.wait()
        client.close()
        for thread in threads:
            thread.join()
        client.close()
        for number, outcome in outcomes.items():
            own = [i for i in platform.stored if i["payload"]["productSku"] == str(number)]
            assert len(own) <= 1
            if own:
                assert isinstance(outcome, Receipt | OutcomeUnknownError), outcome
        assert len(outcomes) == 8
