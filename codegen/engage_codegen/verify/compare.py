"""One schema: its cases, what both say about each, and the smallest where they differ."""

import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Literal, TypeAlias, cast

from ..schema.envelope import Schema
from ..schema.jsontext import Json, JsonObject
from .cases import Fits, cases
from .oracle import Judge, Oracle, Verdict, closed
from .results import Compared, Disagreement, Loss
from .rounds import difference
from .subject import Opinion, Subject
from .values import Matching

Outcome: TypeAlias = Literal["agree", "by design", "unchecked", "disagree"]
_Key: TypeAlias = tuple[str, str]


def compare(
    schema: Schema,
    subject: Subject,
    oracle: Oracle,
    attributes: Mapping[str, str],
    matching: Matching,
) -> Compared:
    """`attributes` are the names of the properties in Python."""
    body = closed(schema.json_schema)
    try:
        judge = oracle.judge(body)
        fits = _fits(body, oracle)
    except ValueError as error:
        return Compared(schema_id=schema.id, trouble=str(error).split("\n")[0])
    made = cases(body, fits, matching)
    run = _Run(subject, judge, attributes)
    for payload in made.payloads:
        run.take(payload)
    present = _keywords(body)
    return Compared(
        schema_id=schema.id,
        cases=len(made.payloads),
        agreements=run.tally["agree"],
        by_design=run.tally["by design"],
        unchecked=run.tally["unchecked"],
        disagreements=tuple(run.disagreement(key) for key in sorted(run.differing)),
        losses=tuple(run.loss(key) for key in sorted(run.lossy)),
        keywords=tuple(sorted(run.keywords)),
        unreached=tuple(sorted(present - run.keywords)),
        valueless=made.valueless,
    )


def outcome(ours: Opinion, theirs: Verdict) -> Outcome:
    """What the two verdicts on one payload come to."""
    if ours.crashed:
        return "disagree"
    if theirs.is_valid is None:
        return "unchecked"
    if theirs.is_valid == (ours.instance is not None):
        return "agree"
    return "by design" if ours.is_by_design else "disagree"


@dataclass(slots=True)
class _Run:
    """What was seen so far; of all payloads with the same fault the smallest."""

    subject: Subject
    judge: Judge
    attributes: Mapping[str, str]
    tally: Counter[Outcome] = field(default_factory=Counter[Outcome])
    keywords: set[str] = field(default_factory=set[str])
    differing: dict[_Key, Json] = field(default_factory=dict[_Key, Json])
    lossy: dict[_Key, Json] = field(default_factory=dict[_Key, Json])

    def take(self, payload: Json) -> None:
        ours, theirs = self.subject.read(payload), self.judge(payload)
        found = outcome(ours, theirs)
        self.tally[found] += 1
        self.keywords |= theirs.keywords
        if found == "disagree":
            _keep(self.differing, _key(ours, theirs), payload)
        elif ours.instance is not None:
            lost = self._lost(payload, ours)
            if lost is not None:
                _keep(self.lossy, ("", lost[0]), payload)

    def disagreement(self, key: _Key) -> Disagreement:
        def stays(payload: Json) -> bool:
            ours, theirs = self.subject.read(payload), self.judge(payload)
            return outcome(ours, theirs) == "disagree" and _key(ours, theirs) == key

        payload = minimised(self.differing[key], stays)
        ours, theirs = self.subject.read(payload), self.judge(payload)
        return Disagreement(key[1], payload, ours.text, theirs.text)

    def loss(self, key: _Key) -> Loss:
        def of(payload: Json) -> tuple[str, str] | None:
            ours = self.subject.read(payload)
            return None if ours.instance is None else self._lost(payload, ours)

        def stays(payload: Json) -> bool:
            lost = of(payload)
            return lost is not None and lost[0] == key[1]

        payload = minimised(self.lossy[key], stays)
        return Loss(key[1], payload, (of(payload) or key)[1])

    def _lost(self, payload: Json, ours: Opinion) -> tuple[str, str] | None:
        if ours.instance is None or not isinstance(payload, dict):
            return None
        lost = difference(payload, ours.instance, self.subject, self.attributes)
        if lost is not None:
            return lost
        verdict = self.judge(cast(Json, ours.instance.to_payload()))
        if verdict.is_valid is False:
            return verdict.property, f"what is written is not valid: {verdict.text}"
        return None


def minimised(payload: Json, stays: Callable[[Json], bool]) -> Json:
    """Without the properties that can be left out while it stays what it is."""
    if not isinstance(payload, dict):
        return payload
    for name in sorted(payload):
        less: JsonObject = {key: value for key, value in payload.items() if key != name}
        if stays(less):
            payload = less
    return payload


def _keep(found: dict[_Key, Json], key: _Key, payload: Json) -> None:
    if key not in found or _size(payload, key[1]) < _size(found[key], key[1]):
        found[key] = payload


def _size(payload: Json, name: str) -> tuple[int, int]:
    value = payload.get(name) if isinstance(payload, dict) else payload
    return len(json.dumps(value)), len(json.dumps(payload))


def _key(ours: Opinion, theirs: Verdict) -> _Key:
    """The direction of a disagreement, and its property."""
    if ours.crashed:
        return "raises", ""
    return ("accepts", theirs.property) if ours.instance is not None else ("refuses", ours.property)


def _fits(body: JsonObject, oracle: Oracle) -> Fits:
    properties = cast("dict[str, JsonObject]", body.get("properties", {}))

    @cache
    def judge(name: str) -> Judge:
        return oracle.judge(properties[name])

    return lambda name, value: judge(name)(value).is_valid


def _keywords(body: JsonObject) -> set[str]:
    """The keywords of a schema that restrict what they stand on."""
    properties = cast("dict[str, JsonObject]", body.get("properties", {}))
    found = set(body) | {keyword for value in properties.values() for keyword in value}
    return found & _RESTRICTING


_RESTRICTING = frozenset(
    "type enum const minLength maxLength pattern format minimum exclusiveMinimum maximum "
    "exclusiveMaximum multipleOf required additionalProperties minProperties maxProperties "
    "dependentRequired".split()
)
