"""The registry of receipts: which ids a client remembers, and for how long."""

import threading
from datetime import UTC, datetime, timedelta

import pytest

from engage_interactions import RetryPolicy
from engage_interactions._runtime.call.interaction import EncodedInteraction
from engage_interactions._runtime.call.receipts import ReceiptRegistry
from tests.support.runtime.clocks import FakeClock
from tests.support.runtime.platform import CONTACT, Gift

MOMENT = datetime(2026, 3, 14, tzinfo=UTC)


def interaction(
    entry: tuple[str, int] | None = None, contact: str = CONTACT, seconds: float = 0.0
) -> EncodedInteraction:
    created = MOMENT + timedelta(seconds=seconds)
    return EncodedInteraction(
        Gift, contact, "gift", created, created.isoformat(), {}, b"", stored_entry=entry
    )


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def registry(clock: FakeClock) -> ReceiptRegistry:
    return ReceiptRegistry(clock.monotonic)


def test_an_id_belongs_to_one_send(registry: ReceiptRegistry) -> None:
    registry.add(interaction(), "I1")
    assert registry.belongs_to_another(interaction(), "i1")
    assert not registry.belongs_to_another(interaction(), "i2")


def test_the_id_of_a_stored_entry_is_its_own(registry: ReceiptRegistry) -> None:
    registry.add(interaction(("a.db", 1)), "i1")
    assert not registry.belongs_to_another(interaction(("a.db", 1)), "i1")
    assert registry.belongs_to_another(interaction(("a.db", 2)), "i1")
    assert registry.belongs_to_another(interaction(("b.db", 1)), "i1")
    assert registry.belongs_to_another(interaction(), "i1")


@pytest.mark.parametrize("count", [1, 20_000])
def test_an_id_is_remembered_for_15_minutes_however_many_there_are(
    registry: ReceiptRegistry, clock: FakeClock, count: int
) -> None:
    registry.add(interaction(), "first")
    clock.sleep(900.0)
    for number in range(count):
        registry.add(interaction(), str(number))
    assert registry.belongs_to_another(interaction(), "first")
    clock.sleep(0.5)
    registry.add(interaction(), "next")
    assert not registry.belongs_to_another(interaction(), "first")
    assert registry.belongs_to_another(interaction(), "0")


def test_ids_are_forgotten_one_after_the_other_in_the_order_of_their_receipts(
    registry: ReceiptRegistry, clock: FakeClock
) -> None:
    for name in "abc":
        registry.add(interaction(), name)
        clock.sleep(300.0)
    clock.sleep(1.0)
    for remembered in ("bc", "c", ""):
        registry.add(interaction(), "next")
        known = [name for name in "abc" if registry.belongs_to_another(interaction(), name)]
        assert "".join(known) == remembered
        clock.sleep(300.0)


def test_a_stored_entry_can_claim_the_interaction_of_its_own_earlier_receipt(
    registry: ReceiptRegistry,
) -> None:
    entry = interaction(("a.db", 1))
    registry.add(entry, "i1")
    registry.add(interaction(("a.db", 2)), "i2")
    with registry.pending(entry, RetryPolicy.never()):
        assert registry.can_claim(entry, "i1")
        assert not registry.can_claim(entry, "i2")


def test_a_shorter_policy_does_not_shorten_the_memory(
    registry: ReceiptRegistry, clock: FakeClock
) -> None:
    long = RetryPolicy(lookup_delays=(3600.0,))
    for policy in (long, RetryPolicy.never()):
        with registry.pending(interaction(), policy):
            registry.add(interaction(), "first")
    clock.sleep(long.longest_seconds)
    registry.add(interaction(), "next")
    assert registry.belongs_to_another(interaction(), "first")
    clock.sleep(0.5)
    registry.add(interaction(), "next")
    assert not registry.belongs_to_another(interaction(), "first")


def test_an_id_is_remembered_as_long_as_the_longest_policy(
    registry: ReceiptRegistry, clock: FakeClock
) -> None:
    policy = RetryPolicy(lookup_delays=(3600.0, 7200.0), resend=True)
    with registry.pending(interaction(), policy):
        registry.add(interaction(), "first")
        clock.sleep(2 * (3600.0 + 7200.0))
        registry.add(interaction(), "next")
        assert registry.belongs_to_another(interaction(), "first")


def test_an_id_that_is_seen_again_is_remembered_from_then_on(
    registry: ReceiptRegistry, clock: FakeClock
) -> None:
    registry.add(interaction(), "first")
    clock.sleep(800.0)
    registry.add(interaction(), "first")
    clock.sleep(800.0)
    registry.add(interaction(), "next")
    assert registry.belongs_to_another(interaction(), "first")


def test_a_send_claims_an_interaction_only_while_no_equal_one_is_in_progress(
    registry: ReceiptRegistry,
) -> None:
    policy = RetryPolicy.never()
    with registry.pending(interaction(), policy):
        assert registry.can_claim(interaction(), "i1")
        with registry.pending(interaction(contact="another"), policy):
            assert registry.can_claim(interaction(), "i1")
        with registry.pending(interaction(seconds=0.001), policy):
            assert registry.can_claim(interaction(), "i1")
        with registry.pending(interaction(), policy):
            assert not registry.can_claim(interaction(), "i1")
        assert registry.can_claim(interaction(), "i1")
        registry.add(interaction(), "i1")
        assert not registry.can_claim(interaction(), "i1")


def test_a_forked_process_keeps_the_ids_and_forgets_the_sends_in_progress(
    registry: ReceiptRegistry,
) -> None:
    registry.add(interaction(), "i1")
    lock: threading.Lock = vars(registry)["_lock"]
    with registry.pending(interaction(), RetryPolicy.never()):
        with lock:
            registry.reset_after_fork()
            assert registry.belongs_to_another(interaction(), "i1")
        with registry.pending(interaction(), RetryPolicy.never()):
            assert registry.can_claim(interaction(), "i2")
