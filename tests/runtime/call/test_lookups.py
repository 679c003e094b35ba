"""Lookups: which stored interactions are the one that was sent, which may be, and which are not."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

import pytest

from engage_interactions import RetryPolicy
from engage_interactions._runtime.call.interaction import EncodedInteraction, encode_interaction
from engage_interactions._runtime.call.lookup import (
    Candidates,
    changed_properties,
    find_candidates,
    look_up,
)
from engage_interactions._runtime.call.receipts import ReceiptRegistry
from engage_interactions._runtime.call.steps import (
    Answer,
    Call,
    Failure,
    Reply,
    Request,
    Stop,
    Wait,
)
from engage_interactions._runtime.errors import ReadError
from tests.support.runtime.clocks import FakeClock
from tests.support.runtime.platform import CONTACT, Gift

Item: TypeAlias = Mapping[str, object]

SENT = datetime(2026, 3, 14, 9, 26, 53, 589000, tzinfo=UTC)
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
EQUAL = {
    "id": "x",
    "contactId": CONTACT,
    "schemaId": "gift",
    "createdDate": "2026-03-14T09:26:53.589Z",
    "payload": {"note": "a", "price": 5},
}


@dataclass
class Lookup:
    """A lookup of one interaction in pages of items."""

    created: datetime = SENT
    payload: Gift = field(default_factory=lambda: Gift("a", 5))
    posted_at: datetime = LONG_AGO
    now: datetime = LONG_AGO
    """By default, no date is near the time of the POST and of the lookup."""
    registry: ReceiptRegistry = field(
        default_factory=lambda: ReceiptRegistry(FakeClock().monotonic)
    )

    @property
    def interaction(self) -> EncodedInteraction:
        return encode_interaction(CONTACT, self.payload, self.created)

    def find(self, *items: Item) -> Candidates:
        """Return the candidates in a list with one page."""
        return self.read([list(items)])

    def read(self, pages: Sequence[Sequence[Item]]) -> Candidates:
        """Return the candidates in a list of pages."""
        call = find_candidates(
            self.interaction, self.posted_at, lambda: self.now, receipts=self.registry
        )
        replies = [page(items, number, len(pages)) for number, items in enumerate(pages)]
        return run(call, replies)

    def repeat(
        self, delays: Sequence[float], replies: Sequence[Reply], stop_after: int = 99
    ) -> tuple[Candidates | None, list[Wait]]:
        """Return the outcome and the waits of a lookup that is repeated after each delay."""
        policy = RetryPolicy(lookup_delays=delays)
        call = look_up(self.interaction, self.posted_at, policy, self.registry, lambda: self.now)
        waits: list[Wait] = []
        remaining = list(replies)
        try:
            step: object = next(call)
            while True:
                if isinstance(step, Wait):
                    waits.append(step)
                    step = call.throw(Stop()) if len(waits) > stop_after else call.send(NOTHING)
                else:
                    step = call.send(remaining.pop(0))
        except StopIteration as end:
            assert not remaining
            return end.value, waits


NOTHING = Failure("no request", may_have_arrived=False)


def page(items: Sequence[Item], number: int = 0, count: int = 1) -> Answer:
    following = {"rel": "next", "href": f"/x?continuation={number + 1}"}
    links = [following] if number + 1 < count else []
    return Answer(200, json.dumps({"items": items, "links": links}).encode())


def run(call: Call[Candidates], replies: Sequence[Reply]) -> Candidates:
    """Return the result of a call that makes one request for each reply."""
    remaining = list(replies)
    try:
        step: object = next(call)
        while True:
            assert isinstance(step, Request)
            step = call.send(remaining.pop(0))
    except StopIteration as end:
        assert not remaining
        result: Candidates = end.value
        return result


def judge(candidates: Candidates) -> str:
    if candidates.matches:
        return "match"
    return "near" if candidates.near else "another"


@pytest.mark.parametrize(
    ("microsecond", "text", "expected"),
    [
        # To the millisecond, because Engage may round.
        (589_000, "53.589Z", "match"),
        (589_000, "53.589999Z", "match"),
        (589_000, "53.588001Z", "match"),
        (589_000, "53.590Z", "near"),
        (589_000, "53.588Z", "near"),
        (589_000, "53Z", "near"),
        # A date that is coarser than the one that was sent identifies nothing.
        (0, "53Z", "match"),
        (0, "53.000Z", "match"),
        (400, "53Z", "near"),
        (400, "53.000Z", "match"),
        (1, "53Z", "near"),
        (999_500, "54Z", "near"),
        (999_500, "54.000Z", "match"),
        (999_500, "53.999Z", "match"),
        (999_500, "53.999500Z", "match"),
        # Neither does a date without an offset.
        (589_000, "53.589", "near"),
        (0, "53", "near"),
        (589_000, "53.589z", "match"),
        (589_000, "53.589+00:00", "match"),
        (589_000, "53.589-00:00", "match"),
        (589_000, "53.5890000+00:00", "match"),
        (589_000, "53.589+02:00", "another"),
    ],
)
def test_a_date_is_the_same_to_the_millisecond_if_it_has_an_offset(
    microsecond: int, text: str, expected: str
) -> None:
    lookup = Lookup(created=SENT.replace(microsecond=microsecond))
    text = f"2026-03-14T09:26:{text}"
    assert judge(lookup.find({**EQUAL, "createdDate": text})) == expected


def stamp(moment: datetime) -> str:
    return moment.isoformat()


NOTE_B = {"note": "b", "price": 5}
TICK = timedelta(microseconds=1)
TWO = timedelta(seconds=2)


@pytest.mark.parametrize(
    ("created", "expected"),
    [
        (SENT, "near"),
        (SENT + TWO, "near"),
        (SENT - TWO, "near"),
        (SENT + TWO + TICK, "another"),
        (SENT - TWO - TICK, "another"),
        (LONG_AGO - TWO, "near"),  # the time of the POST
        (LONG_AGO - TWO - TICK, "another"),
        (LONG_AGO + timedelta(hours=1) + TWO, "near"),  # the time of the lookup
        (LONG_AGO + timedelta(hours=1) + TWO + TICK, "another"),
        (LONG_AGO + timedelta(minutes=30), "near"),
    ],
)
def test_an_interaction_is_near_within_two_seconds_of_its_date_or_of_the_send(
    created: datetime, expected: str
) -> None:
    lookup = Lookup(now=LONG_AGO + timedelta(hours=1))
    item = {**EQUAL, "payload": NOTE_B, "createdDate": stamp(created)}
    assert judge(lookup.find(item)) == expected


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, "match"),
        ({"contactId": CONTACT.upper()}, "match"),
        ({"schemaId": "GIFT"}, "match"),
        ({"contactId": "another"}, "near"),
        ({"schemaId": "another"}, "near"),
        ({"contactId": "another", "schemaId": "another"}, "near"),
        ({"payload": None}, "near"),
        ({"payload": []}, "near"),
        ({"payload": "{}"}, "near"),
        ({"payload": NOTE_B}, "near"),
        ({"payload": {"price": 5, "note": "a", "undeclared": 1}}, "match"),
        ({"payload": {}}, "match"),  # Engage drops properties
        ({"createdDate": "nonsense"}, "near"),
        ({"createdDate": None}, "near"),
        ({"createdDate": "2020-06-01T00:00:00"}, "near"),  # no offset: any time
        ({"createdDate": "2020-06-01T00:00:00Z"}, "another"),
        ({"createdDate": "2020-06-01T00:00:00Z", "contactId": "another"}, "another"),
    ],
    ids=str,
)
def test_contact_schema_payload_and_date_identify_an_interaction(
    change: Item, expected: str
) -> None:
    assert judge(Lookup().find({**EQUAL, **change})) == expected


def test_an_id_in_several_spellings_is_one_candidate_and_matches_come_first() -> None:
    near = {**EQUAL, "payload": NOTE_B}
    candidates = Lookup().find(
        {**near, "id": "N1"},
        {**EQUAL, "id": "I1"},
        {**near, "id": "n1"},
        {**EQUAL, "id": "i1"},
        {**EQUAL, "id": "i2"},
    )
    assert candidates == Candidates(("i1", "i2"), ("n1",))
    assert candidates.ids == ("i1", "i2", "n1")


@pytest.mark.parametrize("item", [EQUAL, {**EQUAL, "payload": NOTE_B}])
def test_an_id_that_belongs_to_another_send_is_no_candidate(item: Item) -> None:
    lookup = Lookup()
    lookup.registry.add(lookup.interaction, "TAKEN")
    candidates = lookup.find({**item, "id": "taken"}, {**item, "id": "free"})
    assert candidates.ids == ("free",)


def test_an_id_that_belongs_to_an_entry_of_an_outbox_is_no_candidate() -> None:
    lookup = Lookup()
    entry = replace(lookup.interaction, stored_entry=("outbox.db", 1))
    lookup.registry.add(entry, "x")
    assert lookup.find(EQUAL) == Candidates()
    call = find_candidates(entry, LONG_AGO, lambda: LONG_AGO, receipts=lookup.registry)
    assert run(call, [page([EQUAL])]) == Candidates(("x",))


OTHERS = [
    {**EQUAL, "id": f"o{number}", "createdDate": "2021-01-01T00:00:00Z"} for number in range(50)
]


@pytest.mark.parametrize("pages", [[OTHERS[:1], [EQUAL]], [[EQUAL], OTHERS[:2]], [[], [], [EQUAL]]])
def test_a_lookup_reads_all_pages(pages: Sequence[Sequence[Item]]) -> None:
    assert Lookup().read(pages) == Candidates(("x",))


def test_a_list_whose_last_page_is_full_does_not_prove_that_nothing_is_stored() -> None:
    assert Lookup().find(*OTHERS[:49]) == Candidates()
    with pytest.raises(ReadError):
        Lookup().find(*OTHERS)
    assert Lookup().find(*OTHERS[:49], EQUAL) == Candidates(("x",))
    near = {**EQUAL, "payload": NOTE_B}
    assert Lookup().find(*OTHERS[:49], near) == Candidates((), ("x",))


NEAR = page([{**EQUAL, "payload": NOTE_B}])
MATCH = page([EQUAL])
NONE = page([])
ERROR = Answer(500, b"")
CUT = Failure("cut", may_have_arrived=True)


@pytest.mark.parametrize(
    ("replies", "expected"),
    [
        ([MATCH], Candidates(("x",))),
        ([NONE, MATCH], Candidates(("x",))),
        ([NEAR, MATCH], Candidates(("x",))),
        ([ERROR, CUT, MATCH], Candidates(("x",))),
        ([NONE, NONE, NONE], Candidates()),
        ([NONE, ERROR, NONE], Candidates()),
        ([NONE, NONE, NEAR], Candidates((), ("x",))),
        ([NEAR, NEAR, NONE], Candidates()),
        ([NONE, NONE, ERROR], None),
        ([NEAR, NEAR, CUT], None),
    ],
)
def test_a_lookup_is_repeated_until_there_is_a_match_and_the_last_one_counts(
    replies: Sequence[Reply], expected: Candidates | None
) -> None:
    candidates, waits = Lookup().repeat((1.0, 2.0, 4.0), replies)
    assert candidates == expected
    assert waits == [Wait(seconds, "lookup") for seconds in (1.0, 2.0, 4.0)[: len(replies)]]


def test_a_policy_without_lookups_finds_nothing_out() -> None:
    assert Lookup().repeat((), []) == (None, [])


def test_a_repeated_lookup_regards_the_time_of_the_send() -> None:
    item = {**EQUAL, "payload": NOTE_B, "createdDate": stamp(LONG_AGO + timedelta(days=1))}
    candidates, _ = Lookup(now=SENT).repeat((1.0,), [page([item])])
    assert candidates == Candidates((), ("x",))
    candidates, _ = Lookup(posted_at=SENT, now=SENT).repeat((1.0,), [page([item])])
    assert candidates == Candidates()


def test_a_stop_ends_the_lookups_with_nothing_known() -> None:
    assert Lookup().repeat((1.0, 2.0), [], stop_after=0) == (None, [Wait(1.0, "lookup")])
    candidates, waits = Lookup().repeat((1.0, 2.0), [NONE], stop_after=1)
    assert (candidates, len(waits)) == (None, 2)


NOON = "2026-03-14T12:00:00Z"


@pytest.mark.parametrize(
    ("sent", "stored", "is_same"),
    [
        ("a", "a", True),
        ("a", "A", False),
        ("a", None, False),
        (2, 2.0, True),
        (2, 3, False),
        (2, "2", False),
        ("2", 2, False),
        (True, True, True),
        (False, False, True),
        (True, False, False),
        (True, 1, False),
        (0, False, False),
        (1, True, False),
        (NOON, "2026-03-14T13:00:00+01:00", True),
        (NOON, "2026-03-14T12:00:00.000Z", True),
        (NOON, "2026-03-14T12:00:01Z", False),
        (NOON, "2026-03-14T12:00:00", False),
        (NOON, "nonsense", False),
        (NOON, 5, False),
        ("9 lives", "9 LIVES", False),
        ("nonsense", NOON, False),
        (["a"], ["a"], True),
        (["a"], ["b"], False),
        ({"a": 1}, {"a": 1}, True),
        (None, None, True),
        (None, "anything", True),
    ],
)
def test_a_value_is_compared_by_its_meaning(sent: Any, stored: Any, is_same: bool) -> None:
    expected = () if is_same else ("name",)
    assert changed_properties({"name": sent}, {"name": stored}) == expected


def test_all_properties_that_changed_are_named_in_order() -> None:
    sent: dict[str, Any] = {"b": 1, "a": 2, "c": 3, "d": None}
    assert changed_properties(sent, {"a": 2.0}) == ("b", "c")
    assert changed_properties(sent, {}) == ("b", "a", "c")
    assert changed_properties({}, sent) == ()


def test_the_time_of_the_send_is_from_the_post_to_the_lookup() -> None:
    item = {**EQUAL, "payload": NOTE_B, "createdDate": stamp(LONG_AGO + timedelta(days=1))}
    assert judge(Lookup(now=SENT).find(item)) == "near"
    assert judge(Lookup(posted_at=SENT, now=SENT).find(item)) == "another"
