"""The recording clients replace the platform in tests, and sample payloads are valid."""

import asyncio
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engage_interactions import (
    EngageClient,
    InteractionNotFoundError,
    InvalidPayloadError,
    OutcomeUnknownError,
    PayloadDroppedError,
    RateLimitedError,
    RetryPolicy,
)
from engage_interactions._runtime.payload import Payload
from engage_interactions._runtime.registry import generated_schemas
from engage_interactions.bulk import send_many, send_many_async
from engage_interactions.favourite import Favourite, send_favourite, send_favourite_async
from engage_interactions.outbox import Outbox
from engage_interactions.repair import Repair
from engage_interactions.reuse_spring_2023 import ReuseSpring2023
from engage_interactions.testing import (
    AsyncRecordingClient,
    ManualClock,
    RecordingClient,
    register_strategies,
    sample,
)
from tests.support.runtime.http_library import GENERATED

CONTACT = "3f0c1a52-7d5e-4b0e-9a64-1c2f5b8e0d01"
COAT = Favourite(product_sku="8810-42", price=450)
PAYLOAD_CLASSES = [schema.load_payload_class() for schema in generated_schemas().values()]

register_strategies()


def test_a_recording_client_records_typed_payloads_and_receipts() -> None:
    with RecordingClient() as engage:
        receipt = send_favourite(engage, CONTACT, COAT)
        (sent,) = engage.sends
        assert (sent.contact_id, sent.payload, sent.receipt) == (CONTACT, COAT, receipt)
        assert sent.created_date == receipt.created_date
        assert [favourite.price for favourite in engage.payloads(Favourite)] == [450]
        assert not engage.payloads(Repair)


def test_recording_clients_support_every_method_of_the_real_clients() -> None:
    async def with_tasks() -> list[Any]:
        async with AsyncRecordingClient() as engage:
            receipt = await send_favourite_async(engage, CONTACT, COAT, confirm=True)
            stored_again = await engage.get(Favourite, receipt.id)
            listed = [stored.payload async for stored in engage.list(Favourite, CONTACT)]
            others = [stored async for stored in engage.list(Favourite, "another")]
            many = await engage.interactions(CONTACT, [Favourite, Repair])
            await engage.delete(receipt.id)
            with pytest.raises(InteractionNotFoundError):
                await engage.get(Favourite, receipt.id)
            return [stored_again.payload, listed, others, len(many), len(engage.sends)]

    with RecordingClient() as engage:
        receipt = send_favourite(engage, CONTACT, COAT, confirm=True)
        stored_again = engage.get(Favourite, receipt.id)
        listed = [stored.payload for stored in engage.list(Favourite, CONTACT)]
        others = list(engage.list(Favourite, "another"))
        many = engage.interactions(CONTACT, [Favourite, Repair])
        engage.delete(receipt.id)
        with pytest.raises(InteractionNotFoundError):
            engage.get(Favourite, receipt.id)
        results = [stored_again.payload, listed, others, len(many), len(engage.sends)]
    assert asyncio.run(with_tasks()) == results == [COAT, [COAT], [], 1, 1]


def test_fail_next_makes_one_send_raise_each_error() -> None:
    limited, unknown = RateLimitedError("busy"), OutcomeUnknownError("no answer")
    with RecordingClient() as engage:
        engage.fail_next(limited)
        engage.fail_next(unknown, stored=True)
        with pytest.raises(RateLimitedError):
            send_favourite(engage, CONTACT, COAT)
        with pytest.raises(OutcomeUnknownError):
            send_favourite(engage, CONTACT, COAT)
        send_favourite(engage, CONTACT, COAT)
        assert [sent.error for sent in engage.sends] == [limited, unknown, None]
        assert [sent.receipt is None for sent in engage.sends] == [True, False, False]
        assert len(list(engage.list(Favourite, CONTACT))) == 2


def test_drop_properties_makes_confirm_raise() -> None:
    with RecordingClient() as engage:
        engage.drop_properties("price")
        with pytest.raises(PayloadDroppedError, match="price"):
            send_favourite(engage, CONTACT, COAT, confirm=True)
        assert isinstance(engage.sends[0].error, PayloadDroppedError)


def test_an_interaction_that_cannot_be_sent_is_not_recorded() -> None:
    with RecordingClient() as engage:
        with pytest.raises(InvalidPayloadError):
            send_favourite(engage, "..", COAT)
        engage.assert_nothing_sent()


def test_a_failed_assertion_lists_all_sends() -> None:
    with RecordingClient() as engage:
        engage.assert_nothing_sent()
        with pytest.raises(AssertionError, match=r"8810-42.* sent at least once.*none"):
            engage.assert_sent(COAT)
        other = Favourite(product_sku="7")
        send_favourite(engage, CONTACT, other)
        send_favourite(engage, CONTACT, other)
        engage.assert_sent(other)
        engage.assert_sent(Favourite(product_sku="7"), contact_id=CONTACT, times=2)
        engage.assert_sent(COAT, times=0)
        with pytest.raises(AssertionError, match="product_sku='7'"):
            engage.assert_sent(COAT)
        with pytest.raises(AssertionError, match="1 times, but it was sent 2 times"):
            engage.assert_sent(other, times=1)
        with pytest.raises(AssertionError, match="for the contact somebody"):
            engage.assert_sent(other, contact_id="somebody")
        with pytest.raises(AssertionError, match="7"):
            engage.assert_nothing_sent()


def test_sends_of_send_many_and_of_an_outbox_are_recorded(tmp_path: Path) -> None:
    items = [(CONTACT, Favourite(product_sku=str(number))) for number in range(5)]

    async def with_tasks() -> int:
        async with AsyncRecordingClient() as engage:
            assert (await send_many_async(engage, items)).sent == 5
            return len(engage.sends)

    assert asyncio.run(with_tasks()) == 5
    with RecordingClient() as engage:
        assert send_many(engage, items).sent == 5
        assert len(engage.payloads(Favourite)) == 5
        with Outbox(tmp_path / "outbox.db", clock=engage.clock) as outbox:
            outbox.put(CONTACT, COAT)
            engage.fail_next(OutcomeUnknownError("no answer"), stored=True)
            assert outbox.deliver(engage).delivered == 0
            engage.clock.advance(10)
            assert outbox.deliver(engage).delivered == 1
        engage.assert_sent(COAT, times=1)


def test_the_rate_limiter_advances_the_manual_clock_instead_of_waiting() -> None:
    clock = ManualClock(datetime(2026, 1, 1, tzinfo=UTC))
    with RecordingClient(clock=clock, retry=RetryPolicy.background()) as engage:
        for _ in range(500):
            send_favourite(engage, CONTACT, COAT)
    assert clock.now() > datetime(2026, 1, 1, 0, 0, 9, tzinfo=UTC), "the rate limit was ignored"


def test_from_env_of_a_recording_client_replaces_that_of_the_real_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("ENGAGE_API_KEY", raising=False)
    monkeypatch.setattr(EngageClient, "from_env", RecordingClient.from_env)
    with EngageClient.from_env(rate=5) as engage:
        assert isinstance(engage, RecordingClient)
        send_favourite(engage, CONTACT, COAT)
        assert len(engage.sends) == 1
    assert isinstance(AsyncRecordingClient.from_env(), AsyncRecordingClient)


@pytest.mark.parametrize("payload_class", PAYLOAD_CLASSES)
def test_a_sample_has_every_property_and_is_always_equal(payload_class: type[Payload]) -> None:
    instance = sample(payload_class)
    assert instance == sample(payload_class)
    assert instance.to_payload().keys() == payload_class.__properties__


def test_values_replace_the_attributes_of_a_sample() -> None:
    instance = sample(ReuseSpring2023, name="coat", price=None)
    assert instance == ReuseSpring2023(name="coat", created=instance.created)
    with pytest.raises(InvalidPayloadError):
        sample(ReuseSpring2023, price="much")


@pytest.mark.parametrize("payload_class", PAYLOAD_CLASSES)
def test_registered_strategies_generate_valid_payloads(payload_class: type[Payload]) -> None:
    @settings(max_examples=30, deadline=None)
    @given(st.from_type(payload_class))
    def check(payload: Payload) -> None:
        assert payload_class.from_payload(payload.to_payload()) == payload

    check()


def test_the_other_modules_do_not_import_testing_or_hypothesis() -> None:
    code = (
        "import sys, engage_interactions, engage_interactions.favourite, "
        "engage_interactions.bulk, engage_interactions.outbox\n"
        "assert not [name for name in sys.modules if 'testing' in name or 'hypothesis' in name]\n"
    )
    generated = GENERATED
    subprocess.run([sys.executable, "-c", code], cwd=generated, check=True)
