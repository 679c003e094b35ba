"""A key makes a put idempotent, in a file and in PostgreSQL."""

import threading
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import psycopg
import pytest

from engage_interactions import ConfigurationError
from engage_interactions.favourite import Favourite
from engage_interactions.outbox import Item, KeyConflictError, Outbox
from engage_interactions.postgres import PostgresOutbox
from tests.support.runtime.outbox import OutboxRig
from tests.support.runtime.platform import CONTACT
from tests.support.runtime.postgres import postgres_rig

COAT = Favourite(product_sku="8810-42", price=450)
HAT = Favourite(product_sku="7120-38", price=90)
NOBODY = "00000000-0000-4000-8000-000000000000"
DAY = 86400.0


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


def put_conflicts(rig: OutboxRig, payload: Favourite, contact: str = CONTACT) -> int:
    """Put with the key of another payload, and return the entry that the error names."""
    before = list(rig.outbox.entries())
    with pytest.raises(KeyConflictError) as caught:
        rig.outbox.put(contact, payload, key="order 7")
    assert list(rig.outbox.entries()) == before
    assert "order 7" not in str(caught.value)
    assert not caught.value.may_be_stored
    return caught.value.entry_id


def test_the_second_put_of_a_key_returns_the_first_entry(rig: OutboxRig) -> None:
    number = rig.outbox.put(CONTACT, COAT, key="order 7")
    rig.clock.sleep(60)
    assert rig.outbox.put(CONTACT, COAT, key="order 7") == number
    rig.restart()
    assert rig.outbox.put(CONTACT, COAT, key="order 7") == number
    assert rig.outbox.put(CONTACT, COAT, key="order 8") != number
    assert rig.deliver().delivered == 2


def test_another_payload_or_contact_is_a_conflict(rig: OutboxRig) -> None:
    number = rig.outbox.put(CONTACT, COAT, key="order 7")
    assert put_conflicts(rig, HAT) == number
    assert put_conflicts(rig, replace(COAT, price=451)) == number
    assert put_conflicts(rig, COAT, NOBODY) == number


def test_a_number_and_its_text_are_one_key(rig: OutboxRig) -> None:
    assert rig.outbox.put(CONTACT, COAT, key=7) == rig.outbox.put(CONTACT, COAT, key="7")
    assert rig.outbox.put(CONTACT, COAT, key=-(10**60)) != rig.outbox.put(CONTACT, COAT, key=0)


def test_a_key_outlives_its_delivery_until_receipts_are_forgotten(rig: OutboxRig) -> None:
    number = rig.outbox.put(CONTACT, COAT, key="order 7")
    assert rig.deliver().delivered == 1
    assert rig.deliver(89 * DAY).delivered == 0
    assert rig.outbox.put(CONTACT, COAT, key="order 7") == number
    assert put_conflicts(rig, HAT) == number
    assert rig.states == []
    rig.outbox.put(CONTACT, COAT)
    assert rig.deliver(2 * DAY).delivered == 1
    assert rig.outbox.put(CONTACT, HAT, key="order 7") != number
    assert len(rig.states) == 1


def test_the_key_of_an_entry_that_waits_is_never_forgotten(rig: OutboxRig) -> None:
    number = rig.outbox.put(CONTACT, COAT, key="order 7")
    rig.platform.post_faults = ["key"]
    rig.deliver(400 * DAY)
    assert rig.outbox.put(CONTACT, COAT, key="order 7") == number


def test_receipts_can_be_kept_for_good(rig: OutboxRig) -> None:
    if isinstance(rig.outbox, PostgresOutbox):
        url = cast(Any, rig).url
        outbox: Outbox | PostgresOutbox = PostgresOutbox(url, clock=rig.clock, keep_receipts=None)
    else:
        outbox = Outbox(rig.path, clock=rig.clock, keep_receipts=None)
    with outbox:
        number = outbox.put(CONTACT, COAT, key="order 7")
        assert outbox.deliver(rig.client, max_in_flight=1).delivered == 1
        rig.clock.sleep(4000 * DAY)
        outbox.put(CONTACT, COAT)
        assert outbox.deliver(rig.client, max_in_flight=1).delivered == 1
        assert outbox.put(CONTACT, COAT, key="order 7") == number


def test_another_payload_takes_the_place_of_a_rejected_one(rig: OutboxRig) -> None:
    number = rig.outbox.put(CONTACT, COAT, key="order 7")
    rig.platform.post_faults = ["contact"]
    assert rig.deliver().rejected == 1
    # The same again is the same again: it would be rejected once more.
    assert rig.outbox.put(CONTACT, COAT, key="order 7") == number
    assert rig.states == ["rejected"]
    second = rig.outbox.put(CONTACT, HAT, key="order 7")
    assert second != number
    assert [(entry.id, entry.state) for entry in rig.outbox.entries()] == [(second, "waiting")]
    assert put_conflicts(rig, COAT) == second
    assert rig.deliver().delivered == 1


def test_a_requeued_entry_has_its_key_for_itself_again(rig: OutboxRig) -> None:
    number = rig.outbox.put(CONTACT, COAT, key="order 7")
    rig.platform.post_faults = ["contact"]
    rig.deliver()
    assert rig.outbox.requeue(number)
    assert put_conflicts(rig, HAT) == number
    assert rig.deliver().delivered == 1
    assert put_conflicts(rig, HAT) == number


@pytest.mark.parametrize("payload", [COAT, HAT], ids=["the same", "another"])
def test_any_payload_takes_the_place_of_a_discarded_one(rig: OutboxRig, payload: Favourite) -> None:
    number = rig.outbox.put(CONTACT, COAT, key="order 7")
    assert rig.outbox.discard(number)
    second = rig.outbox.put(CONTACT, payload, key="order 7")
    assert second != number
    assert rig.outbox.put(CONTACT, payload, key="order 7") == second
    assert rig.deliver().delivered == 1


def test_a_purge_forgets_the_keys_of_the_contact(rig: OutboxRig) -> None:
    rig.outbox.put(CONTACT, COAT, key="delivered")
    rig.deliver()
    rig.outbox.put(CONTACT, COAT, key="waiting")
    rig.outbox.put(NOBODY, COAT, key="of somebody else")
    assert rig.outbox.purge(CONTACT) == 1
    rig.outbox.put(CONTACT, HAT, key="delivered")
    rig.outbox.put(CONTACT, HAT, key="waiting")
    with pytest.raises(KeyConflictError):
        rig.outbox.put(CONTACT, HAT, key="of somebody else")


@pytest.mark.parametrize(
    "key", ["", "k" * 201, "a\0b", "\ud800", "order \udfff 7", True, 1.5, b"7", 10**200]
)
def test_a_key_that_cannot_be_kept_is_refused(rig: OutboxRig, key: object) -> None:
    with pytest.raises(ConfigurationError, match="key"):
        rig.outbox.put(CONTACT, COAT, key=cast(str, key))
    with pytest.raises(ConfigurationError, match="key"):
        rig.outbox.put_many([Item(CONTACT, COAT, key=cast(str, key))])
    assert rig.states == []


@pytest.mark.parametrize(
    "key", ["k" * 200, "\U0001f9e5" * 200, "' OR 1 --", "%s %(key)s :key", " "]
)
def test_any_other_text_is_a_key(rig: OutboxRig, key: str) -> None:
    number = rig.outbox.put(CONTACT, COAT, key=key)
    assert rig.outbox.put(CONTACT, COAT, key=key) == number
    assert rig.states == ["waiting"]


def test_many_are_put_again_without_doubles(rig: OutboxRig) -> None:
    items = [Item(CONTACT, replace(COAT, price=number), key=number) for number in range(1100)]
    ids = rig.outbox.put_many(items[:700])
    assert rig.outbox.put_many(items)[:700] == ids
    assert rig.outbox.status().waiting == 1100
    # Two items of one batch with one key are one entry.
    first, second = rig.outbox.put_many([Item(CONTACT, HAT, key="a"), Item(CONTACT, HAT, key="a")])
    assert first == second


def test_many_with_a_wrong_one_put_those_before_it(rig: OutboxRig) -> None:
    items: list[Any] = [(CONTACT, COAT), (CONTACT, HAT), "no item"]
    with pytest.raises(ConfigurationError, match="Item 2"):
        rig.outbox.put_many(items)
    assert len(rig.states) == 2


def test_a_batch_with_a_conflict_is_not_put(rig: OutboxRig) -> None:
    number = rig.outbox.put(CONTACT, COAT, key=1)
    with pytest.raises(KeyConflictError) as caught:
        rig.outbox.put_many([Item(CONTACT, COAT, key=2), Item(CONTACT, HAT, key=1)])
    assert caught.value.entry_id == number
    assert [entry.id for entry in rig.outbox.entries()] == [number]


def test_threads_that_put_one_key_get_one_entry(rig: OutboxRig) -> None:
    start = threading.Barrier(8)

    def put(_number: int) -> int:
        start.wait()
        return rig.outbox.put(CONTACT, COAT, key="order 7")

    with ThreadPoolExecutor(8) as pool:
        assert len({*pool.map(put, range(8))}) == 1
    assert len(rig.states) == 1


@pytest.mark.postgres
@pytest.mark.parametrize("end", ["commit", "rollback"])
@pytest.mark.parametrize("payload", [COAT, HAT], ids=["the same", "another"])
def test_a_put_waits_for_a_transaction_with_its_key(
    database: str, end: str, payload: Favourite
) -> None:
    with (
        PostgresOutbox(database) as outbox,
        closing(psycopg.connect(database)) as first,
        closing(psycopg.connect(database)) as second,
        closing(psycopg.connect(database, autocommit=True)) as witness,
        ThreadPoolExecutor(1) as pool,
    ):
        number = outbox.put(CONTACT, COAT, key="order 7", connection=first)
        put = pool.submit(outbox.put, CONTACT, payload, key="order 7", connection=second)
        waits = "SELECT count(*) FROM pg_stat_activity WHERE pid = %s AND wait_event_type = 'Lock'"
        while witness.execute(waits, [second.info.backend_pid]).fetchone() != (1,):
            assert not put.done()
        getattr(first, end)()
        if end == "commit" and payload is HAT:
            with pytest.raises(KeyConflictError) as caught:
                put.result()
            assert caught.value.entry_id == number
        else:
            assert (put.result() == number) == (end == "commit")
        second.commit()
        assert len(list(outbox.entries())) == 1
