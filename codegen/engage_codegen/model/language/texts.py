"""Constraints of strings -> sets of texts. Pure."""

from ..constraints import Constraints
from ..regex import escape_literal
from .formats import format_texts
from .textset import TextSet

NO_TEXTS = TextSet(longest=-1)


def inner_texts(constraints: Constraints, *, has_format: bool = True) -> tuple[TextSet, ...]:
    """Return sets of strings that the constraints allow. The last set is the largest.

    If `has_format` is False, the format does not count.
    """
    limits = _limits(constraints)
    if not constraints.format or not has_format:
        return (limits,)
    return tuple(limits.intersect(texts) for texts in format_texts(constraints.format).inner)


def outer_texts(constraints: Constraints, *, has_format: bool = True) -> tuple[TextSet, ...]:
    """Return sets with all strings that the constraints allow. The last set is the smallest."""
    limits = _limits(constraints)
    if not constraints.format or not has_format:
        return (limits,)
    return tuple(limits.intersect(texts) for texts in format_texts(constraints.format).outer)


def _limits(constraints: Constraints) -> TextSet:
    if "string" not in constraints.types:
        return NO_TEXTS
    if constraints.choices:
        texts = [value for value in constraints.choices if isinstance(value, str)]
        branches = "|".join("".join(map(escape_literal, text)) for text in texts)
        lengths = [len(text) for text in texts]
        return TextSet((rf"^(?:{branches})\Z",), min(lengths), max(lengths))
    patterns = (constraints.pattern,) if constraints.pattern else ()
    return TextSet(patterns, constraints.min_length, constraints.max_length)
