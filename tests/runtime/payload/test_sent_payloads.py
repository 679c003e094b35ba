"""Nothing gets past the checks of a payload: they run again when it is sent, by every way to send.

Each way refuses the same payloads with the same error, before a request leaves.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar
from unittest.mock import Mock
from uuid import UUID

import pytest

from engage_interactions import (
    AsyncEngageClient,
    ConfigurationError,
    EngageClient,
    InvalidPayloadError,
    RetryPolicy,
)
from engage_interactions._runtime import registry
from engage_interactions._runtime.outbox import delivery
from engage_interactions._runtime.payload import Json
from engage_interactions.bulk import BulkResult, send_many, send_many_async
from engage_interactions.favourite import Favourite
from engage_interactions.outbox import Outbox
from engage_interactions.product_review import ProductReview
from engage_interactions.repair import Repair
from engage_interactions.testing import AsyncRecordingClient, RecordingClient
from tests.support.runtime.http_library import httpx

CONTACT = "3f0c1a52-7d5e-4b0e-9a64-1c2f5b8e0d01"
MOMENT = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)


def answer(request: httpx.Request) -> httpx.Response:
    raise AssertionError(f"a request left: {request.content!r}")


Settings = dict[str, Any]
SETTINGS: Settings = {"api_key": "key", "user_agent": "Shop/1"}
URL = "https://acme.voyado.com"
MOCK = httpx.MockTransport(answer)


def with_threads(payload: Any, **options: Any) -> None:
    with httpx.Client(transport=MOCK) as http, EngageClient(URL, http=http, **SETTINGS) as engage:
        engage.send(CONTACT, payload, **options)


def with_tasks(payload: Any, **options: Any) -> None:
    async def send() -> None:
        async with (
            httpx.AsyncClient(transport=MOCK) as http,
            AsyncEngageClient(URL, http=http, **SETTINGS) as engage,
        ):
            await engage.send(CONTACT, payload, **options)

    asyncio.run(send())


def recorded(payload: Any, **options: Any) -> None:
    with RecordingClient() as engage:
        try:
            engage.send(CONTACT, payload, **options)
        finally:
            engage.assert_nothing_sent()


def recorded_with_tasks(payload: Any, **options: Any) -> None:
    async def send() -> None:
        async with AsyncRecordingClient() as engage:
            await engage.send(CONTACT, payload, **options)

    asyncio.run(send())


WAYS: Mapping[str, Callable[..., None]] = {
    "threads": with_threads,
    "tasks": with_tasks,
    "recording": recorded,
    "recording with tasks": recorded_with_tasks,
}
each_way = pytest.mark.parametrize("send", WAYS.values(), ids=WAYS)


def repair(**values: Any) -> Repair:
    valid: Any = {"product_sku": "7120-38", "repair_type": "zipper", "received_at": MOMENT}
    return Repair(**{**valid, **values})


def changed(attribute: str, value: object) -> Repair:
    """A valid payload, changed behind its back."""
    payload = repair(category="coat", cost=450.5, under_warranty=True)
    object.__setattr__(payload, attribute, value)
    return payload


class ChangingZone(tzinfo):
    """A time zone whose offset is valid the first time only."""

    def __init__(self, later: object) -> None:
        self.offset: Any = timedelta(hours=1)
        self.later = later

    def utcoffset(self, moment: datetime | None, /) -> Any:
        offset, self.offset = self.offset, self.later
        return offset

    def dst(self, moment: datetime | None, /) -> None:
        return None

    tzname = dst


class Unchecked(Repair):
    def __post_init__(self) -> None:
        """Check nothing."""


class Undeclared(Repair):
    def to_payload(self) -> dict[str, Json]:
        return {**super().to_payload(), "color": "red"}


class WithoutSku(Repair):
    def to_payload(self) -> dict[str, Json]:
        payload = super().to_payload()
        del payload["productSku"]
        return payload


class NoObject(Repair):
    def to_payload(self) -> Any:
        return [("productSku", "7120-38")]


class NoJson(Repair):
    def to_payload(self) -> Any:
        return {**super().to_payload(), "receivedAt": self.received_at}


class Broken(Repair):
    def to_payload(self) -> Any:
        raise ZeroDivisionError


def of(payload_class: type[Repair], **values: Any) -> Repair:
    return payload_class(product_sku="1", repair_type="zipper", received_at=MOMENT, **values)


LONE = "a\ud83d"
TAMPERED: Mapping[str, tuple[Callable[[], Any], str]] = {
    "None for a required property": (lambda: changed("product_sku", None), "productSku: must be"),
    "a number for a string": (lambda: changed("category", 7), "category: must be a string"),
    "half a character": (lambda: changed("category", LONE), "category: has half a character"),
    "NaN": (lambda: changed("cost", float("nan")), "cost: must be finite"),
    "a text for a number": (lambda: changed("cost", "450"), "cost: must be a number"),
    "an int for a bool": (lambda: changed("under_warranty", 1), "underWarranty: must be a bool"),
    "a naive date": (
        lambda: changed("received_at", datetime(2026, 3, 1)),
        "receivedAt: must have a time zone",
    ),
    "a text for a date": (lambda: changed("received_at", "2026"), "receivedAt: must be a datetime"),
    "no constructor": (lambda: Repair.__new__(Repair), "product_sku: has no value"),
    "no constructor of a subclass": (lambda: Unchecked.__new__(Unchecked), "received_at: has no"),
    "an override of the check": (lambda: of(Unchecked, cost=float("inf")), "cost: must be finite"),
    "an override of the check, with no date": (
        lambda: Unchecked(product_sku="1", repair_type="zipper", received_at=Mock()),
        "receivedAt: must be a datetime",
    ),
    "an undeclared property": (lambda: of(Undeclared), "color: is not declared"),
    "a missing property": (lambda: of(WithoutSku), "productSku: is required"),
    "no object": (lambda: of(NoObject), "payload: must be an object"),
    "no JSON": (lambda: of(NoJson), "receivedAt: must be a date-time string, not datetime"),
    "a broken encoder": (lambda: of(Broken), "payload: cannot be encoded: ZeroDivisionError"),
    "a zone without an offset": (
        lambda: repair(received_at=MOMENT.replace(tzinfo=ChangingZone(None))),
        "receivedAt: must have a time zone",
    ),
    "a zone with seconds": (
        lambda: repair(received_at=MOMENT.replace(tzinfo=ChangingZone(timedelta(seconds=1)))),
        "receivedAt: has an offset with seconds",
    ),
    "a zone with an offset of days": (
        lambda: repair(received_at=MOMENT.replace(tzinfo=ChangingZone(timedelta(days=2)))),
        "receivedAt: has a time zone without a valid offset (ValueError)",
    ),
    "a zone with a text": (
        lambda: repair(received_at=MOMENT.replace(tzinfo=ChangingZone("+01:00"))),
        "receivedAt: has a time zone without a valid offset (TypeError)",
    ),
}


@each_way
@pytest.mark.parametrize(("make", "words"), TAMPERED.values(), ids=TAMPERED)
def test_a_payload_that_is_not_valid_is_refused_before_a_request_leaves(
    send: Callable[..., None], make: Callable[[], Any], words: str
) -> None:
    payload = make()
    with pytest.raises(InvalidPayloadError) as caught:
        send(payload)
    assert words in str(caught.value)
    assert caught.value.schema_id == "repair"


@pytest.mark.parametrize(("make", "words"), TAMPERED.values(), ids=TAMPERED)
def test_the_outbox_and_bulk_sends_refuse_it_too(
    tmp_path: Path, make: Callable[[], Any], words: str
) -> None:
    with Outbox(tmp_path / "outbox.db") as outbox:
        with pytest.raises(InvalidPayloadError) as caught:
            outbox.put(CONTACT, make())
        assert words in str(caught.value)
        assert not list(outbox.entries())
    with RecordingClient() as engage:
        (outcome,) = send_many(engage, [(CONTACT, make())]).failed
        assert words in str(outcome.error)
        engage.assert_nothing_sent()


def test_a_broken_encoder_breaks_a_rule_of_json() -> None:
    with pytest.raises(InvalidPayloadError) as caught:
        with_threads(of(Broken))
    assert [violation.code for violation in caught.value.violations] == ["json"]


class FlickeringZone(tzinfo):
    """A time zone that fails once, at the call that the test says."""

    calls_to_failure = 0

    def utcoffset(self, moment: datetime | None, /) -> timedelta:
        self.calls_to_failure -= 1
        if self.calls_to_failure == 0:
            raise ZeroDivisionError
        return timedelta(hours=1)

    def dst(self, moment: datetime | None, /) -> None:
        return None

    tzname = dst


def test_a_value_that_fails_while_it_is_encoded_is_named_by_its_exception() -> None:
    messages: set[str] = set()
    for calls in range(1, 9):
        zone = FlickeringZone()
        payload = repair(received_at=MOMENT.replace(tzinfo=zone))
        zone.calls_to_failure = calls
        try:
            RecordingClient().send(CONTACT, payload)
        except InvalidPayloadError as error:
            messages.update(violation.message for violation in error.violations)
    assert messages == {
        "has a time zone without a valid offset (ZeroDivisionError)",
        "cannot be encoded: ZeroDivisionError",
    }


class OtherPackage:
    """A payload class of another generated package."""

    __schema_id__: ClassVar[str] = "repair"
    __properties__: ClassVar[frozenset[str]] = frozenset()

    def to_payload(self) -> dict[str, Json]:
        return {}


class Renamed(Repair):
    __schema_id__: ClassVar[str] = "favourite"


NO_PAYLOADS: Mapping[str, tuple[Any, str]] = {
    "a dict": ({"productSku": "1"}, "not dict"),
    "None": (None, "not NoneType"),
    "a text": ("repair", "not str"),
    "a class": (Repair, "not the class Repair"),
    "another object": (SimpleNamespace(to_payload=dict), "not types.SimpleNamespace"),
    "a mock": (Mock(spec=Repair), "not unittest.mock.Mock"),
    "another package": (OtherPackage(), "OtherPackage. Nothing was sent."),
    "another schema id": (of(Renamed), "Renamed overrides __schema_id__"),
}


@each_way
@pytest.mark.parametrize(("payload", "words"), NO_PAYLOADS.values(), ids=NO_PAYLOADS)
def test_an_object_that_is_no_payload_is_an_error_of_ours(
    send: Callable[..., None], payload: Any, words: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        send(payload)
    assert words in str(caught.value)
    assert "Nothing was sent." in str(caught.value)
    if "overrides" not in words:
        assert "a payload class of engage_interactions, not" in str(caught.value)


@pytest.mark.parametrize(("payload", "words"), NO_PAYLOADS.values(), ids=NO_PAYLOADS)
def test_the_outbox_and_bulk_sends_name_it_too(tmp_path: Path, payload: Any, words: str) -> None:
    with Outbox(tmp_path / "outbox.db") as outbox:
        with pytest.raises(ConfigurationError) as caught:
            outbox.put(CONTACT, payload)
        assert words in str(caught.value)

    async def send_all() -> BulkResult:
        async with AsyncRecordingClient() as engage:
            return await send_many_async(engage, [(CONTACT, payload)])

    with RecordingClient() as engage:
        results = (send_many(engage, [(CONTACT, payload)]), asyncio.run(send_all()))
    outcomes = [outcome for result in results for outcome in result.failed]
    assert [type(outcome.error) for outcome in outcomes] == [ConfigurationError] * 2
    assert all(words in str(outcome.error) for outcome in outcomes)


class NaT(datetime):
    """As `pandas.NaT`: a datetime whose methods raise."""

    def utcoffset(self) -> Any:
        raise ValueError("NaTType does not support utcoffset")


class NotAvailable:
    """As `pandas.NA`: a value that has no truth."""

    def __bool__(self) -> bool:
        raise TypeError("boolean value of NA is ambiguous")


DATES: Mapping[str, tuple[Callable[[], Any], str]] = {
    "no date": (lambda: "2026-03-01", "must be a datetime"),
    "false": (lambda: 0, "must be a datetime"),
    "NA": (NotAvailable, "must be a datetime, not NotAvailable"),
    "NaT": (lambda: NaT(1, 1, 1), "must have a time zone"),
    "naive": (lambda: datetime(2026, 3, 1), "must have a time zone"),
    "a zone without an offset": (
        lambda: MOMENT.replace(tzinfo=ChangingZone(None)),
        "not an RFC 3339 date-time",
    ),
}


@each_way
@pytest.mark.parametrize(("make", "words"), DATES.values(), ids=DATES)
def test_a_created_date_that_cannot_be_sent_is_a_named_violation(
    send: Callable[..., None], make: Callable[[], Any], words: str
) -> None:
    with pytest.raises(InvalidPayloadError) as caught:
        send(repair(), created_date=make())
    (violation,) = caught.value.violations
    assert violation.property == "createdDate"
    assert words in violation.message


def test_a_subclass_is_sent_as_its_own_encoder_writes_it_if_that_is_valid() -> None:
    class Upper(Repair):
        def to_payload(self) -> dict[str, Json]:
            payload = super().to_payload()
            return {**payload, "category": str(payload["category"]).upper()}

    with RecordingClient() as engage:
        engage.send(CONTACT, of(Upper, category="coat"))
        assert engage.sends[0].payload == of(Upper, category="COAT")


def test_the_date_of_a_receipt_does_not_change_with_its_zone() -> None:
    zone = ChangingZone(timedelta(hours=1))
    with RecordingClient() as engage:
        receipt = engage.send(CONTACT, repair(), created_date=MOMENT.replace(tzinfo=zone))
        zone.later = zone.offset = timedelta(hours=5)
    assert receipt.created_date == MOMENT.replace(tzinfo=timezone(timedelta(hours=1)))


def test_a_uuid_is_a_contact_id_and_a_string_and_a_decimal_is_a_number() -> None:
    contact: Any = UUID(CONTACT)
    review: Any = {"product_sku": UUID(int=5), "rating": Decimal(5)}
    with RecordingClient() as engage:
        receipt = engage.send(contact, ProductReview(**review))
        assert receipt.contact_id == CONTACT
        engage.assert_sent(ProductReview(product_sku=str(UUID(int=5)), rating=5))
        favourite: Any = {"product_sku": "1", "price": Decimal("450.50")}
        engage.send(CONTACT, Favourite(**favourite))
        (sent,) = engage.payloads(Favourite)
        assert type(sent.price) is float
        assert sent.price == 450.5


def test_a_policy_takes_delays_of_any_sequence() -> None:
    policy = RetryPolicy(retry_delays=[0.5, 1], lookup_delays=range(3))
    assert policy == RetryPolicy(retry_delays=(0.5, 1), lookup_delays=(0, 1, 2))
    assert hash(policy)


def test_a_package_without_a_module_keeps_the_entries_of_an_outbox_waiting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "outbox.db"
    with RecordingClient() as engage, Outbox(path, clock=engage.clock) as outbox:
        outbox.put(CONTACT, repair())
        schema = registry.generated_schemas()["repair"]
        missing = {"repair": replace(schema, module="left_out")}
        monkeypatch.setattr(delivery, "generated_schemas", lambda: missing)
        assert outbox.deliver(engage).delayed == 1
        assert [entry.state for entry in outbox.entries()] == ["waiting"]
        monkeypatch.undo()
        engage.clock.advance(60.0)
        assert outbox.deliver(engage).delivered == 1
