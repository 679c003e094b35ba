"""Whatever the platform, the clock and the process do, and in whatever order: what was put into an
outbox is stored once, or is still in the outbox."""

import json
import os
import tempfile
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeAlias

import httpx
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
from tests.support.clocks import FakeClock
from tests.support.outbox import POLICY, Engage, PowerCut, Till

RAM = "/dev/shm"
CONTACTS = ["anna", "bo"]
KINDS = ["favourite", "Reuse-Spring-2023"]
DOUBTFUL = [
    f"{fault} {when}"
    for fault in ("timeout", "drop", "500", "html", "cut")
    for when in ("before", "after")
]
"""POSTs that may have been carried out, for all that the client knows."""
NOT_DONE = ["never left", "429", "key"]
REFUSED = ["refused before", "ignored before", "contact"]
POSTS = [*["ok"] * 4, *DOUBTFUL, *NOT_DONE, *REFUSED]
LOOKS = [*["ok"] * 20, "timeout", "drop", "500", "html", "cut", "contact", *NOT_DONE]
HASTY = RetryPolicy(lookup_delays=(5.0,), resend=True)
POLICIES = [*[POLICY] * 4, *[HASTY] * 3, RetryPolicy(lookup_delays=(5.0,)), RetryPolicy()]
WAITS = [0.0, 4.0, 4.0, 6.0, 6.0, 11.0, 11.0, 100_000.0, -365 * 86_400.0]
"""A negative one is a clock that is set back."""


@dataclass(frozen=True)
class Sale:
    """A put; with `like`, at the time of an earlier one or a millisecond later, and perhaps equal
    to it."""

    contact: str
    kind: str
    like: int | None
    milliseconds: int
    is_equal: bool


@dataclass(frozen=True)
class Visit:
    """A delivery after a wait, by a new process or the same one, which ends after so many receipts,
    if any; what the platform does, and then all is well."""

    wait: float
    is_new: bool = False
    posts: tuple[str, ...] = ()
    looks: tuple[str, ...] = ()
    receipts: int = 0


@dataclass(frozen=True)
class Chore:
    """Something by hand, unless it is about what is unknown: that would need a look first."""

    which: int
    is_wanted: bool


VISITS = st.builds(
    Visit,
    wait=st.sampled_from(WAITS),
    is_new=st.booleans(),
    posts=st.lists(st.sampled_from(POSTS), max_size=2).map(tuple),
    looks=st.lists(st.sampled_from(LOOKS), max_size=2).map(tuple),
    receipts=st.sampled_from([0, 0, 0, 1, 2]),
)
SALES = st.builds(
    Sale,
    contact=st.sampled_from(CONTACTS),
    kind=st.sampled_from(KINDS),
    like=st.none() | st.integers(0, 9),
    milliseconds=st.integers(0, 1),
    is_equal=st.sampled_from([True, True, False]),
)
CHORES = st.builds(Chore, which=st.integers(0, 5), is_wanted=st.booleans())

Key: TypeAlias = tuple[str, str, datetime, str]
"""What an interaction is: contact, schema, date and payload."""


def key_of(body: bytes | str) -> Key:
    it = json.loads(body)
    created = datetime.fromisoformat(it["createdDate"])
    return it["contactId"], it["schemaId"], created, json.dumps(it["payload"], sort_keys=True)


@dataclass
class Doubt:
    """What may have been carried out: since when, by which setting of the clock, in how many POSTs,
    and how many looks for it were answered since the last of them."""

    start: datetime
    seconds: float
    posts: int
    looks: int = 0


class Witness(Engage):
    """Notes what is carried out, and sees that nothing is posted again before its time."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__(clock)
        self.policy = POLICY
        self.done: dict[str, Key] = {}
        self.put = Counter[Key]()
        self.bodies: dict[Key, bytes] = {}
        self.doubts: dict[Key, Doubt] = {}

    def take(self, request: httpx.Request) -> dict[str, object]:
        item = super().take(request)
        self.done[str(item["id"])] = key_of(request.content)
        return item

    def answer(self, request: httpx.Request, word: str) -> httpx.Response:
        if request.method == "POST":
            self.judge(request.content, word)
        elif word == "ok":
            asked = (request.url.params["contactId"], request.url.params["schemaId"])
            for key, doubt in self.doubts.items():
                doubt.looks += key[:2] == asked
        return super().answer(request, word)

    def judge(self, body: bytes, word: str) -> None:
        key = key_of(body)
        assert self.bodies.setdefault(key, body) == body, "other bytes than the first time"
        doubt = self.doubts.get(key)
        if doubt and self.put[key] == 1:
            looks = self.policy.lookup_delays
            assert self.policy.resend
            assert doubt.looks >= len(looks), "posted again without a look"
            assert doubt.posts == 1, "posted a third time"
            waited = self.clock.monotonic() - doubt.seconds
            assert self.clock.start != doubt.start or waited >= sum(looks), "posted again too early"
        if word in ("ok", *DOUBTFUL):
            posts = doubt.posts + 1 if doubt else 1
            self.doubts[key] = Doubt(self.clock.start, self.clock.monotonic(), posts)
        elif doubt:
            doubt.looks -= 1


class Life(RuleBasedStateMachine):
    """An outbox through good days and bad ones. `puts` are the entries that were put and not
    discarded, `receipts` the ids of what is stored and the entries that got them."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory(dir=RAM if os.access(RAM, os.W_OK) else None)
        self.till = Till(Path(self.folder.name) / "till.db")
        self.platform = Witness(self.till.clock)
        self.puts: dict[int, Key] = {}
        self.receipts: dict[str, int] = {}

    @initialize(policy=st.sampled_from(POLICIES), has_milliseconds=st.booleans())
    def begin(self, policy: RetryPolicy, has_milliseconds: bool) -> None:
        self.till.policy = self.platform.policy = policy
        if not has_milliseconds:
            self.platform.precision = lambda stamp: stamp[:19] + "+00:00"
        self.till.platform = self.platform
        self.till.restart()

    @rule(event=st.one_of(SALES, VISITS, VISITS, CHORES))
    def live(self, event: Sale | Visit | Chore) -> None:
        """The one rule: of several, most lives would go without some."""
        match event:
            case Sale():
                self.put(event)
            case Visit():
                self.deliver(event)
            case Chore():
                self.tidy_up(event)

    def put(self, sale: Sale) -> None:
        self.till.clock.sleep(1.0)
        contact, kind, moment = sale.contact, sale.kind, None
        token = f"token {len(self.platform.put)}"
        if sale.like is not None and self.puts:
            contact, kind, created, text = [*self.puts.values()][sale.like % len(self.puts)]
            moment = created + timedelta(milliseconds=sale.milliseconds)
            if sale.is_equal:
                (token,) = json.loads(text).values()
        payload = Favourite(product_sku=token) if kind == KINDS[0] else ReuseSpring2023(name=token)
        number = self.till.outbox.put(contact, payload, created_date=moment)
        (entry,) = [it for it in self.till.outbox.entries("waiting") if it.id == number]
        text = json.dumps(payload.to_payload(), sort_keys=True)
        self.puts[number] = (contact, kind, entry.created_date, text)
        self.platform.put[self.puts[number]] += 1

    def deliver(self, visit: Visit) -> None:
        self.platform.script, self.platform.looks = [*visit.posts], [*visit.looks]
        told: list[int] = []

        def note(number: int, receipt: Receipt) -> None:
            assert self.platform.done[receipt.id] == self.puts[number], "the receipt of another"
            assert self.receipts.setdefault(receipt.id, number) == number, "a receipt for two"
            told.append(number)
            if len(told) == visit.receipts:
                raise PowerCut

        if visit.is_new:
            self.till.restart()
        self.till.clock.start += timedelta(seconds=min(visit.wait, 0.0))
        # Whoever catches what ended the delivery may go on with the same client.
        with suppress(PowerCut):
            self.till.deliver(max(visit.wait, 0.0), on_receipt=note)

    def tidy_up(self, chore: Chore) -> None:
        entries = [it for it in self.till.outbox.entries() if it.state != "unknown"]
        for entry in entries[chore.which : chore.which + 1]:
            if chore.is_wanted:
                assert self.till.outbox.requeue(entry.id) == (entry.state == "rejected")
                continue
            is_gone = self.till.outbox.discard(entry.id)
            assert is_gone == (entry.state != "sending")
            if is_gone:
                del self.puts[entry.id]

    @invariant()
    def each_is_stored_once_or_still_here(self) -> None:
        entries = [*self.till.outbox.entries()]
        put, stored = Counter(self.puts.values()), Counter(self.platform.done.values())
        here = Counter(self.puts[it.id] for it in entries)
        not_sent = [self.puts[it.id] for it in entries if it.state in ("waiting", "rejected")]
        assert stored + Counter(not_sent) <= put, "stored too often"
        assert stored + here >= put, "lost"
        alone = {key for key in not_sent if self.platform.put[key] == 1}
        assert not alone & self.platform.doubts.keys(), "a doubt is forgotten"
        assert all(it.reasons for it in entries if it.state in ("rejected", "unknown"))
        status = self.till.outbox.status()
        names = ("waiting", "sending", "rejected", "unknown")
        assert [getattr(status, name) for name in names] == [*map(self.till.states.count, names)]
        assert (status.oldest is not None) == bool(status.waiting + status.sending)

    def teardown(self) -> None:
        try:
            for _ in range(8):
                self.deliver(Visit(1000.0))
            assert not {"waiting", "sending"} & {*self.till.states}, "it stands still"
            self.each_is_stored_once_or_still_here()
        finally:
            self.till.outbox.close()
            self.till.client.close()
            self.folder.cleanup()


def test_in_whatever_order_things_happen_what_was_put_is_stored_once_or_still_there() -> None:
    patience = settings(max_examples=300, stateful_step_count=30, deadline=None)
    run_state_machine_as_test(Life, settings=patience)
