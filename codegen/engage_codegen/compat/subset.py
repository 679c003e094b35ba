"""Are all values of one property valid for another? Decided by proof or witness, or left open.
Pure."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

from ..model.constraints import Constraints
from ..model.language.syntax import matches_everything
from ..schema.jsontext import Json, JsonObject
from .formats import WIDER_FORMATS
from .ranges import NumberRange
from .values import MAX_LISTED, accepts, generate_values, length_bounds, list_values

Answer: TypeAlias = Literal["yes", "no", "undecided"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """An answer. If it is no, `witness` is a value that only the first property allows."""

    answer: Answer
    witness: Json = None


def check_subset(ours: Constraints, theirs: Constraints, schema: JsonObject) -> Verdict:
    """Decide whether the other side accepts every value that generated code can send.

    `schema` is the schema of our property, whose examples are tried too.
    """
    if is_provable_subset(ours, theirs):
        return Verdict("yes")
    for value in generate_values(ours, schema, theirs):
        if accepts(theirs, value) is False:
            return Verdict("no", value)
    return _decide(ours, theirs)


def is_provable_subset(ours: Constraints, theirs: Constraints) -> bool:
    """Return True if the constraints alone prove it, without trying values."""
    if ours.nullable and not theirs.nullable:
        return False
    if ours.choices:
        return all(accepts(theirs, value) for value in ours.choices)
    return all(_is_type_provable(name, ours, theirs) for name in ours.types)


def _decide(ours: Constraints, theirs: Constraints) -> Verdict:
    """Decide by automata. Null and all listed values are valid, as far as that is known."""
    others = [name for name in ours.types if not _is_type_provable(name, ours, theirs)]
    if "string" in others and not ours.choices:
        from ..model.language.machine import UndecidedError
        from .texts import find_refused_text

        try:
            text = find_refused_text(ours, theirs)
        except UndecidedError:
            return Verdict("undecided")
        if text is not None:
            return Verdict("no", text)
        others.remove("string")
    return Verdict("undecided" if others or ours.choices else "yes")


def _is_type_provable(name: str, ours: Constraints, theirs: Constraints) -> bool:
    values = list_values(ours, name, max(MAX_LISTED, len(theirs.choices)))
    if values is not None:
        return all(accepts(theirs, value) for value in values)
    if theirs.choices:
        return False
    if name == "string":
        return "string" in theirs.types and _is_text_provable(ours, theirs)
    is_numeric = bool({"integer", "number"} & set(theirs.types))
    return is_numeric and NumberRange.of(ours).is_within(NumberRange.of(theirs))


def _is_text_provable(ours: Constraints, theirs: Constraints) -> bool:
    is_wider = theirs.format in ("", ours.format, *WIDER_FORMATS.get(ours.format, ()))
    is_matched = theirs.pattern == ours.pattern or matches_everything(theirs.pattern)
    if not is_matched or not is_wider:
        return False
    shortest, longest = length_bounds(ours)
    return shortest >= theirs.min_length and (
        theirs.max_length is None or (longest is not None and longest <= theirs.max_length)
    )
