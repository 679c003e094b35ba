"""What a verification found, and its lines on a terminal."""

import json
from collections.abc import Iterator
from dataclasses import dataclass

from ..schema.jsontext import Json
from ..schema.text import quote


@dataclass(frozen=True, slots=True)
class Disagreement:
    """A payload on which the generated class and the independent validator differ; `property` is
    what they differ about, "" where it is the whole payload."""

    property: str
    payload: Json
    ours: str
    theirs: str


@dataclass(frozen=True, slots=True)
class Loss:
    """A payload that is another one after it was read and written."""

    property: str
    payload: Json
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """What became of the cases of one schema.

    `by_design` counts refusals of valid payloads that Python cannot hold, `unchecked` the cases
    that the independent validator cannot judge. `keywords` were each the reason of a refusal;
    `unreached` are in the schema and never were. `valueless` are properties for which no valid
    value was found. `trouble` says why nothing could be compared.
    """

    schema_id: str
    cases: int = 0
    agreements: int = 0
    by_design: int = 0
    unchecked: int = 0
    disagreements: tuple[Disagreement, ...] = ()
    losses: tuple[Loss, ...] = ()
    keywords: tuple[str, ...] = ()
    unreached: tuple[str, ...] = ()
    valueless: tuple[str, ...] = ()
    trouble: str = ""

    @property
    def is_sound(self) -> bool:
        return not (self.disagreements or self.losses or self.trouble)


@dataclass(frozen=True, slots=True)
class Checked:
    """What a type checker said. `errors` are its lines; it did not run without a `tool`."""

    name: str
    tool: str = ""
    errors: tuple[str, ...] = ()

    @property
    def is_sound(self) -> bool:
        return not self.errors


@dataclass(frozen=True, slots=True)
class Verification:
    """Everything that was found; `oracle` is the name of the independent validator."""

    oracle: str
    schemas: tuple[Compared, ...]
    checkers: tuple[Checked, ...]

    @property
    def is_sound(self) -> bool:
        parts: tuple[Compared | Checked, ...] = (*self.schemas, *self.checkers)
        return all(part.is_sound for part in parts)

    @property
    def verdict(self) -> str:
        """What it comes to, in a sentence."""
        cases = sum(schema.cases for schema in self.schemas)
        unchecked = sum(schema.unchecked for schema in self.schemas)
        gap = f", {unchecked} of them unchecked" if unchecked else ""
        if gap and self.oracle != "jsonschema-rs":
            gap += ": jsonschema-rs would check them, pip install 'engage-codegen[verify]'"
        word = "verified" if self.is_sound else "not verified"
        return f"{word}: {cases} cases against {self.oracle}{gap}"

    def lines(self) -> Iterator[str]:
        """A line for each schema, below it what is wrong with it; then one for each checker."""
        for schema in self.schemas:
            yield from _of_schema(schema, self.oracle)
        for checker in self.checkers:
            yield from _of_checker(checker)


def _of_schema(result: Compared, oracle: str) -> Iterator[str]:
    counts = {
        "agree": result.agreements,
        "refused by design": result.by_design,
        "unchecked": result.unchecked,
    }
    said = [f"{number} {what}" for what, number in counts.items() if number or what == "agree"]
    keywords = ", ".join(result.keywords)
    yield f"{result.schema_id}: {result.cases} cases, {', '.join(said)}; {keywords}"
    if result.unreached:
        yield f"  no case breaks {', '.join(result.unreached)}"
    for name in result.valueless:
        yield f"  no valid value was found for {quote(name)}; examples in the schema would help"
    if result.trouble:
        yield f"  {oracle} cannot read the schema: {_plain(result.trouble)}"
    for it in result.disagreements:
        yield f"  disagreement about {_named(it.property)}: {_payload(it.payload)}"
        yield f"    generated: {_plain(it.ours)}"
        yield f"    {oracle}: {_plain(it.theirs)}"
    for loss in result.losses:
        yield f"  changed by a round trip, {_named(loss.property)}: {_payload(loss.payload)}"
        yield f"    {_plain(loss.what)}"


def _of_checker(result: Checked) -> Iterator[str]:
    if not result.tool:
        yield f"{result.name}: not installed, not run"
        return
    number = len(result.errors)
    yield f"{result.tool}: {number or 'no'} error{'s' * (number != 1)}"
    for line in result.errors[:_MOST]:
        yield f"  {_plain(line)}"
    if number > _MOST:
        yield f"  and {number - _MOST} more"


_MOST = 20


def _named(name: str) -> str:
    return quote(name) if name else "the whole payload"


def _payload(payload: Json) -> str:
    return quote(json.dumps(payload), 400)


def _plain(text: str) -> str:
    return quote(text, 200)[1:-1]
