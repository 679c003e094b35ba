"""Texts that generated code can send, found by automata where trying a few is not enough. Pure."""

from collections.abc import Iterator

from ..model.codecs import has_python_type
from ..model.constraints import Constraints
from ..model.language.formats import written_texts
from ..model.language.machine import Budget, UndecidedError
from ..model.language.search import find_difference, find_text
from ..model.language.texts import inner_texts, outer_texts
from ..model.language.textset import TextSet
from .formats import WIDER_FORMATS
from .values import accepts, is_sent

_STEPS = 100_000
"""The steps of one search, about half a second."""


def sample_text(constraints: Constraints) -> str | None:
    """Return a shortest text that generated code can send, or None if none was found."""
    for texts in _inner(constraints):
        try:
            text = find_text(texts, Budget(_STEPS))
        except UndecidedError:
            continue
        if text is not None and is_sent(text, constraints):
            return text
    return None


def find_refused_text(ours: Constraints, theirs: Constraints) -> str | None:
    """Return a text that generated code can send and the other side refuses, or None if there is
    none.

    Raises `UndecidedError` if neither a text nor a proof was found.
    """
    for texts, others, is_proof in _comparisons(ours, theirs):
        try:
            text = find_difference(texts, others, Budget(_STEPS))
        except UndecidedError:
            continue
        if text is None and is_proof:
            return None
        if text is not None and is_sent(text, ours) and accepts(theirs, text) is False:
            return text
    raise UndecidedError


def _comparisons(ours: Constraints, theirs: Constraints) -> Iterator[tuple[TextSet, TextSet, bool]]:
    """Yield a set of ours and a set of theirs, and whether no difference between them is a proof.

    It is one if ours are at least all texts, and theirs at most all.
    """
    has_format = theirs.format not in (ours.format, *WIDER_FORMATS.get(ours.format, ()))
    accepted = inner_texts(theirs, has_format=has_format)[-1]
    possible = outer_texts(theirs, has_format=has_format)[-1]
    outer, inner = _outer(ours), _inner(ours)
    for number in range(max(len(outer), len(inner))):
        yield from ((texts, accepted, True) for texts in outer[number : number + 1])
        if inner[number : number + 1] != outer[number : number + 1] or accepted != possible:
            yield from ((texts, possible, False) for texts in inner[number : number + 1])


def _inner(constraints: Constraints) -> tuple[TextSet, ...]:
    is_typed = has_python_type(constraints)
    return (written_texts(constraints.format),) if is_typed else inner_texts(constraints)


def _outer(constraints: Constraints) -> tuple[TextSet, ...]:
    is_typed = has_python_type(constraints)
    return (written_texts(constraints.format),) if is_typed else outer_texts(constraints)
