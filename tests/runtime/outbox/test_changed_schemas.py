"""A schema that is missing for a while rejects nothing: to change one, it is created again."""

from collections.abc import Generator
from datetime import timedelta
from pathlib import Path

import pytest

from engage_interactions.favourite import Favourite
from engage_interactions.outbox import Delivery, Outbox, OutboxObserver
from engage_interactions.reuse_spring_2023 import ReuseSpring2023
from tests.support.runtime.http_library import httpx
from tests.support.runtime.outbox import FaultyPlatform, OutboxRig
from tests.support.runtime.platform import CONTACT
from tests.support.runtime.postgres import postgres_rig

COAT = Favourite(product_sku="8810-42")
MISSING = {"errorCode": "InteractionSchemaNotFound", "message": "no such schema"}


class ChangingPlatform(FaultyPlatform):
    """A platform without some schemas."""

    missing: frozenset[str] = frozenset()

    def answer(self, request: httpx.Request, fault: str) -> httpx.Response:
        is_post = request.method == "POST"
        schema_id = (
            self.decode(request)["schemaId"] if is_post else request.url.params.get("schemaId")
        )
        if schema_id in self.missing:
            return httpx.Response(404, json=MISSING)
        return super().answer(request, fault)


@pytest.fixture(params=["file", pytest.param("postgres", marks=pytest.mark.postgres)])
def rig(request: pytest.FixtureRequest, tmp_path: Path) -> Generator[OutboxRig]:
    if request.param == "file":
        file_rig = OutboxRig(tmp_path / "outbox.db")
        file_rig.platform = ChangingPlatform(file_rig.clock)
        file_rig.restart()
        yield file_rig
        file_rig.close()
    else:
        with postgres_rig(request.getfixturevalue("cluster")) as rig:
            rig.platform = ChangingPlatform(rig.clock)
            rig.restart()
            yield rig


def lose(rig: OutboxRig, *schema_ids: str) -> None:
    assert isinstance(rig.platform, ChangingPlatform)
    rig.platform.missing = frozenset(schema_ids)


def test_an_entry_waits_for_its_schema_and_is_delivered_when_it_is_back(rig: OutboxRig) -> None:
    rig.outbox.put(CONTACT, COAT)
    rig.outbox.put(CONTACT, ReuseSpring2023(name="a"))
    lose(rig, "favourite")
    assert rig.deliver() == Delivery(1, 0, 0, None)
    status = rig.outbox.status()
    assert (status.waiting, status.waiting_for_schema) == (1, 1)
    assert "no such schema" in rig.only_entry.reasons[0]
    assert rig.deliver(1800.0) == Delivery(0, 0, 0, None)
    lose(rig)
    assert rig.deliver(1000.0) == Delivery(1, 0, 0, None)
    assert rig.outbox.status().waiting_for_schema == 0
    assert len(rig.platform.stored) == 2


def test_an_entry_is_rejected_if_its_schema_does_not_come_back_within_an_hour(
    rig: OutboxRig,
) -> None:
    rig.outbox.put(CONTACT, COAT)
    lose(rig, "favourite")
    rig.deliver()
    assert rig.deliver(3599.0).rejected == 0
    assert rig.deliver(10.0).rejected == 1
    assert rig.outbox.status().waiting_for_schema == 0


def test_an_entry_in_doubt_waits_for_its_schema_too(rig: OutboxRig) -> None:
    rig.outbox.put(CONTACT, COAT)
    rig.platform.post_faults = ["timeout after"]
    rig.deliver()
    lose(rig, "favourite")
    rig.deliver(10.0)
    assert rig.states == ["sending"]
    lose(rig)
    assert rig.deliver(100.0) == Delivery(1, 0, 0, None)
    assert rig.platform.posts == 1


def test_all_dead_letters_of_a_schema_can_be_requeued(rig: OutboxRig) -> None:
    rig.outbox.put(CONTACT, COAT)
    rig.outbox.put("another", COAT)
    rig.outbox.put(CONTACT, ReuseSpring2023(name="a"))
    rig.platform.post_faults = ["refused before"] * 3
    assert rig.deliver().rejected == 3
    assert rig.outbox.requeue_all(schema_id="favourite", state="unknown") == 0
    assert rig.outbox.requeue_all(schema_id="favourite") == 2
    assert sorted(rig.states) == ["rejected", "waiting", "waiting"]
    assert rig.outbox.requeue_all() == 1
    assert rig.deliver() == Delivery(3, 0, 0, None)


def test_a_contact_is_purged_with_its_receipts(rig: OutboxRig) -> None:
    rig.outbox.put(CONTACT, COAT)
    assert rig.deliver().delivered == 1
    rig.outbox.put(CONTACT, COAT, key="k")
    rig.outbox.put("another", COAT)
    assert rig.outbox.purge(CONTACT) == 1
    assert [entry.contact_id for entry in rig.outbox.entries()] == ["another"]
    assert rig.outbox.put(CONTACT, Favourite(product_sku="new"), key="k") > 0


class Events(OutboxObserver):
    """Records the events of an outbox."""

    def __init__(self) -> None:
        self.events: list[tuple[object, ...]] = []

    def put(self, schema_id: str) -> None:
        self.events.append(("put", schema_id))

    def posted(self, schema_id: str) -> None:
        self.events.append(("posted", schema_id))

    def looked_up(self, schema_id: str, is_found: bool) -> None:
        self.events.append(("looked up", schema_id, is_found))

    def delivered(self, schema_id: str, seconds: float) -> None:
        self.events.append(("delivered", schema_id, seconds))

    def oldest(self, seconds: float) -> None:
        self.events.append(("oldest", seconds))


class BrokenEvents(Events):
    """Raises at each event."""

    def put(self, schema_id: str) -> None:
        raise ValueError(schema_id)

    posted = put

    def oldest(self, seconds: float) -> None:
        raise ValueError(seconds)


def test_an_observer_receives_what_happens_to_an_entry(tmp_path: Path) -> None:
    rig = OutboxRig(tmp_path / "outbox.db")
    rig.outbox.close()
    observer = Events()
    rig.outbox = Outbox(rig.path, retry=rig.policy, clock=rig.clock, observer=observer)
    rig.outbox.put(CONTACT, COAT)
    rig.platform.post_faults = ["timeout after"]
    rig.deliver(3.0)
    rig.deliver(5.0)
    rig.deliver()
    assert observer.events == [
        ("put", "favourite"),
        ("oldest", 3.0),
        ("posted", "favourite"),
        ("oldest", 8.0),
        ("looked up", "favourite", True),
        ("delivered", "favourite", 8.0),
        ("oldest", 0.0),
    ]
    rig.close()


def test_an_observer_that_raises_costs_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    rig = OutboxRig(tmp_path / "outbox.db")
    rig.outbox.close()
    rig.outbox = Outbox(
        rig.path,
        retry=rig.policy,
        clock=rig.clock,
        observer=BrokenEvents(),
        schema_wait=timedelta(seconds=1),
    )
    rig.outbox.put(CONTACT, COAT)
    assert rig.deliver() == Delivery(1, 0, 0, None)
    assert len(caplog.records) == 3
    rig.close()
