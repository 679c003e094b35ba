"""A pickle crosses a deploy: it restores what was meant, or raises an error that says why not."""

import copy
import io
import pickle
from collections.abc import Callable
from dataclasses import dataclass, field, fields, is_dataclass, replace
from datetime import UTC, datetime
from typing import Any, cast
from zoneinfo import ZoneInfo

import pytest

from engage_interactions import (
    UNSET,
    AmbiguousContactError,
    ConfigurationError,
    ContactNotFoundError,
    EngageError,
    IgnoredError,
    InteractionNotFoundError,
    InvalidPayloadError,
    NotSentError,
    OutcomeUnknownError,
    PayloadDroppedError,
    RateLimitedError,
    ReadError,
    Receipt,
    RejectedError,
    ResponseInfo,
    RetryPolicy,
    SchemaCheck,
    SchemaSummary,
    Stored,
    UnauthorizedError,
    UnknownContactError,
    UnknownSchemaError,
    UnreadablePayloadError,
    Violation,
)
from engage_interactions._runtime import registry, results
from engage_interactions._runtime.outbox.errors import DiskFullError
from engage_interactions._runtime.payload import Payload
from engage_interactions._runtime.violation import InvalidValueError
from engage_interactions.favourite import Favourite
from engage_interactions.outbox import AlreadyDeliveringError, KeyConflictError, OutboxError
from engage_interactions.repair import Repair
from engage_interactions.reuse_spring_2023 import ReuseSpring2023
from engage_interactions.testing import sample
from tests.support.runtime.platform import Gift

PAYLOADS = [sample(schema.load_payload_class()) for schema in registry.generated_schemas().values()]
PROTOCOLS = range(pickle.HIGHEST_PROTOCOL + 1)
MOMENT = datetime(2026, 3, 1, 12, 30, 15, 250_000, ZoneInfo("Europe/Stockholm"))
REPAIR = Repair(product_sku="7120-38", repair_type="zipper", received_at=MOMENT, cost=450.5)


class Marked(Repair):
    """A subclass without anything of its own."""

    __slots__ = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Priced(Repair):
    """A subclass with fields of its own, which Engage does not get."""

    currency: str = "SEK"
    notes: list[str] = field(default_factory=list[str])


class Cached(Repair):
    """A subclass with a constructor and a dictionary of its own."""

    def __init__(self, sku: str) -> None:
        super().__init__(product_sku=sku, repair_type="zipper", received_at=MOMENT)
        object.__setattr__(self, "cache", [sku])


OWN: list[Repair] = [
    Marked(product_sku="1", repair_type="zipper", received_at=MOMENT),
    Priced(product_sku="1", repair_type="zipper", received_at=MOMENT, currency="EUR", notes=["a"]),
    Cached("7120-38"),
]


def attributes(payload: Payload) -> dict[str, object]:
    names = [item.name for item in fields(cast(Any, payload))] + ["cache"]
    return {name: getattr(payload, name) for name in names if hasattr(payload, name)}


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("payload", [*PAYLOADS, REPAIR, *OWN], ids=lambda item: type(item).__name__)
def test_a_payload_is_restored_by_every_protocol(payload: Payload, protocol: int) -> None:
    restored = pickle.loads(pickle.dumps({"items": [payload, payload]}, protocol))["items"]
    assert restored[0] is restored[1]
    assert type(restored[0]) is type(payload)
    assert attributes(restored[0]) == attributes(payload)
    assert restored[0].to_payload() == payload.to_payload()


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy], ids=["copy", "deepcopy"])
@pytest.mark.parametrize("payload", [*PAYLOADS, REPAIR, *OWN], ids=lambda item: type(item).__name__)
def test_a_copy_is_equal_and_has_the_same_values(
    payload: Payload, duplicate: Callable[[Payload], Payload]
) -> None:
    result = duplicate(payload)
    assert type(result) is type(payload)
    assert result is not payload
    assert result == payload
    assert attributes(result) == attributes(payload)


def test_a_copy_keeps_the_zone_and_only_a_deep_one_copies_what_can_change() -> None:
    payload = OWN[1]
    assert copy.copy(REPAIR).received_at is MOMENT
    assert isinstance(payload, Priced)
    assert copy.copy(payload).notes is payload.notes
    deep, again = copy.deepcopy((payload, payload.notes))
    assert deep.notes is again
    assert deep.notes is not payload.notes


def test_a_payload_without_slots_can_be_copied() -> None:
    gift = Gift("a", 5)
    for again in (copy.copy(gift), copy.deepcopy(gift)):
        assert again == gift
        assert again is not gift


def test_replace_checks_the_new_values() -> None:
    assert replace(REPAIR, cost=1.0).to_payload() == {**REPAIR.to_payload(), "cost": 1.0}
    assert replace(OWN[1], cost=1.0) == Priced(
        product_sku="1",
        repair_type="zipper",
        received_at=MOMENT,
        currency="EUR",
        notes=["a"],
        cost=1,
    )
    with pytest.raises(InvalidPayloadError, match="cost: must be finite"):
        replace(REPAIR, cost=float("nan"))


def test_a_pickle_has_plain_data_by_schema_id_and_wire_names() -> None:
    restore, arguments = REPAIR.__reduce_ex__(5)
    assert arguments == ("repair", REPAIR.to_payload())
    assert getattr(restore, "__module__", "") == "engage_interactions._runtime.payload.pickling"


PICKLE = (
    b"\x80\x04\x95s\x00\x00\x00\x00\x00\x00\x00\x8c-engage_interactions._runtime.payload.pickling"
    b"\x94\x8c\x07restore\x94\x93\x94\x8c\tfavourite\x94}\x94(\x8c\nproductSku\x94\x8c\x07"
    b"7120-38\x94\x8c\x05price\x94M\xc2\x01u\x86\x94R\x94."
)
"""A pickle of the first version that pickled by name. It must stay readable."""


def pickle_by_position(payload: Payload, protocol: int) -> bytes:
    """Return a pickle as Python makes it of a dataclass with slots: the values, without names."""

    class Pickler(pickle.Pickler):
        def reducer_override(self, obj: Any) -> Any:
            return object.__reduce_ex__(obj, protocol) if obj is payload else NotImplemented

    buffer = io.BytesIO()
    Pickler(buffer, protocol).dump(payload)
    return buffer.getvalue()


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("payload", [*PAYLOADS, *OWN[:2]], ids=lambda item: type(item).__name__)
def test_a_pickle_with_the_values_by_position_is_refused(payload: Payload, protocol: int) -> None:
    data = pickle_by_position(payload, protocol)
    assert b"pickling" not in data
    with pytest.raises(InvalidPayloadError, match="as a list of values without names") as caught:
        pickle.loads(data)
    assert [violation.code for violation in caught.value.violations] == ["pickle"]
    assert [violation.property for violation in caught.value.violations] == ["payload"]
    assert caught.value.schema_id == type(payload).__schema_id__


@pytest.mark.parametrize("state", [{"product_sku": "1"}, (None, {"product_sku": "1"}), None, []])
def test_a_state_is_refused_whatever_it_is(state: object) -> None:
    with pytest.raises(InvalidPayloadError):
        Favourite.__new__(Favourite).__setstate__(state)


def schemas(monkeypatch: pytest.MonkeyPatch, **changes: registry.GeneratedSchema) -> None:
    current = {**registry.generated_schemas(), **changes}
    monkeypatch.setattr(registry, "generated_schemas", lambda: current)


def test_a_class_that_was_renamed_is_restored_by_its_schema(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    renamed = registry.GeneratedSchema("reuse_spring_2023", "ReuseSpring2023", "")
    data = pickle.dumps(Favourite(product_sku="1", price=450))
    schemas(monkeypatch, favourite=renamed)
    with pytest.raises(InvalidPayloadError) as caught:
        pickle.loads(data)
    assert caught.value.schema_id == ReuseSpring2023.__schema_id__


def test_a_schema_that_the_package_no_longer_has_is_an_error_of_ours(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    data = pickle.dumps([REPAIR, *OWN])
    monkeypatch.setattr(registry, "generated_schemas", dict)
    with pytest.raises(InvalidPayloadError) as caught:
        pickle.loads(data)
    assert [violation.code for violation in caught.value.violations] == ["unknown-schema"]
    assert caught.value.schema_id == "repair"


def test_a_module_that_is_missing_is_an_error_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    data = pickle.dumps(REPAIR)
    schemas(monkeypatch, repair=registry.GeneratedSchema("no_such_module", "Repair", ""))
    with pytest.raises(ConfigurationError, match="--collect-submodules engage_interactions"):
        pickle.loads(data)


def test_a_subclass_that_has_another_base_since_is_an_error_of_ours(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    data = pickle.dumps(OWN[0])

    class Other(Favourite):
        pass

    monkeypatch.setattr(f"{__name__}.Marked", Other, raising=True)
    with pytest.raises(ConfigurationError, match="is not a subclass of Repair"):
        pickle.loads(data)


def test_a_payload_that_is_not_valid_is_refused_when_it_is_pickled() -> None:
    payload = copy.copy(REPAIR)
    object.__setattr__(payload, "cost", float("nan"))
    with pytest.raises(InvalidPayloadError, match="cost: must be finite"):
        pickle.dumps(payload)
    with pytest.raises(InvalidPayloadError, match="product_sku: has no value"):
        pickle.dumps(Repair.__new__(Repair))


def test_unset_is_the_same_object_in_every_process() -> None:
    for protocol in PROTOCOLS:
        assert pickle.loads(pickle.dumps([UNSET], protocol)) == [UNSET]
        assert pickle.loads(pickle.dumps(UNSET, protocol)) is UNSET
    assert copy.deepcopy(UNSET) is UNSET


RECEIPT = Receipt("i1", "c1", "repair", datetime(2026, 3, 1, tzinfo=UTC))
VIOLATION = Violation("cost", "type", "must be a number, not str", "450")
ERRORS: list[Exception] = [
    *(EngageError("x"), ConfigurationError("x"), NotSentError("x"), RateLimitedError("x", 2.5)),
    *(InvalidPayloadError("repair", [VIOLATION]), InvalidValueError("type", "must be a number")),
    *(
        error_class("no", 400, ["because", "why"])
        for error_class in (
            *(RejectedError, UnauthorizedError, UnknownContactError, UnknownSchemaError),
            *(IgnoredError, InteractionNotFoundError),
        )
    ),
    OutcomeUnknownError("x", "2026-03-01", lookup="ambiguous", candidates=["i1", "i2"]),
    PayloadDroppedError(RECEIPT, ["cost"]),
    *(ReadError("x", RECEIPT), UnreadablePayloadError("x", RECEIPT)),
    *(ContactNotFoundError("x"), AmbiguousContactError("x", ["c1", "c2"])),
    *(OutboxError("x"), DiskFullError("x"), AlreadyDeliveringError("x")),
    KeyConflictError("x", 7),
]


def all_errors(error_class: type[EngageError]) -> set[type[EngageError]]:
    return {error_class}.union(*map(all_errors, error_class.__subclasses__()))


def test_every_error_is_in_the_table() -> None:
    public = {error for error in all_errors(EngageError) if not error.__name__.startswith("_")}
    assert public <= set(map(type, ERRORS))


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_an_error_keeps_its_attributes(error: Exception, protocol: int) -> None:
    error.__notes__ = ["a note"]
    for again in (pickle.loads(pickle.dumps(error, protocol)), copy.copy(error)):
        assert type(again) is type(error)
        assert (str(again), again.args, vars(again)) == (str(error), error.args, vars(error))


@pytest.mark.parametrize(
    "value", [lambda: 0, object(), iter([]), [lambda: 0], type("Foreign", (), {})()]
)
def test_an_error_can_be_pickled_whatever_the_value_was(value: Any) -> None:
    with pytest.raises(InvalidPayloadError) as caught:
        Favourite(product_sku=value)
    again = pickle.loads(pickle.dumps(caught.value))
    assert str(again) == str(caught.value)
    assert again.violations[0].value is None


RESULTS: list[Any] = [
    RECEIPT,
    VIOLATION,
    Stored("i1", "c1", "repair", {"a": 1}, "2026-03-01T00:00:00Z", Repair),
    *(RetryPolicy.interactive(), RetryPolicy.background(), RetryPolicy(retry_delays=[1])),
    *(ResponseInfo(200, {"date": "now"}, 0.2), SchemaSummary("repair", "Repair")),
    SchemaCheck(("repair",), (), ("visit",), ()),
]


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("result", RESULTS, ids=lambda item: type(item).__name__)
def test_results_and_policies_can_be_pickled(result: Any, protocol: int) -> None:
    assert is_dataclass(result)
    assert pickle.loads(pickle.dumps(result, protocol)) == result
    assert copy.deepcopy(result) == result


def test_a_receipt_of_another_version_is_read_by_the_names_of_its_fields() -> None:
    """Of a version without the field `response`, and with another one."""
    fields = {field: getattr(RECEIPT, field) for field in ("id", "contact_id", "schema_id")}
    values = {**fields, "created_date": RECEIPT.created_date, "unknown": 1}
    assert results.restore(Receipt, values) == RECEIPT


def test_a_pickle_of_an_earlier_version_is_read() -> None:
    assert pickle.loads(PICKLE) == Favourite(product_sku="7120-38", price=450)
