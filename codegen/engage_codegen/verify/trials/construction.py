"""Instances of a class that are constructed with raw values, as callers do, and sent."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import cast

from ...model.jsonvalues import is_equal
from ...schema.jsontext import Json, JsonObject
from ..answers import Exercise, ReadResult
from ..oracle import Judge, Verdict
from ..results import Disagreement
from ..smallest import Key, keep_smallest, minimize
from ..subject import BATCH, Subject
from .shape import Shape

CONTACT = "7d1c4a5e-5b0f-4c9e-8f3a-2b6d9e0c1a77"
CREATED_DATE = "2026-01-02T03:04:05.678000+02:00"
CONSTRUCTED = "constructed with these values"


@dataclass(slots=True)
class Construction:
    """Constructs instances, and keeps the smallest payload of each kind of difference."""

    subject: Subject
    judge: Judge
    shapes: Mapping[str, Shape]
    differing: dict[Key, Json] = field(default_factory=dict[Key, Json])

    def add_all(self, payloads: Sequence[Json]) -> None:
        """Add payloads of declared properties."""
        for start in range(0, len(payloads), BATCH):
            part = payloads[start : start + BATCH]
            self.subject.send(part, "construct")
            verdicts = [*map(self._judge, part)]
            for payload, ours, theirs in zip(part, self.subject.receive(), verdicts, strict=True):
                difference = self._compare(payload, ours, theirs)
                if difference is not None:
                    keep_smallest(self.differing, difference, payload)

    def disagreements(self, others: Collection[Key]) -> Iterator[Disagreement]:
        """Yield the differences that reading does not show (`others`), with their smallest
        payloads."""
        for key in sorted(self.differing):
            if key not in others and ("", key[1]) not in others:
                payload = minimize(self.differing[key], partial(self._differs, key))
                ours, theirs = self.subject.read(payload, "construct"), self._judge(payload)
                text = f"writes {dict(ours.written)}" if ours.written else ours.fault or ours.text
                yield Disagreement(key[1], payload, f"{CONSTRUCTED}, {text}", theirs.text)

    def _differs(self, key: Key, payload: Json) -> bool:
        ours = self.subject.read(payload, "construct")
        return self._compare(payload, ours, self._judge(payload)) == key

    def _omit(self, payload: Json) -> JsonObject:
        """Return the properties that are sent if the class gets these arguments."""
        values = payload if isinstance(payload, dict) else {}
        return {name: value for name, value in values.items() if not self.shapes[name].omits(value)}

    def _judge(self, payload: Json) -> Verdict:
        """Return the verdict on the arguments. Text is no date, and 1.0 is no int."""
        sent = self._omit(payload)
        wrong = sorted(name for name in sent if not self.shapes[name].has_type_of(sent[name]))
        if wrong:
            text = f"refuses: the annotation does not allow {type(sent[wrong[0]]).__name__}"
            return Verdict(False, text, wrong[0], frozenset(["type"]), frozenset(wrong))
        return self.judge(sent)

    def _compare(self, payload: Json, ours: ReadResult, theirs: Verdict) -> Key | None:
        """Return how the class differs from the schema, and about which property."""
        if ours.crashed:
            return "raises", ""
        if not ours.is_accepted:
            if theirs.is_valid:
                return "refuses", ours.property
            return ("blames", theirs.property) if is_blamed_wrongly(ours, theirs) else None
        if theirs.is_valid is False:
            return "accepts", theirs.property
        return ("cannot be written", "") if ours.fault else self._find_loss(payload, ours)

    def _find_loss(self, payload: Json, ours: ReadResult) -> Key | None:
        sent, written = self._omit(payload), ours.written
        for name in sorted(sent.keys() | written.keys()):
            is_written = name in sent and name in written
            if not is_written or not is_equal(sent[name], written[name]):
                return "writes", name
        return None


def is_blamed_wrongly(ours: ReadResult, theirs: Verdict) -> bool:
    """Return True if a refusal names properties, and none of those that are invalid."""
    is_named = theirs.blamed and ours.properties and not ours.is_by_design
    return bool(is_named) and theirs.blamed.isdisjoint(ours.properties)


def find_faults(
    schema_id: str, shapes: Mapping[str, Shape], subject: Subject, payloads: Sequence[JsonObject]
) -> Iterator[str]:
    """Yield what is wrong with a class itself, and with its senders, which send the payloads."""
    exercise = subject.exercise(payloads, CONTACT, CREATED_DATE)
    yield from _compare_class(schema_id, shapes, subject.module.properties, exercise)
    yield from exercise.faults
    expected = [payload for payload in payloads for _ in ("sync", "async")]
    if exercise.faults:
        return
    if len(exercise.requests) != len(expected):
        yield f"the senders make {len(exercise.requests)} requests instead of {len(expected)}"
        return
    for payload, request in zip(expected, exercise.requests, strict=True):
        yield from _compare_request(schema_id, payload, request)


def _compare_class(
    schema_id: str, shapes: Mapping[str, Shape], attributes: Mapping[str, str], exercise: Exercise
) -> Iterator[str]:
    nullable = [name for name, shape in shapes.items() if shape.is_nullable]
    expected: dict[str, object] = {
        "schema_id": schema_id,
        "properties": sorted(shapes),
        "nullable": sorted(nullable),
        "attributes": sorted(attributes.values()),
    }
    description = exercise.description
    if attributes.keys() != shapes.keys():
        yield "the lock file has other properties than the schema"
    for name, value in expected.items():
        if description.get(name) != value:
            yield f"the {name} of the class are {description.get(name)!r} instead of {value!r}"
    types = _as_object(description.get("types"))
    for name, shape in shapes.items():
        members = types.get(name)
        if members != sorted(shape.annotation):
            yield f"the annotation of {name} is {members!r} instead of {sorted(shape.annotation)!r}"


def _compare_request(
    schema_id: str, payload: JsonObject, request: Mapping[str, object]
) -> Iterator[str]:
    if request.get("method") != "POST":
        yield f"a sender makes a {request.get('method')} request"
    envelope = _as_object(request.get("body"))
    for name, value in (("contactId", CONTACT), ("schemaId", schema_id)):
        if envelope.get(name) != value:
            yield f"a sender sends the {name} {envelope.get(name)!r} instead of {value!r}"
    if not _is_created_date(envelope.get("createdDate")):
        yield f"a sender sends the createdDate {envelope.get('createdDate')!r}"
    sent, written = envelope.get("payload"), request.get("payload")
    if sent != written or _as_object(sent).keys() != payload.keys():
        yield f"a sender sends {sent!r} instead of {payload!r}"


def _as_object(value: object) -> Mapping[str, object]:
    return cast("dict[str, object]", value) if isinstance(value, dict) else {}


def _is_created_date(value: object) -> bool:
    try:
        return datetime.fromisoformat(str(value)) == datetime.fromisoformat(CREATED_DATE)
    except (TypeError, ValueError):
        return False
