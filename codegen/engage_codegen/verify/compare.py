"""One schema: its cases, both verdicts on each, and the smallest payloads on which they differ."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Literal, TypeAlias, cast

from ..schema.envelope import Schema
from ..schema.jsontext import Json, JsonObject
from .answers import ReadResult
from .cases import IsValid, make_cases
from .oracle import Judge, Oracle, Verdict, close_schema
from .results import Disagreement, Loss, SchemaResult
from .rounds import find_difference
from .smallest import Key, keep_smallest, minimize
from .subject import BATCH, Subject
from .trials.construction import Construction, find_faults, is_blamed_wrongly
from .trials.shape import derive_shapes
from .values import Matching

Outcome: TypeAlias = Literal["agree", "by design", "unchecked", "disagree"]


def compare(
    schema: Schema,
    subject: Subject,
    oracle: Oracle,
    matching: Matching,
    *,
    has_contract: bool = False,
) -> SchemaResult:
    """Compare a generated class with an independent validator.

    The schema is the one of the class: with a contract, it is narrowed.
    """
    body = close_schema(schema.json_schema)
    try:
        judge = oracle.judge(body)
        is_valid = _value_validator(body, oracle)
    except ValueError as error:
        return SchemaResult(schema_id=schema.id, error=str(error).split("\n")[0])
    cases = make_cases(schema.json_schema, is_valid, matching)  # with its examples
    run = _Run(subject, judge)
    for number in range(0, len(cases.payloads), BATCH):
        run.add_all(cases.payloads[number : number + BATCH])
    shapes = derive_shapes(body, is_valid, has_contract=has_contract)
    construction = Construction(subject, judge, shapes)
    construction.add_all(cases.arguments)
    valid = [case for case in cases.bases if judge(case).is_valid]
    return SchemaResult(
        schema_id=schema.id,
        cases=len(cases.payloads),
        agreements=run.tally["agree"],
        by_design=run.tally["by design"],
        unchecked=run.tally["unchecked"],
        constructed=len(cases.arguments),
        disagreements=(
            *(run.disagreement(key) for key in sorted(run.differing)),
            *construction.disagreements(run.differing.keys() | run.lossy.keys()),
        ),
        losses=tuple(run.loss(key) for key in sorted(run.lossy)),
        faults=tuple(find_faults(schema.id, shapes, subject, valid)),
        keywords=tuple(sorted(run.keywords)),
        unreached=tuple(sorted(_keywords(body) - run.keywords)),
        valueless=cases.valueless,
    )


def classify(ours: ReadResult, theirs: Verdict) -> Outcome:
    """Return the outcome of two verdicts on one payload."""
    if ours.crashed:
        return "disagree"
    if theirs.is_valid is None:
        return "unchecked"
    if theirs.is_valid == ours.is_accepted:
        return "disagree" if not ours.is_accepted and is_blamed_wrongly(ours, theirs) else "agree"
    return "by design" if ours.is_by_design else "disagree"


@dataclass(slots=True)
class _Run:
    """The results so far. Of all payloads that differ in the same way, the smallest is kept."""

    subject: Subject
    judge: Judge
    tally: Counter[Outcome] = field(default_factory=Counter[Outcome])
    keywords: set[str] = field(default_factory=set[str])
    differing: dict[Key, Json] = field(default_factory=dict[Key, Json])
    lossy: dict[Key, Json] = field(default_factory=dict[Key, Json])

    def add_all(self, payloads: Sequence[Json]) -> None:
        """Add at most `BATCH` payloads."""
        self.subject.send(payloads)
        verdicts = [*map(self.judge, payloads)]  # meanwhile the other process reads them
        for payload, ours, theirs in zip(payloads, self.subject.receive(), verdicts, strict=True):
            self._add(payload, ours, theirs)

    def _add(self, payload: Json, ours: ReadResult, theirs: Verdict) -> None:
        outcome = classify(ours, theirs)
        self.tally[outcome] += 1
        self.keywords |= theirs.keywords
        if outcome == "disagree":
            keep_smallest(self.differing, _key(ours, theirs), payload)
        elif ours.is_accepted:
            loss = self._find_loss(payload, ours)
            if loss is not None:
                keep_smallest(self.lossy, ("", loss[0]), payload)

    def disagreement(self, key: Key) -> Disagreement:
        def is_same(payload: Json) -> bool:
            ours, theirs = self.subject.read(payload), self.judge(payload)
            return classify(ours, theirs) == "disagree" and _key(ours, theirs) == key

        payload = minimize(self.differing[key], is_same)
        ours, theirs = self.subject.read(payload), self.judge(payload)
        return Disagreement(key[1], payload, ours.text, theirs.text)

    def loss(self, key: Key) -> Loss:
        def find(payload: Json) -> tuple[str, str] | None:
            return self._find_loss(payload, self.subject.read(payload))

        def is_same(payload: Json) -> bool:
            loss = find(payload)
            return loss is not None and loss[0] == key[1]

        payload = minimize(self.lossy[key], is_same)
        return Loss(key[1], payload, (find(payload) or key)[1])

    def _find_loss(self, payload: Json, ours: ReadResult) -> tuple[str, str] | None:
        """Return the property that a round trip changes, and how; None if the payload survives."""
        if not ours.is_accepted or not isinstance(payload, dict):
            return None
        loss = find_difference(payload, ours)
        if loss is not None:
            return loss
        verdict = self.judge(dict(ours.written))
        if verdict.is_valid is False:
            return verdict.property, f"the written payload is not valid: {verdict.text}"
        return None


def _key(ours: ReadResult, theirs: Verdict) -> Key:
    """Return the direction of a disagreement, and its property."""
    if ours.crashed:
        return "raises", ""
    if not (ours.is_accepted or theirs.is_valid):
        return "blames", theirs.property
    return ("accepts", theirs.property) if ours.is_accepted else ("refuses", ours.property)


def _value_validator(body: JsonObject, oracle: Oracle) -> IsValid:
    properties = cast("dict[str, JsonObject]", body.get("properties", {}))

    @cache
    def judge(name: str) -> Judge:
        return oracle.judge(properties[name])

    return lambda name, value: judge(name)(value).is_valid


def _keywords(body: JsonObject) -> set[str]:
    """Return the keywords of a schema and its properties that restrict payloads."""
    properties = cast("dict[str, JsonObject]", body.get("properties", {}))
    return set(body).union(*properties.values()) & _RESTRICTING


_RESTRICTING = frozenset(
    "type enum const minLength maxLength pattern format minimum exclusiveMinimum maximum "
    "exclusiveMaximum multipleOf required additionalProperties minProperties maxProperties "
    "dependentRequired".split()
)
