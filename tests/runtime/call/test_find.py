"""`find`, and sends of interactions that may have been sent before."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from engage_interactions import (
    ConfigurationError,
    NotSentError,
    OutcomeUnknownError,
    PayloadDroppedError,
    ReadError,
    RejectedError,
    RetryPolicy,
    UnknownContactError,
)
from engage_interactions.testing import AsyncRecordingClient, RecordingClient
from tests.support.runtime.clients import both, run
from tests.support.runtime.clocks import FakeClock
from tests.support.runtime.http_library import httpx
from tests.support.runtime.platform import CONTACT, Gift, Platform

MOMENT = datetime(2020, 2, 29, 12, 30, 15, 250_000, UTC)
GIFT = Gift("a", 5)
ONCE: dict[str, Any] = {"retry": RetryPolicy.never()}


@pytest.fixture
def platform() -> Platform:
    return Platform(FakeClock())


@both
def test_find_returns_the_receipt_of_the_send_or_none(connect: Any, platform: Platform) -> None:
    client = connect(platform)
    assert run(client.find(CONTACT, GIFT, MOMENT)) is None
    receipt = run(client.send(CONTACT, GIFT, created_date=MOMENT))
    for other in (client, connect(platform)):
        found = run(other.find(CONTACT, GIFT, MOMENT))
        assert found == receipt
        assert found.response is None
    different = [
        (Gift("b", 5), MOMENT),
        (GIFT, MOMENT + timedelta(seconds=3)),
        (GIFT, MOMENT - timedelta(days=1)),
    ]
    for gift, moment in different[1:]:
        assert run(client.find(CONTACT, gift, moment)) is None
    assert not [request for request in platform.requests if request[0] == "POST"][1:]


@both
def test_find_does_not_guess(connect: Any, platform: Platform) -> None:
    client = connect(platform)
    first = run(client.send(CONTACT, GIFT, created_date=MOMENT))
    near: list[tuple[Gift, datetime]] = [
        (Gift("b", 5), MOMENT),
        (GIFT, MOMENT + timedelta(milliseconds=1)),
        (GIFT, MOMENT - timedelta(seconds=2)),
    ]
    for gift, moment in near:
        with pytest.raises(OutcomeUnknownError) as caught:
            run(client.find(CONTACT, gift, moment))
        assert (caught.value.lookup, caught.value.candidates) == ("ambiguous", (first.id,))
    second = run(client.send(CONTACT, GIFT, created_date=MOMENT))
    with pytest.raises(OutcomeUnknownError) as caught:
        run(client.find(CONTACT, GIFT, MOMENT))
    assert caught.value.candidates == (first.id, second.id)


@both
@pytest.mark.parametrize(
    ("fault", "error_class"),
    [("500", ReadError), ("429", NotSentError), ("timeout", ReadError), ("html", ReadError)],
)
def test_find_that_cannot_look_raises(
    connect: Any, platform: Platform, fault: str, error_class: type[Exception]
) -> None:
    platform.get_faults = [fault]
    with pytest.raises(error_class):
        run(connect(platform).find(CONTACT, GIFT, MOMENT))


@both
def test_find_is_retried_by_the_policy(connect: Any, platform: Platform) -> None:
    platform.get_faults = ["500", "timeout", "429"]
    client = connect(platform, clock=platform.clock, retry=RetryPolicy.interactive())
    assert run(client.find(CONTACT, GIFT, MOMENT)) is None
    assert len(platform.requests) == 4


# Sends that may have been sent before.


@both
def test_an_interaction_that_is_stored_is_not_sent_again(connect: Any, platform: Platform) -> None:
    receipt = run(connect(platform).send(CONTACT, GIFT, created_date=MOMENT))
    for _ in range(2):
        client = connect(platform)
        again = run(client.send(CONTACT, GIFT, created_date=MOMENT, perhaps_sent=True))
        assert again == receipt
    assert len(platform.stored) == 1


@both
def test_an_interaction_that_is_not_stored_is_sent(connect: Any, platform: Platform) -> None:
    client = connect(platform)
    receipt = run(client.send(CONTACT, GIFT, created_date=MOMENT, perhaps_sent=True))
    assert [item["id"] for item in platform.stored] == [receipt.id]
    assert [method for method, _ in platform.requests] == ["GET", "POST"]
    assert receipt.response is not None


@both
def test_a_send_without_a_date_cannot_be_looked_up(connect: Any, platform: Platform) -> None:
    with pytest.raises(ConfigurationError, match="requires a created_date"):
        run(connect(platform).send(CONTACT, GIFT, perhaps_sent=True))
    assert not platform.requests


@both
@pytest.mark.parametrize("fault", ["500", "429", "never left", "timeout", "html"])
def test_nothing_is_sent_if_the_lookup_fails(connect: Any, platform: Platform, fault: str) -> None:
    """And the error does not claim that the interaction is not stored."""
    run(connect(platform).send(CONTACT, GIFT, created_date=MOMENT))
    platform.get_faults = [fault]
    with pytest.raises(OutcomeUnknownError) as caught:
        run(connect(platform).send(CONTACT, GIFT, created_date=MOMENT, perhaps_sent=True))
    assert caught.value.lookup is None
    assert caught.value.created_date == MOMENT.isoformat(timespec="microseconds")
    assert "nothing was sent now" in str(caught.value)
    assert len(platform.stored) == 1


@both
def test_nothing_is_sent_if_another_interaction_may_be_this_one(
    connect: Any, platform: Platform
) -> None:
    stored = run(connect(platform).send(CONTACT, Gift("b"), created_date=MOMENT))
    with pytest.raises(OutcomeUnknownError) as caught:
        run(connect(platform).send(CONTACT, GIFT, created_date=MOMENT, perhaps_sent=True))
    assert (caught.value.lookup, caught.value.candidates) == ("ambiguous", (stored.id,))
    assert len(platform.stored) == 1


@both
@pytest.mark.parametrize("fault", ["refused before", "429", "never left", "500 before"])
def test_a_send_that_fails_now_says_nothing_about_the_earlier_one(
    connect: Any, platform: Platform, fault: str
) -> None:
    platform.post_faults = [fault]
    with pytest.raises(OutcomeUnknownError):
        run(connect(platform).send(CONTACT, GIFT, created_date=MOMENT, perhaps_sent=True))
    assert not platform.stored


@both
def test_a_contact_that_does_not_exist_is_a_certain_answer(connect: Any) -> None:
    def answer(request: Any) -> Any:
        assert request.method == "GET"
        return httpx.Response(404, json={"errorCode": "ContactNotFound"})

    with pytest.raises(UnknownContactError) as caught:
        run(connect(answer).send(CONTACT, GIFT, created_date=MOMENT, perhaps_sent=True))
    assert isinstance(caught.value, RejectedError)


@both
def test_confirm_reads_back_what_was_sent_before(connect: Any, platform: Platform) -> None:
    platform.drops = ("price",)
    run(connect(platform).send(CONTACT, GIFT, created_date=MOMENT))
    with pytest.raises(PayloadDroppedError) as caught:
        run(
            connect(platform).send(
                CONTACT, GIFT, created_date=MOMENT, perhaps_sent=True, confirm=True
            )
        )
    assert caught.value.properties == ("price",)
    assert len(platform.stored) == 1


@pytest.mark.parametrize("client_class", [RecordingClient, AsyncRecordingClient])
def test_a_recording_client_finds_what_was_sent(client_class: Any) -> None:
    from engage_interactions.favourite import Favourite

    client, favourite = client_class(), Favourite(product_sku="7120-38")
    assert run(client.find(CONTACT, favourite, MOMENT)) is None
    error = OutcomeUnknownError("no answer")
    client.fail_next(error, stored=True)
    with pytest.raises(OutcomeUnknownError):
        run(client.send(CONTACT, favourite, created_date=MOMENT))
    receipt = run(client.send(CONTACT, favourite, created_date=MOMENT, perhaps_sent=True))
    assert run(client.find(CONTACT, favourite, MOMENT)) == receipt
    client.assert_sent(favourite, times=2)
