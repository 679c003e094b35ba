"""Strings and numbers as instances of the types that JSON has, with the meaning that they had."""

from typing import TYPE_CHECKING, TypeGuard, TypeVar

if TYPE_CHECKING:
    from decimal import Decimal

T = TypeVar("T")

_PLAIN_TYPES = frozenset([str, int, float, bool, type(None)])
_MOST_DIGITS = 5000


def plain_value(value: object) -> object:
    """Return the value of a str, int or float of a subclass, a UUID or a Decimal.

    Calls nothing that a subclass overrides. A UUID becomes its text, and a Decimal the int or the
    float that it equals. Any other value is returned as it is, also a Decimal that equals neither.
    """
    if type(value) in _PLAIN_TYPES:
        return value
    if is_instance(value, str):
        return str.__str__(value)
    if is_instance(value, int):
        return int.__int__(value)
    if is_instance(value, float):
        return float.__float__(value)
    from decimal import Decimal
    from uuid import UUID

    if is_instance(value, UUID):
        return UUID.__str__(value)
    return _plain_number(value) if is_instance(value, Decimal) else value


def join_surrogates(text: str) -> str:
    """Return the text with each pair of surrogates as the one character that it stands for.

    Raises `UnicodeError` for a surrogate that has no counterpart.
    """
    if text.isascii():
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le")


def is_instance(value: object, of: type[T]) -> TypeGuard[T]:
    """Return True for an instance. A mock or a proxy that claims to have another class is none."""
    return issubclass(type(value), of)


def _plain_number(value: "Decimal") -> object:
    from decimal import Decimal

    number = Decimal(value)  # not of a subclass
    if not number.is_finite():
        return float("nan") if number.is_nan() else float(number)
    if abs(number.adjusted()) > _MOST_DIGITS:
        return value
    if number == number.to_integral_value():
        return int(number)
    approximate = float(number)
    return approximate if Decimal(repr(approximate)) == number else value
