"""Whether all values of one scalar are values of another: decided, or said to be open. Pure."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

from ..model.constraints import Scalar, whole
from ..schema.jsontext import Json, JsonObject, canonical_json
from .formats import WIDER
from .patterns import is_trivial
from .ranges import Range
from .values import accepts, lengths, listed, values

Answer: TypeAlias = Literal["same", "yes", "no", "open"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """Where the answer is no, `witness` is a value of the one that the other has not."""

    answer: Answer
    witness: Json = None


def subset(ours: Scalar, theirs: Scalar, hints: JsonObject) -> Verdict:
    """Whether everything that our code can send as this property is accepted there."""
    if is_same(ours, theirs):
        return Verdict("same")
    for value in values(ours, hints, theirs):
        if accepts(theirs, value) is False:
            return Verdict("no", value)
    return Verdict("yes" if is_proved(ours, theirs) else "open")


def is_same(one: Scalar, other: Scalar) -> bool:
    """Whether two scalars say the same in other words."""
    return _meaning(one) == _meaning(other)


def _meaning(scalar: Scalar) -> tuple[object, ...]:
    """Without the limits of types that the scalar does not have, and the order of its values."""
    choices = sorted({canonical_json(whole(choice)) for choice in scalar.choices})
    limits = (scalar.text_limits, scalar.numeric_limits)
    return (scalar.types, scalar.nullable, choices, limits)


def is_proved(ours: Scalar, theirs: Scalar) -> bool:
    """Whether that follows from what both say, without a try."""
    if ours.nullable and not theirs.nullable:
        return False
    if ours.choices:
        return all(accepts(theirs, value) for value in ours.choices)
    return all(_is_kind_proved(kind, ours, theirs) for kind in ours.types)


def _is_kind_proved(kind: str, ours: Scalar, theirs: Scalar) -> bool:
    few = listed(ours, kind)
    if few is not None:
        return all(accepts(theirs, value) for value in few)
    if theirs.choices:
        return False
    if kind == "string":
        return "string" in theirs.types and _is_text_proved(ours, theirs)
    is_numeric = bool({"integer", "number"} & set(theirs.types))
    return is_numeric and Range.of(ours).is_within(Range.of(theirs))


def _is_text_proved(ours: Scalar, theirs: Scalar) -> bool:
    is_wider = theirs.format in ("", ours.format, *WIDER.get(ours.format, ()))
    is_matched = theirs.pattern == ours.pattern or is_trivial(theirs.pattern)
    if not is_matched or not is_wider:
        return False
    shortest, longest = lengths(ours)
    return shortest >= theirs.min_length and (
        theirs.max_length is None or (longest is not None and longest <= theirs.max_length)
    )
