"""What payload classes with a contract need: stored values that break it, and personal data."""

from collections.abc import Callable, Sequence, Set
from dataclasses import replace
from typing import TypeVar

from ..violation import InvalidValueError, Violation
from .types import Json, Payload

P = TypeVar("P", bound=Payload)
T = TypeVar("T")
S = TypeVar("S")


def either(read: Callable[[Json], T], read_stored: Callable[[Json], S]) -> Callable[[Json], T | S]:
    """Return a function that reads a value by the contract, or else by the schema."""

    def read_either(value: Json) -> T | S:
        try:
            return read(value)
        except InvalidValueError:
            return read_stored(value)

    return read_either


def restore_payload(payload_class: type[P], /, **values: object) -> P:
    """Create an instance from values that Engage stores, without the checks of the contract."""
    from .pickling import rebuild

    return rebuild(payload_class, values)


def without_values(violations: Sequence[Violation], personal: Set[str]) -> list[Violation]:
    """Return violations without the values of personal data, and of undeclared properties: the
    name of one may be misspelled."""
    return [
        replace(violation, value=None)
        if violation.property in personal or violation.code == "undeclared"
        else violation
        for violation in violations
    ]
