"""Both stores deliver each entry once, at the times of its policy, across restarts."""

import json
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from engage_interactions import (
    ConfigurationError,
    EngageClient,
    InvalidPayloadError,
    NotSentError,
    OutcomeUnknownError,
    Receipt,
    UnauthorizedError,
)
from engage_interactions._runtime import registry
from engage_interactions._runtime.outbox import delivery as outbox_delivery
from engage_interactions.favourite import Favourite
from engage_interactions.outbox import Delivery
from tests.support.runtime.outbox import POLICY, OutboxRig, PowerCut
from tests.support.runtime.platform import CONTACT, Gift
from tests.support.runtime.postgres import postgres_rig

pytestmark = pytest.mark.slow


@pytest.fixture(params=["file", pytest.param("postgres", marks=pytest.mark.postgres)])
def rig(request: pytest.FixtureRequest, tmp_path: Path) -> Generator[OutboxRig]:
    """An outbox in a file, or one in PostgreSQL."""
    if request.param == "file":
        file_rig = OutboxRig(tmp_path / "outbox.db")
        yield file_rig
        file_rig.close()
    else:
        with postgres_rig(request.getfixturevalue("cluster")) as rig:
            yield rig


COAT = Favourite(product_sku="8810-42", price=450)


def test_a_put_makes_no_request_and_gives_each_entry_its_own_date(rig: OutboxRig) -> None:
    for _ in range(5):
        rig.outbox.put(CONTACT, COAT)
    assert rig.platform.requests == []
    assert len({entry.created_date for entry in rig.outbox.entries()}) == 5


@pytest.mark.parametrize("fault", ["timeout after", "500 after", "html after"])
def test_an_unanswered_post_is_looked_up_when_the_lookup_is_due(rig: OutboxRig, fault: str) -> None:
    rig.outbox.put(CONTACT, COAT)
    rig.platform.post_faults = [fault]
    assert isinstance(rig.deliver().stopped, OutcomeUnknownError)
    assert rig.states == ["sending"]
    assert rig.deliver(4.9) == Delivery(0, 0, 0, None), "before it is due"
    receipts: list[tuple[int, Receipt]] = []
    delivery = rig.deliver(
        0.2, on_receipt=lambda number, receipt: receipts.append((number, receipt))
    )
    assert delivery.delivered == 1
    assert receipts[0][1].id == rig.platform.stored[0]["id"]
    assert rig.platform.posts == 1


@pytest.mark.parametrize("fault", ["timeout before", "500 before"])
def test_a_post_that_was_not_applied_is_resent_only_after_all_lookups(
    rig: OutboxRig, fault: str
) -> None:
    rig.outbox.put(CONTACT, COAT)
    rig.platform.post_faults = [fault]
    rig.deliver()
    rig.deliver(5.1)
    assert rig.platform.posts == 1
    assert rig.deliver(10.1).delivered == 1
    first, second = [body for method, body in rig.platform.requests if method == "POST"]
    assert first == second
    assert len(rig.platform.stored) == 1


@pytest.mark.parametrize(("fault", "posts"), [("cut before", 2), ("cut after", 1)])
def test_a_post_that_the_end_of_the_process_interrupts_is_looked_up(
    rig: OutboxRig, fault: str, posts: int
) -> None:
    rig.outbox.put(CONTACT, COAT)
    rig.platform.post_faults = [fault]
    with pytest.raises(PowerCut):
        rig.deliver()
    rig.restart()
    rig.deliver()
    assert rig.platform.posts == 1, "posted again before a lookup"
    for wait in (5.1, 10.1):
        rig.deliver(wait)
        rig.restart()
    assert not rig.states
    assert rig.platform.posts == posts
    assert len(rig.platform.stored) == 1


@pytest.mark.parametrize("restarts", [True, False])
@pytest.mark.parametrize("post_faults", [[], ["timeout after"]])
def test_on_receipt_is_called_again_if_it_raised(
    rig: OutboxRig, post_faults: list[str], restarts: bool
) -> None:
    rig.outbox.put(CONTACT, COAT)
    rig.platform.post_faults = post_faults

    def fail(number: int, receipt: Receipt) -> None:
        raise PowerCut

    if post_faults:
        rig.deliver()
    with pytest.raises(PowerCut):
        rig.deliver(5.1, on_receipt=fail)
    if restarts:
        rig.restart()
    reported: list[int] = []
    for wait in (5.1, 10.1, 10.1):
        rig.deliver(wait, on_receipt=lambda number, receipt: reported.append(number))
    assert reported == [1]
    assert len(rig.platform.stored) == 1


def test_a_lookup_of_a_direct_send_does_not_claim_the_interaction_of_an_entry(
    rig: OutboxRig,
) -> None:
    rig.outbox.put(CONTACT, COAT)
    date = rig.only_entry.created_date

    def fail(number: int, receipt: Receipt) -> None:
        raise PowerCut

    with pytest.raises(PowerCut):
        rig.deliver(on_receipt=fail)
    rig.platform.post_faults = ["timeout before"]
    direct = rig.client.send(CONTACT, COAT, created_date=date, retry=POLICY)
    rig.platform.post_faults = []
    reported: list[str] = []
    rig.deliver(10.1, on_receipt=lambda number, receipt: reported.append(receipt.id))
    assert len({direct.id, *reported}) == len(rig.platform.stored) == 2


@pytest.mark.parametrize("year", [1, 1969, 1979, 9999])
def test_a_lookup_does_not_claim_another_interaction_of_the_same_second(
    rig: OutboxRig, year: int
) -> None:
    rig.platform.precision = to_the_second
    second = datetime(year, 12, 31, 23, 59, 58, tzinfo=UTC)
    rig.outbox.put(CONTACT, COAT, created_date=second + timedelta(microseconds=999_999))
    rig.outbox.put(CONTACT, Favourite(product_sku=COAT.product_sku), created_date=second)
    rig.platform.post_faults = ["timeout before"]
    for wait in (0.0, 1.0, 5.1, 10.1, 10.1):
        rig.deliver(wait)
        rig.restart()
    assert len(rig.platform.stored) == 2


@pytest.mark.parametrize("fault", ["refused", "contact"])
def test_a_rejected_entry_has_reasons_and_can_be_requeued(rig: OutboxRig, fault: str) -> None:
    number = rig.outbox.put(CONTACT, COAT)
    rig.platform.post_faults = [fault]
    assert rig.deliver() == Delivery(0, 1, 0, None)
    assert rig.only_entry.state == "rejected"
    assert rig.only_entry.reasons
    rig.deliver(10_000)
    assert rig.platform.posts == 1
    assert rig.outbox.requeue(number)
    assert not rig.outbox.requeue(number)
    assert rig.deliver().delivered == 1


def test_an_ignored_entry_is_looked_up_and_becomes_unknown(rig: OutboxRig) -> None:
    rig.outbox.put(CONTACT, COAT)
    rig.platform.post_faults = ["ignored before"] * 2
    for wait in (0.0, 5.1, 10.1, 5.1):
        assert (rig.deliver(wait).rejected, rig.states) == (0, ["sending"])
    assert rig.deliver(10.1).unknown == 1
    assert rig.platform.posts == 2
    assert rig.only_entry.reasons


def test_interactions_from_before_the_post_and_of_delivered_entries_are_not_near(
    rig: OutboxRig,
) -> None:
    rig.platform.stored = [
        {
            "id": "other",
            "contactId": CONTACT,
            "schemaId": "favourite",
            "createdDate": (rig.clock.start + timedelta(minutes=30)).isoformat(),
            "payload": {"productSku": "other"},
        }
    ]
    for seconds in (0, 1.5):
        moment = rig.clock.start + timedelta(seconds=seconds, milliseconds=1)
        rig.outbox.put(CONTACT, COAT, created_date=moment)
    rig.platform.post_faults = ["ok", "timeout before"]
    rig.deliver(3600.0)
    for wait in (5.1, 10.1):
        rig.restart()
        rig.deliver(wait)
    assert not rig.states
    assert (rig.platform.posts, len(rig.platform.stored)) == (3, 3)


def test_a_rejected_entry_does_not_block_the_others(rig: OutboxRig) -> None:
    for _ in range(3):
        rig.outbox.put(CONTACT, COAT)
    rig.platform.post_faults = ["refused"]
    assert rig.deliver() == Delivery(2, 1, 0, None)


@pytest.mark.parametrize("fault", ["never left", "429", "key", "timeout after"])
def test_a_delivery_stops_when_the_remaining_entries_would_fail_the_same_way(
    rig: OutboxRig, fault: str
) -> None:
    for _ in range(3):
        rig.outbox.put(CONTACT, COAT)
    rig.platform.post_faults = [fault] * 3
    stopped = rig.deliver().stopped
    assert isinstance(stopped, (NotSentError, UnauthorizedError, OutcomeUnknownError))
    assert rig.platform.posts == 1


def test_an_entry_that_was_not_sent_is_retried_forever_and_the_last_delay_repeats(
    rig: OutboxRig,
) -> None:
    rig.outbox.put(CONTACT, COAT)
    rig.platform.post_faults = ["never left"] * 4
    for wait in (1.0, 2.0, 2.0):
        assert rig.deliver().stopped is not None
        assert rig.only_entry.state == "waiting"
        assert rig.only_entry.reasons
        assert rig.deliver(wait - 0.1).stopped is None
        rig.clock.sleep(0.2)
    assert rig.deliver().stopped is not None
    assert rig.deliver(2.1).delivered == 1


def test_an_unauthorized_key_rejects_no_entry(rig: OutboxRig) -> None:
    rig.outbox.put(CONTACT, COAT)
    rig.platform.post_faults = ["key"] * 50
    for _ in range(50):
        assert isinstance(rig.deliver(3).stopped, UnauthorizedError)
    assert rig.states == ["waiting"]
    assert rig.deliver(3).delivered == 1


def test_a_lookup_that_fails_is_repeated_and_does_not_count(rig: OutboxRig) -> None:
    rig.outbox.put(CONTACT, COAT)
    rig.platform.post_faults = ["timeout after"]
    rig.platform.get_faults = ["500", "429", "never left", "key", "html"] * 3
    rig.deliver()
    for _ in range(15):
        assert rig.deliver(10.1).stopped is not None
    assert rig.states == ["sending"]
    assert rig.deliver(10.1).delivered == 1
    assert rig.platform.posts == 1


def test_an_entry_that_no_lookup_finds_becomes_unknown_and_is_not_sent_again(
    rig: OutboxRig,
) -> None:
    number = rig.outbox.put(CONTACT, COAT)
    rig.platform.post_faults = ["timeout before"] * 2
    deliveries = [rig.deliver(wait) for wait in (0.0, 5.1, 10.1, 5.1, 10.1)]
    assert deliveries[-1] == Delivery(0, 0, 1, None)
    assert rig.only_entry.reasons
    rig.deliver(10_000)
    assert rig.platform.posts == 2
    assert rig.outbox.requeue(number)
    assert rig.deliver().delivered == 1


def test_a_resend_that_was_not_sent_is_repeated_after_a_lookup(rig: OutboxRig) -> None:
    rig.outbox.put(CONTACT, COAT)
    rig.platform.post_faults = ["timeout before", "never left", "429"]
    waits = (0.0, 5.1, 10.1, 10.1, 10.1)
    assert [rig.deliver(wait).delivered for wait in waits] == [0, 0, 0, 0, 1]
    assert len(rig.platform.stored) == 1


def test_a_rejected_resend_leaves_the_outcome_of_the_first_post_unknown(rig: OutboxRig) -> None:
    rig.outbox.put(CONTACT, COAT)
    rig.platform.post_faults = ["timeout before", "refused"]
    for wait in (0.0, 5.1, 10.1):
        rig.deliver(wait)
    assert rig.states == ["unknown"]


def test_an_entry_becomes_unknown_if_its_contact_is_missing_at_the_lookup(rig: OutboxRig) -> None:
    rig.outbox.put(CONTACT, COAT)
    rig.platform.post_faults, rig.platform.get_faults = ["timeout after"], ["contact"]
    rig.deliver()
    rig.deliver(5.1)
    assert rig.states == ["unknown"]


def to_the_second(stamp: str) -> str:
    return stamp[:19] + "+00:00"


@pytest.mark.parametrize("first", ["ok", "timeout after"])
@pytest.mark.parametrize("second", ["cut before", "cut after"])
@pytest.mark.parametrize("precision", [str, to_the_second])
def test_two_equal_entries_never_claim_the_same_interaction(
    rig: OutboxRig, first: str, second: str, precision: Callable[[str], str]
) -> None:
    rig.platform.precision = precision
    for milliseconds in (1, 2):
        moment = rig.clock.start.replace(microsecond=milliseconds * 1000)
        rig.outbox.put(CONTACT, COAT, created_date=moment)
    rig.platform.post_faults = [first, second]
    for _ in range(2):
        try:
            rig.deliver()
        except PowerCut:
            break
    for wait in (0.0, 5.1, 10.1, 5.1, 10.1):
        rig.restart()
        rig.deliver(wait)
    unsettled = sum(state == "unknown" for state in rig.states)
    assert len(rig.platform.stored) == 2 or unsettled
    assert len(rig.platform.stored) <= 2
    # A rounded date does not tell the second entry from one of another process.
    if first == "ok" and precision is str:
        assert not unsettled


@contextmanager
def changed_schema(**changes: Any) -> Generator[None]:
    """Simulate a package that was generated from a changed schema."""
    schemas = registry.generated_schemas()
    saved = dict(schemas)
    try:
        schemas["favourite"] = replace(schemas["favourite"], schema_hash="another", **changes)
        yield
    finally:
        schemas.clear()
        schemas.update(saved)


def test_an_entry_of_an_older_schema_is_sent_if_it_is_still_valid(rig: OutboxRig) -> None:
    rig.outbox.put(CONTACT, COAT)
    with changed_schema():
        assert rig.deliver().delivered == 1


def test_an_entry_that_is_no_longer_valid_is_rejected_with_the_violation(rig: OutboxRig) -> None:
    rig.outbox.put(CONTACT, COAT)
    with changed_schema(module="repair", class_name="Repair"):
        assert rig.deliver() == Delivery(0, 1, 0, None)
    assert "repairType: is required" in rig.only_entry.reasons[0]
    assert rig.platform.requests == []


def test_an_entry_whose_schema_was_removed_becomes_a_dead_letter(
    rig: OutboxRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig.outbox.put(CONTACT, COAT)
    rig.outbox.put(CONTACT, COAT)
    rig.platform.post_faults = ["timeout after"]
    rig.deliver()
    monkeypatch.setattr(outbox_delivery, "generated_schemas", dict[str, registry.GeneratedSchema])
    rig.deliver(5.1)
    assert rig.states == ["sending", "waiting"]
    assert rig.outbox.status().waiting_for_schema == 1
    rig.deliver(3600.0)
    assert rig.states == ["unknown", "rejected"]
    assert all("without the schema favourite" in entry.reasons[0] for entry in rig.outbox.entries())


def test_a_put_refuses_an_interaction_that_cannot_be_sent(rig: OutboxRig) -> None:
    with pytest.raises(InvalidPayloadError, match="time zone"):
        rig.outbox.put(CONTACT, COAT, created_date=datetime(2026, 1, 1))
    with pytest.raises(InvalidPayloadError, match="schemaId"):
        rig.outbox.put(CONTACT, Gift("a"))
    with pytest.raises(InvalidPayloadError, match="contactId"):
        rig.outbox.put("..", COAT)
    assert not rig.states


def test_a_delivery_refuses_a_closed_client_before_it_changes_an_entry(rig: OutboxRig) -> None:
    rig.outbox.put(CONTACT, COAT)
    rig.client.close()
    with EngageClient("https://acme.voyado.com", api_key="k", user_agent="a/1") as closed:
        pass
    with pytest.raises(ConfigurationError, match="closed"):
        rig.outbox.deliver(closed)
    assert rig.states == ["waiting"]


def test_entries_are_delivered_although_the_clock_was_set_back(rig: OutboxRig) -> None:
    rig.outbox.put(CONTACT, COAT)
    rig.platform.post_faults = ["timeout after"]
    rig.deliver()
    rig.clock.start -= timedelta(days=365)
    assert rig.deliver().delivered == 1


def test_the_status_counts_each_state_and_has_the_oldest_date(rig: OutboxRig) -> None:
    assert rig.outbox.status().oldest is None
    for _ in range(4):
        rig.outbox.put(CONTACT, COAT)
        rig.clock.sleep(60)
    rig.platform.post_faults = ["refused", "timeout before"]
    rig.deliver()
    status = rig.outbox.status()
    assert (status.rejected, status.sending, status.waiting, status.unknown) == (1, 1, 2, 0)
    assert status.oldest == rig.clock.start + timedelta(seconds=60)
    assert [entry.id for entry in rig.outbox.entries("waiting")] == [3, 4]


def test_an_entry_that_is_being_sent_cannot_be_discarded(rig: OutboxRig) -> None:
    first, second = rig.outbox.put(CONTACT, COAT), rig.outbox.put(CONTACT, COAT)
    rig.platform.post_faults = ["timeout after"]
    rig.deliver()
    assert not rig.outbox.discard(first)
    assert rig.outbox.discard(second)
    assert not rig.outbox.discard(second)
    assert rig.states == ["sending"]


def test_an_entry_that_is_discarded_during_a_delivery_is_not_sent(rig: OutboxRig) -> None:
    first, second = rig.outbox.put(CONTACT, COAT), rig.outbox.put(CONTACT, COAT)
    rig.deliver(on_receipt=lambda number, _: number == first and rig.outbox.discard(second))
    assert rig.platform.posts == 1


def test_entries_are_in_order_across_pages(rig: OutboxRig) -> None:
    numbers = [rig.outbox.put(CONTACT, COAT) for _ in range(250)]
    assert [entry.id for entry in rig.outbox.entries()] == numbers


def test_a_stop_ends_the_delivery_after_the_current_step(rig: OutboxRig) -> None:
    stop = threading.Event()
    rig.outbox.put(CONTACT, COAT)
    rig.outbox.put(CONTACT, COAT)
    assert rig.deliver(stop=stop, on_receipt=lambda number, _: stop.set()).delivered == 1
    assert rig.states == ["waiting"]


def test_the_lock_file_of_the_package_leads_to_payload_classes_and_schemas() -> None:
    schema = registry.generated_schemas()["Reuse-Spring-2023"]
    assert schema.load_payload_class().__schema_id__ == "Reuse-Spring-2023"
    assert json.dumps(registry.json_schema("favourite"))


@pytest.mark.parametrize("precision", [str, to_the_second])
def test_a_lookup_does_not_claim_an_interaction_delivered_before_a_restart(
    rig: OutboxRig, precision: Callable[[str], str]
) -> None:
    rig.platform.precision = precision
    day = rig.clock.start
    rig.outbox.put(CONTACT, COAT, created_date=day)
    assert rig.deliver().delivered == 1
    rig.restart()
    rig.outbox.put(CONTACT, COAT, created_date=day + timedelta(milliseconds=1))
    rig.platform.post_faults = ["timeout before"]
    for wait in (0.0, 5.1, 10.1):
        rig.deliver(wait)
    assert len(rig.platform.stored) == 2
    assert not rig.states


def test_a_rejected_equal_entry_is_not_ambiguous(rig: OutboxRig) -> None:
    for milliseconds in (1, 2):
        moment = rig.clock.start.replace(microsecond=milliseconds * 1000)
        rig.outbox.put(CONTACT, COAT, created_date=moment)
    rig.platform.post_faults = ["refused before", "timeout after"]
    rig.deliver()
    rig.deliver(5.1)
    assert rig.states == ["rejected"]
