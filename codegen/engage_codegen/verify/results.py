"""The result of a verification, and its text for a terminal."""

import json
from collections.abc import Iterator
from dataclasses import dataclass

from ..schema.jsontext import Json
from ..schema.text import quote


@dataclass(frozen=True, slots=True)
class Disagreement:
    """A payload on which the generated class and the independent validator differ.

    They differ about `property`, "" for the whole payload.
    """

    property: str
    payload: Json
    ours: str
    theirs: str


@dataclass(frozen=True, slots=True)
class Loss:
    """A payload that a round trip through the generated class changes."""

    property: str
    payload: Json
    difference: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemaResult:
    """The result for one schema, as numbers of cases and as examples.

    `constructed` counts instances with raw values. `faults` are what is wrong with the class itself
    and with its senders. `by_design` counts valid payloads that are refused because Python cannot
    represent them, and `unchecked` the cases that the independent validator cannot judge. Each of
    the `keywords` refused a case, and each of the `unreached` ones is in the schema and refused
    none. `valueless` are properties without a valid value. `error` says why nothing was compared.
    """

    schema_id: str
    cases: int = 0
    constructed: int = 0
    agreements: int = 0
    by_design: int = 0
    unchecked: int = 0
    disagreements: tuple[Disagreement, ...] = ()
    losses: tuple[Loss, ...] = ()
    faults: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()
    unreached: tuple[str, ...] = ()
    valueless: tuple[str, ...] = ()
    error: str = ""

    @property
    def is_sound(self) -> bool:
        return not (self.disagreements or self.losses or self.faults or self.error)


@dataclass(frozen=True, slots=True)
class CheckerResult:
    """The result of a type checker. `errors` are its lines. `tool` is empty if it is missing."""

    name: str
    tool: str = ""
    errors: tuple[str, ...] = ()

    @property
    def is_sound(self) -> bool:
        return not self.errors


@dataclass(frozen=True, slots=True)
class Verification:
    """The result for a package. `oracle` is the name of the independent validator."""

    oracle: str
    schemas: tuple[SchemaResult, ...]
    checkers: tuple[CheckerResult, ...]

    @property
    def is_sound(self) -> bool:
        parts: tuple[SchemaResult | CheckerResult, ...] = (*self.schemas, *self.checkers)
        return all(part.is_sound for part in parts)

    @property
    def verdict(self) -> str:
        """The verdict in one sentence."""
        cases = sum(schema.cases for schema in self.schemas)
        unchecked = sum(schema.unchecked for schema in self.schemas)
        note = f", {unchecked} of them unchecked" if unchecked else ""
        if note and self.oracle != "jsonschema-rs":
            note += ": jsonschema-rs would check them, pip install 'engage-codegen[verify]'"
        word = "verified" if self.is_sound else "not verified"
        return f"{word}: {cases} cases against {self.oracle}{note}"

    def format_lines(self) -> Iterator[str]:
        """Yield a line for each schema, with its differences below, and one for each checker."""
        for schema in self.schemas:
            yield from _format_schema(schema, self.oracle)
        for checker in self.checkers:
            yield from format_checker(checker)


def _format_schema(result: SchemaResult, oracle: str) -> Iterator[str]:
    counts = {
        "agree": result.agreements,
        "refused by design": result.by_design,
        "unchecked": result.unchecked,
    }
    texts = [f"{number} {word}" for word, number in counts.items() if number or word == "agree"]
    keywords = ", ".join(result.keywords)
    yield f"{result.schema_id}: {result.cases} cases, {', '.join(texts)}; {keywords}"
    if result.unreached:
        yield f"  no case breaks {', '.join(result.unreached)}"
    for name in result.valueless:
        yield f"  no valid value was found for {quote(name)}; add examples to the schema"
    if result.error:
        yield f"  {oracle} cannot read the schema: {_escape(result.error)}"
    for item in result.disagreements:
        yield f"  disagreement about {_quote_name(item.property)}: {_quote_payload(item.payload)}"
        yield f"    generated class: {_escape(item.ours)}"
        yield f"    {oracle}: {_escape(item.theirs)}"
    yield from (f"  {_escape(fault)}" for fault in result.faults)
    for loss in result.losses:
        name, payload = _quote_name(loss.property), _quote_payload(loss.payload)
        yield f"  changed by a round trip, {name}: {payload}"
        yield f"    {_escape(loss.difference)}"


def format_checker(result: CheckerResult) -> Iterator[str]:
    """Yield the name of a type checker, and its errors below."""
    if not result.tool:
        yield f"{result.name}: not installed, not run"
        return
    number = len(result.errors)
    yield f"{result.tool}: {number or 'no'} error{'s' * (number != 1)}"
    for line in result.errors[:_MAX_LINES]:
        yield f"  {_escape(line)}"
    if number > _MAX_LINES:
        yield f"  and {number - _MAX_LINES} more"


_MAX_LINES = 20


def _quote_name(name: str) -> str:
    return quote(name) if name else "the whole payload"


def _quote_payload(payload: Json) -> str:
    return quote(json.dumps(payload), 400)


def _escape(text: str) -> str:
    return quote(text, 200)[1:-1]
