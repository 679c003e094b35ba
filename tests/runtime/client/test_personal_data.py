"""Values of properties that a contract classes as personal data appear in nothing that is printed.

A canary is sent in such a property, through every outcome of a send. It may be where a user asks
for it: in the attribute, in `to_payload`, in `reasons` and in the raw payload of what is stored.
"""

import logging
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engage_interactions import InvalidPayloadError, RetryPolicy
from engage_interactions.bulk import send_many
from engage_interactions.outbox import Outbox
from engage_interactions.product_review import ProductReview, send_product_review
from engage_interactions.testing import RecordingClient
from tests.support.runtime.clients import answering, both, run, threads
from tests.support.runtime.http_library import httpx

CANARY = "CANARY-4711"
CONTACT = "3f0c1a52-7d5e-4b0e-9a64-1c2f5b8e0d01"


def review(**values: Any) -> ProductReview:
    arguments: dict[str, Any] = {"product_sku": "1", "rating": 5, "comment": CANARY, **values}
    return ProductReview(**arguments)


def fail(request: httpx.Request) -> httpx.Response:
    raise httpx.ReadTimeout(f"no answer to {request.method}")


def echo(status: int) -> Callable[[httpx.Request], httpx.Response]:
    """Answer with the request in the error, as servers do that quote what they refuse."""

    def answer(request: httpx.Request) -> httpx.Response:
        text = request.content.decode() or "nothing"
        return httpx.Response(status, json={"errorCode": "Refused", "message": text})

    return answer


HANDLERS: dict[str, Callable[[httpx.Request], httpx.Response]] = {
    **{str(status): echo(status) for status in (200, 302, 400, 401, 404, 409, 429, 500, 503)},
    "stored": answering({"id": "1", "self": {"href": "/1", "created": "2026-03-14T09:26:53Z"}}),
    "not JSON": answering(b"<html>"),
    "a timeout": fail,
}


class Recorder:
    """An observer that keeps everything it is called with."""

    def __init__(self) -> None:
        self.events: list[object] = []

    def attempted(self, *event: object) -> None:
        self.events.append(event)

    def waited(self, *event: object) -> None:
        self.events.append(event)

    def finished(self, *event: object) -> None:
        self.events.append(event)


def printed(error: BaseException) -> list[str]:
    """Return everything that a log of an error can contain, its causes included."""
    texts = ["".join(traceback.format_exception(error))]
    link: BaseException | None = error
    while link is not None:
        texts += [str(link), repr(link)]
        link = link.__cause__
    return texts


@both
@pytest.mark.parametrize("name", HANDLERS)
def test_no_outcome_of_a_send_prints_it(
    connect: Any, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    observer = Recorder()
    client = connect(HANDLERS[name], observer=observer)
    texts: list[str] = []
    for confirm in (False, True):
        try:
            texts.append(repr(run(client.send(CONTACT, review(), confirm=confirm))))
        except Exception as error:
            texts += printed(error)
    texts += [caplog.text, repr(observer.events), repr(client)]
    assert texts
    assert not [text for text in texts if CANARY in text]


@pytest.mark.parametrize("name", HANDLERS)
def test_no_result_of_a_bulk_send_prints_it(name: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    client = threads(HANDLERS[name])
    result = send_many(client, [(CONTACT, review()), (CONTACT, review(rating=1))])
    texts = [repr(result), str(result), *map(repr, result.failed), caplog.text]
    texts += [text for item in result.failed if item.error for text in printed(item.error)]
    assert not [text for text in texts if CANARY in text]


@pytest.mark.parametrize("name", HANDLERS)
def test_no_listing_of_an_outbox_prints_it(
    name: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with Outbox(tmp_path / "outbox.db", retry=RetryPolicy.never()) as outbox:
        outbox.put(CONTACT, review())
        texts = [repr(outbox.status())]
        try:
            texts.append(repr(outbox.deliver(threads(HANDLERS[name]))))
        except Exception as error:
            texts += printed(error)
        texts += [repr(entry) for entry in outbox.entries()]
        texts += [reason for entry in outbox.entries() for reason in map(str, [entry])]
    assert not [text for text in [*texts, caplog.text] if CANARY in text]


def test_no_violation_prints_it() -> None:
    creations: list[Callable[[], object]] = [
        lambda: review(comment=CANARY * 500),
        lambda: review(rating=CANARY),
        lambda: ProductReview.from_payload({"productSku": "1", "rating": 5, "comment": [CANARY]}),
        lambda: ProductReview.from_payload({"productSku": "1", "rating": 5, "coment": CANARY}),
    ]
    for create in creations:
        with pytest.raises(InvalidPayloadError) as caught:
            create()
        classed = [
            item for item in caught.value.violations if item.property in ("comment", "coment")
        ]
        assert not [text for text in printed(caught.value) if CANARY in text]
        assert [item.value for item in classed] == [None] * len(classed)


def test_it_is_in_no_repr_of_a_test_client_but_where_it_is_asked_for() -> None:
    with RecordingClient() as engage:
        send_product_review(engage, CONTACT, review())
        (sent,) = engage.payloads(ProductReview)
        (stored,) = engage.list(ProductReview, CONTACT)
        with pytest.raises(AssertionError) as caught:
            engage.assert_sent(review(rating=1))
    assert sent.comment == CANARY
    assert stored.payload.to_payload()["comment"] == CANARY
    for text in (repr(sent), str(sent), repr(stored), str(caught.value)):
        assert CANARY not in text
