"""Rules beyond the type of a value: lengths, ranges, patterns, formats, closed lists.

They are the rules of JSON Schema draft 2020-12, Validation, section 6. A rule has the two methods
that a payload class needs: `check` appends the violations of a value and returns it as the module
`checks` does, and `read` converts a JSON value, or raises `InvalidValueError`.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Generic, Protocol, TypeVar, cast

from ..violation import InvalidValueError, Violation, ViolationCode
from .checks import check_boolean, check_integer, check_number, check_string
from .codecs import json_number, read_boolean, read_integer, read_number, read_string
from .plain import join_surrogates, plain_value
from .types import Json

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Rule(Protocol[T_co]):
    """The interface of all rules."""

    def check(self, violations: list[Violation], name: str, value: object) -> object:
        """Append the violations of a value, and return the value to store."""
        ...

    def read(self, value: Json) -> T_co:
        """Convert a JSON value. Raises `InvalidValueError`."""
        ...


class Text:
    """A string.

    Lengths are numbers of code points. `pattern` is a regular expression of Python, which may match
    anywhere in the text. `form` is a predicate of the module `formats`.
    """

    def __init__(
        self,
        *,
        min_length: int = 0,
        max_length: int | None = None,
        pattern: str = "",
        form: Callable[[str], bool] | None = None,
    ) -> None:
        self._min_length = min_length
        self._max_length = max_length
        self._search = re.compile(pattern, re.ASCII).search if pattern else None
        self._form = form

    def check(self, violations: list[Violation], name: str, value: object) -> object:
        count = len(violations)
        text = check_string(violations, name, value)
        if len(violations) == count:
            self._check_text(violations, name, cast(str, text))
        return text

    def _check_text(self, violations: list[Violation], name: str, value: str) -> None:
        if len(value) < self._min_length:
            message = f"must have at least {self._min_length} characters, not {len(value)}"
            violations.append(Violation(name, "minLength", message, value))
        if self._max_length is not None and len(value) > self._max_length:
            message = f"must have at most {self._max_length} characters, not {len(value)}"
            violations.append(Violation(name, "maxLength", message, value))
        if self._search is not None and not self._search(value):
            violations.append(Violation(name, "pattern", _NO_MATCH, value))
        if self._form is not None and not self._form(value):
            form = getattr(self._form, "__name__", "").removeprefix("is_").replace("_", "-")
            message = f"does not have the format {form}"
            violations.append(Violation(name, "format", message, value))

    def read(self, value: Json) -> str:
        return read_string(value)


_NO_MATCH = "does not match the pattern of the schema"


class _Range:
    """The limits of a number."""

    def __init__(
        self,
        *,
        minimum: float | None = None,
        exclusive_minimum: float | None = None,
        maximum: float | None = None,
        exclusive_maximum: float | None = None,
        multiple_of: float | None = None,
    ) -> None:
        self._minimum = _limit(minimum)
        self._exclusive_minimum = _limit(exclusive_minimum)
        self._maximum = _limit(maximum)
        self._exclusive_maximum = _limit(exclusive_maximum)
        self._multiple_of = _limit(multiple_of)

    def check_range(self, violations: list[Violation], name: str, value: float) -> None:
        """Append the violations of a number."""
        violations += [
            Violation(name, code, f"must be {words} {limit}", value)
            for code, words, limit in self._broken_limits(json_number(value))
        ]

    def _broken_limits(self, number: float) -> Iterator[tuple[ViolationCode, str, float]]:
        if self._minimum is not None and number < self._minimum:
            yield "minimum", "at least", self._minimum
        if self._exclusive_minimum is not None and number <= self._exclusive_minimum:
            yield "exclusiveMinimum", "more than", self._exclusive_minimum
        if self._maximum is not None and number > self._maximum:
            yield "maximum", "at most", self._maximum
        if self._exclusive_maximum is not None and number >= self._exclusive_maximum:
            yield "exclusiveMaximum", "less than", self._exclusive_maximum
        if self._multiple_of is not None and not is_multiple(number, self._multiple_of):
            yield "multipleOf", "a multiple of", self._multiple_of


def _limit(limit: float | None) -> float | None:
    return None if limit is None else json_number(limit)


class Integer(_Range):
    """An int that is not a bool."""

    def check(self, violations: list[Violation], name: str, value: object) -> object:
        count = len(violations)
        number = check_integer(violations, name, value)
        if len(violations) == count:
            self.check_range(violations, name, cast(int, number))
        return number

    def read(self, value: Json) -> int:
        return read_integer(value)


class Number(_Range):
    """A finite float, or an int that is not a bool."""

    def check(self, violations: list[Violation], name: str, value: object) -> object:
        count = len(violations)
        number = check_number(violations, name, value)
        if len(violations) == count:
            self.check_range(violations, name, cast(float, number))
        return number

    def read(self, value: Json) -> float:
        return read_number(value)


class Boolean:
    """True or False."""

    def check(self, violations: list[Violation], name: str, value: object) -> object:
        return check_boolean(violations, name, value)

    def read(self, value: Json) -> bool:
        return read_boolean(value)


class Choice(Generic[T]):
    """One value of a closed list. 2.0 is the same value as 2, but True is not the same as 1."""

    def __init__(self, *values: T) -> None:
        self._values = values

    def check(self, violations: list[Violation], name: str, value: object) -> object:
        try:
            return self._choose(plain_value(value))
        except InvalidValueError as error:
            violations.append(Violation(name, error.code, error.message, value))
            return value

    def read(self, value: Json) -> T:
        return self._choose(value)

    def _choose(self, value: object) -> T:
        """Return the value of the list that a value is equal to."""
        if isinstance(value, str):
            with suppress(UnicodeError):
                value = join_surrogates(value)
        for choice in self._values:
            if _is_same(value, choice):
                return choice
        raise InvalidValueError("enum", self._message())

    def _message(self) -> str:
        return f"must be one of {', '.join(map(repr, self._values))}"


class Either(Generic[T]):
    """A value of one of several JSON types, each with its own rule."""

    def __init__(self, **rules: Rule[T]) -> None:
        self._rules = rules

    def check(self, violations: list[Violation], name: str, value: object) -> object:
        json_type = _JSON_TYPES.get(type(value)) or _JSON_TYPES.get(type(plain_value(value)), "")
        rule = self._rules.get(json_type)
        if rule is None and json_type == "integer":
            rule = self._rules.get("number")
        if rule is not None:
            return rule.check(violations, name, value)
        message = f"must have the type {' or '.join(self._rules)}"
        violations.append(Violation(name, "type", message, value))
        return value

    def read(self, value: Json) -> T:
        messages: list[str] = []
        for rule in self._rules.values():
            try:
                return rule.read(value)
            except InvalidValueError as error:
                messages.append(error.message)
        raise InvalidValueError("type", " or ".join(messages))


_JSON_TYPES: Mapping[type, str] = {bool: "boolean", int: "integer", float: "number", str: "string"}


def _is_same(left: object, right: object) -> bool:
    """Return True if two strings, numbers or booleans are the same JSON value."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, (int, float)) and isinstance(right, (int, float)):
        return json_number(left) == json_number(right)
    return isinstance(left, str) and left == right


def is_multiple(value: float, divisor: float) -> bool:
    """Compare by the decimal digits of both, so that 0.0075 is a multiple of 0.0001."""
    if isinstance(value, int) and isinstance(divisor, int):
        return value % divisor == 0
    from fractions import Fraction

    return Fraction(repr(value)) % Fraction(repr(divisor)) == 0


def check_object(
    violations: list[Violation],
    payload: Mapping[str, Json],
    *,
    min_properties: int = 0,
    max_properties: int | None = None,
    dependent_required: Mapping[str, tuple[str, ...]] | None = None,
) -> None:
    """Check the rules that concern several properties of a payload."""
    count = len(payload)
    if count < min_properties:
        message = f"must have at least {min_properties} properties, not {count}"
        violations.append(Violation("payload", "minProperties", message))
    if max_properties is not None and count > max_properties:
        message = f"must have at most {max_properties} properties, not {count}"
        violations.append(Violation("payload", "maxProperties", message))
    for name, dependents in (dependent_required or {}).items():
        missing = [other for other in dependents if name in payload and other not in payload]
        violations += [
            Violation(other, "dependentRequired", f"is required together with {name}")
            for other in missing
        ]
