"""A state machine of the outbox: puts, deliveries, faults, restarts and clock changes in any order.

Every entry is stored once, or is still in the outbox.
"""

import json
import os
import tempfile
from collections import Counter
from collections.abc import Generator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TypeAlias

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from engage_interactions import Receipt, RetryPolicy
from engage_interactions.favourite import Favourite
from engage_interactions.reuse_spring_2023 import ReuseSpring2023
from tests.support.runtime.clocks import FakeClock
from tests.support.runtime.http_library import httpx
from tests.support.runtime.outbox import POLICY, FaultyPlatform, OutboxRig, PowerCut
from tests.support.runtime.postgres import postgres_rig
from tests.support.tiers import IS_FULL

pytestmark = pytest.mark.slow

RAM = "/dev/shm"
CONTACTS = ["anna", "bo"]
SCHEMA_IDS = ["favourite", "Reuse-Spring-2023"]
UNCERTAIN_FAULTS = [
    f"{fault} {when}"
    for fault in ("timeout", "drop", "500", "html", "cut")
    for when in ("before", "after")
]
"""Faults after which the client cannot know whether a POST was applied."""
CERTAIN_FAULTS = ["never left", "429", "key"]
REJECTIONS = ["refused before", "ignored before", "contact"]
POST_FAULTS = [*["ok"] * 4, *UNCERTAIN_FAULTS, *CERTAIN_FAULTS, *REJECTIONS]
GET_FAULTS = [*["ok"] * 20, "timeout", "drop", "500", "html", "cut", "contact", *CERTAIN_FAULTS]
SHORT_POLICY = RetryPolicy(lookup_delays=(5.0,), resend=True)
POLICIES = [*[POLICY] * 4, *[SHORT_POLICY] * 3, RetryPolicy(lookup_delays=(5.0,)), RetryPolicy()]
DELAYS = [0.0, 4.0, 4.0, 6.0, 6.0, 11.0, 11.0, 100_000.0, -365 * 86_400.0]
"""Seconds; a negative number sets the clock back."""


@dataclass(frozen=True)
class Put:
    """A put. With `like`, its date is that of an earlier put or some milliseconds later.

    With `is_equal`, it also has the payload of that put.
    """

    contact: str
    schema_id: str
    like: int | None
    milliseconds: int
    is_equal: bool


@dataclass(frozen=True)
class DeliveryEvent:
    """A delivery after a wait.

    `is_new` restarts the process before. The process ends after that many `receipts`, or not at all
    with 0.
    """

    wait: float
    is_new: bool = False
    post_faults: tuple[str, ...] = ()
    get_faults: tuple[str, ...] = ()
    receipts: int = 0


@dataclass(frozen=True)
class ManualChange:
    """A requeue or discard of an entry that is not unknown, which would need a lookup first."""

    index: int
    is_requeue: bool


DELIVERIES = st.builds(
    DeliveryEvent,
    wait=st.sampled_from(DELAYS),
    is_new=st.booleans(),
    post_faults=st.lists(st.sampled_from(POST_FAULTS), max_size=2).map(tuple),
    get_faults=st.lists(st.sampled_from(GET_FAULTS), max_size=2).map(tuple),
    receipts=st.sampled_from([0, 0, 0, 1, 2]),
)
PUTS = st.builds(
    Put,
    contact=st.sampled_from(CONTACTS),
    schema_id=st.sampled_from(SCHEMA_IDS),
    like=st.none() | st.integers(0, 9),
    milliseconds=st.integers(0, 1),
    is_equal=st.sampled_from([True, True, False]),
)
MANUAL_CHANGES = st.builds(ManualChange, index=st.integers(0, 5), is_requeue=st.booleans())

Key: TypeAlias = tuple[str, str, datetime, str]
"""The identity of an interaction: contact, schema, date and payload."""


def key_of(body: bytes | str) -> Key:
    envelope = json.loads(body)
    created = datetime.fromisoformat(envelope["createdDate"])
    payload = json.dumps(envelope["payload"], sort_keys=True)
    return envelope["contactId"], envelope["schemaId"], created, payload


@dataclass
class Doubt:
    """POSTs of one interaction that may have been applied.

    `clock_start` and `seconds` are the setting of the clock and its time at the last of them.
    `lookups` counts the answered lookups since then.
    """

    clock_start: datetime
    seconds: float
    posts: int
    lookups: int = 0


class CheckingPlatform(FaultyPlatform):
    """Records what is applied, and asserts that nothing is resent too early."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__(clock)
        self.policy = POLICY
        self.applied: dict[str, Key] = {}
        self.put = Counter[Key]()
        self.bodies: dict[Key, bytes] = {}
        self.doubts: dict[Key, Doubt] = {}

    def decode(self, request: httpx.Request) -> dict[str, object]:
        item = super().decode(request)
        self.applied[str(item["id"])] = key_of(request.content)
        return item

    def answer(self, request: httpx.Request, fault: str) -> httpx.Response:
        if request.method == "POST":
            self.check_post(request.content, fault)
        elif fault == "ok":
            query = (request.url.params["contactId"], request.url.params["schemaId"])
            for key, doubt in self.doubts.items():
                doubt.lookups += key[:2] == query
        return super().answer(request, fault)

    def check_post(self, body: bytes, fault: str) -> None:
        key = key_of(body)
        assert self.bodies.setdefault(key, body) == body, "the resend has other bytes"
        doubt = self.doubts.get(key)
        if doubt and self.put[key] == 1:
            delays = self.policy.lookup_delays
            assert self.policy.resend
            assert doubt.lookups >= len(delays), "resent without a lookup"
            assert doubt.posts == 1, "posted a third time"
            waited = self.clock.monotonic() - doubt.seconds
            is_late_enough = waited >= sum(delays)
            assert self.clock.start != doubt.clock_start or is_late_enough, "resent too early"
        if fault in ("ok", *UNCERTAIN_FAULTS):
            posts = doubt.posts + 1 if doubt else 1
            self.doubts[key] = Doubt(self.clock.start, self.clock.monotonic(), posts)
        elif doubt:
            doubt.lookups -= 1


@contextmanager
def file_rig() -> Generator[OutboxRig]:
    """An outbox in a file in the memory."""
    with tempfile.TemporaryDirectory(dir=RAM if os.access(RAM, os.W_OK) else None) as folder:
        rig = OutboxRig(Path(folder) / "outbox.db")
        yield rig
        rig.close()


class OutboxMachine(RuleBasedStateMachine):
    """An outbox, a platform and a clock.

    `keys` are the interactions of the entries that were put and not discarded. `receipts` maps the
    ids of stored interactions to the entries that got them.
    """

    @staticmethod
    def open_rig() -> AbstractContextManager[OutboxRig]:
        """Return a new outbox."""
        raise NotImplementedError

    def __init__(self) -> None:
        super().__init__()
        self.context = self.open_rig()
        self.rig = self.context.__enter__()
        self.platform = CheckingPlatform(self.rig.clock)
        self.keys: dict[int, Key] = {}
        self.receipts: dict[str, int] = {}

    @initialize(policy=st.sampled_from(POLICIES), has_milliseconds=st.booleans())
    def configure(self, policy: RetryPolicy, has_milliseconds: bool) -> None:
        self.rig.policy = self.platform.policy = policy
        if not has_milliseconds:
            self.platform.precision = lambda stamp: stamp[:19] + "+00:00"
        self.rig.platform = self.platform
        self.rig.restart()

    @rule(event=st.one_of(PUTS, DELIVERIES, DELIVERIES, MANUAL_CHANGES))
    def apply_event(self, event: Put | DeliveryEvent | ManualChange) -> None:
        """The only rule: with several rules, most histories would lack some kinds of events."""
        match event:
            case Put():
                self.put(event)
            case DeliveryEvent():
                self.deliver(event)
            case ManualChange():
                self.change_by_hand(event)

    def put(self, event: Put) -> None:
        self.rig.clock.sleep(1.0)
        contact, schema_id, moment = event.contact, event.schema_id, None
        token = f"token {len(self.platform.put)}"
        if event.like is not None and self.keys:
            contact, schema_id, created, text = [*self.keys.values()][event.like % len(self.keys)]
            moment = created + timedelta(milliseconds=event.milliseconds)
            if event.is_equal:
                (token,) = json.loads(text).values()
        is_favourite = schema_id == SCHEMA_IDS[0]
        payload = Favourite(product_sku=token) if is_favourite else ReuseSpring2023(name=token)
        number = self.rig.outbox.put(contact, payload, created_date=moment)
        waiting = self.rig.outbox.entries("waiting")
        (entry,) = [entry for entry in waiting if entry.id == number]
        text = json.dumps(payload.to_payload(), sort_keys=True)
        self.keys[number] = (contact, schema_id, entry.created_date, text)
        self.platform.put[self.keys[number]] += 1

    def deliver(self, event: DeliveryEvent) -> None:
        self.platform.post_faults = [*event.post_faults]
        self.platform.get_faults = [*event.get_faults]
        reported_ids: list[int] = []

        def note(number: int, receipt: Receipt) -> None:
            assert self.platform.applied[receipt.id] == self.keys[number], (
                "the receipt belongs to another entry"
            )
            assert self.receipts.setdefault(receipt.id, number) == number, (
                "two entries share a receipt"
            )
            reported_ids.append(number)
            if len(reported_ids) == event.receipts:
                raise PowerCut

        if event.is_new:
            self.rig.restart()
        self.rig.clock.start += timedelta(seconds=min(event.wait, 0.0))
        # The same client can be used after an exception has ended a delivery.
        with suppress(PowerCut):
            self.rig.deliver(max(event.wait, 0.0), on_receipt=note)

    def change_by_hand(self, change: ManualChange) -> None:
        entries = [entry for entry in self.rig.outbox.entries() if entry.state != "unknown"]
        for entry in entries[change.index : change.index + 1]:
            if change.is_requeue:
                assert self.rig.outbox.requeue(entry.id) == (entry.state == "rejected")
                continue
            is_deleted = self.rig.outbox.discard(entry.id)
            assert is_deleted == (entry.state != "sending")
            if is_deleted:
                del self.keys[entry.id]

    @invariant()
    def every_entry_is_stored_once_or_still_in_the_outbox(self) -> None:
        entries = [*self.rig.outbox.entries()]
        put, stored = Counter(self.keys.values()), Counter(self.platform.applied.values())
        remaining = Counter(self.keys[entry.id] for entry in entries)
        not_sent = [
            self.keys[entry.id] for entry in entries if entry.state in ("waiting", "rejected")
        ]
        assert stored + Counter(not_sent) <= put, "stored too often"
        assert stored + remaining >= put, "lost"
        unique = {key for key in not_sent if self.platform.put[key] == 1}
        assert not unique & self.platform.doubts.keys(), "an uncertain POST was forgotten"
        assert all(entry.reasons for entry in entries if entry.state in ("rejected", "unknown"))
        status = self.rig.outbox.status()
        names = ("waiting", "sending", "rejected", "unknown")
        assert [getattr(status, name) for name in names] == [*map(self.rig.states.count, names)]
        assert (status.oldest is not None) == bool(status.waiting + status.sending)

    def teardown(self) -> None:
        try:
            for _ in range(8):
                self.deliver(DeliveryEvent(1000.0))
            assert not {"waiting", "sending"} & {*self.rig.states}, "an entry is stuck"
            self.every_entry_is_stored_once_or_still_in_the_outbox()
        finally:
            self.context.__exit__(None, None, None)


@pytest.fixture(params=["file", pytest.param("postgres", marks=pytest.mark.postgres)])
def machine_class(request: pytest.FixtureRequest) -> type[OutboxMachine]:
    """The machine with an outbox in a file, or with one in PostgreSQL."""
    if request.param == "file":
        return type("FileMachine", (OutboxMachine,), {"open_rig": staticmethod(file_rig)})
    rig = partial(postgres_rig, request.getfixturevalue("cluster"))
    return type("PostgresMachine", (OutboxMachine,), {"open_rig": staticmethod(rig)})


def test_every_entry_is_stored_once_or_still_in_the_outbox_after_any_history(
    machine_class: type[OutboxMachine],
) -> None:
    long_run = settings(
        max_examples=300 if IS_FULL else 12,
        stateful_step_count=30,
        deadline=None,
        derandomize=not IS_FULL,
    )
    run_state_machine_as_test(machine_class, settings=long_run)


LOST_ANSWER = "timeout after"
"""A fault of a POST that makes the next delivery look the entry up."""


@pytest.mark.parametrize("policy", [POLICY, SHORT_POLICY, RetryPolicy()], ids=str)
@pytest.mark.parametrize(
    ("post_faults", "get_faults"),
    [
        *(((fault,), ()) for fault in sorted({*POST_FAULTS})),
        *(((LOST_ANSWER,), (fault,)) for fault in sorted({*GET_FAULTS})),
    ],
)
def test_every_entry_is_stored_once_or_still_in_the_outbox_after_each_fault(
    machine_class: type[OutboxMachine],
    post_faults: tuple[str, ...],
    get_faults: tuple[str, ...],
    policy: RetryPolicy,
) -> None:
    machine = machine_class()
    machine.configure(policy=policy, has_milliseconds=True)
    faulty = DeliveryEvent(6.0, post_faults=post_faults, get_faults=get_faults)
    events = [
        *(Put(contact, SCHEMA_IDS[0], None, 0, False) for contact in CONTACTS),
        *(faulty, DeliveryEvent(6.0, get_faults=get_faults, is_new=True), ManualChange(0, True)),
    ]
    for event in events:
        machine.apply_event(event)
        machine.every_entry_is_stored_once_or_still_in_the_outbox()
    machine.teardown()
    assert not machine.platform.post_faults
